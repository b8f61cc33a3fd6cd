// Bundles src/ into dist/: the executable, the library's face, the watchdog thread and one lazily loaded chunk a job.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

/** Every file, and every folder with an index.ts, in src/jobs is a job named after it: nothing is registered. */
function jobEntries(): Record<string, string> {
  const entries: Record<string, string> = {};
  if (!existsSync('src/jobs')) return entries;
  for (const item of readdirSync('src/jobs', { withFileTypes: true })) {
    if (item.isDirectory()) entries[`jobs/${item.name}`] = join('src/jobs', item.name, 'index.ts');
    else if (item.name.endsWith('.ts')) entries[`jobs/${item.name.slice(0, -3)}`] = join('src/jobs', item.name);
  }
  return entries;
}

rmSync('dist', { recursive: true, force: true });
await build({
  entryPoints: {
    'run-job': 'src/run-job.ts',
    index: 'src/index.ts',
    'watchdog-thread': 'src/cli/watchdog-thread.ts',
    ...jobEntries(),
  },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  chunkNames: 'chunks/[name]-[hash]',
  loader: { '.sql': 'text' },
  define: { __RUN_JOB_VERSION__: JSON.stringify(version) },
  external: ['pg-native'],
  // CommonJS dependencies ask for Node's own modules with require(), which an ES module doesn't have.
  banner: { js: 'const require = process.getBuiltinModule;' },
  legalComments: 'none',
  logLevel: 'warning',
});
