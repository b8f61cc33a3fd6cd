// `npm run build`: src/ to dist/: the bundles, V8's code for what runs load of them, and the declarations. The image needs no declarations,
// and its own Node makes the code: --bundles-only.
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BundleError, bundleAll } from '../../esbuild.config.ts';
import { replaceFolder } from './fresh-folder.ts';
import { pruneTypes } from './prune-types.ts';

function declare(folder: string): void {
  const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
  const args = [join(typescript, 'bin/tsc'), '-p', 'tsconfig.build.json', '--outDir', folder];
  execFileSync(process.execPath, args, { stdio: 'inherit' });
  pruneTypes(folder);
}

/** With a fixed seed V8 makes the same bytes each time. */
function cacheCode(folder: string): void {
  const script = fileURLToPath(new URL('code-cache.ts', import.meta.url));
  execFileSync(process.execPath, ['--random-seed=1', script, folder], { stdio: 'inherit' });
}

try {
  await replaceFolder('dist', async (folder) => {
    await bundleAll(folder);
    if (process.argv.includes('--bundles-only')) return;
    cacheCode(folder);
    declare(join(folder, 'types'));
  });
} catch (error) {
  if (!(error instanceof BundleError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
