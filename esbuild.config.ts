// Bundles src/ into dist/: the executable, the library's face, the watchdog's thread, and a file for each job and each lazy import.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { leanTelemetry } from './deploy/build/lean-telemetry.ts';
import { writeLicenses } from './deploy/build/licenses.ts';

const { version, engines } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  version: string;
  engines: { node: string };
};
const nodeMajor = Number(/\d+/.exec(engines.node)?.[0]);

/**
 * Imports of Node's own modules become `process.getBuiltinModule`. An import statement would make Node evaluate every lazy export
 * of the module first (`node:crypto` loads WebCrypto that way), at a start that is to cost 25 ms in all.
 */
const builtinsWithoutFacade: Plugin = {
  name: 'builtins-without-facade',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path, kind }) => {
      // A CommonJS dependency wants the module itself, which may be a class (`node:events`): the banner's require() gives it that.
      if (kind === 'require-call') return { path, external: true };
      return { path, namespace: 'builtin', sideEffects: false };
    });
    onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => {
      const names = Object.keys(process.getBuiltinModule(path) ?? {}).filter((name) => name !== 'default');
      const exports = names.map((name) => `export const ${name} = /* @__PURE__ */ $get('${name}');`);
      // With a $, since `get` is an export of node:http. Pure, so that only what is imported stays.
      const head = `const $all = /* @__PURE__ */ process.getBuiltinModule('${path}'); const $get = (name) => $all[name];`;
      return { contents: [head, 'export default $all;', ...exports].join('\n'), loader: 'js' };
    });
  },
};

/** See pg-crypto.ts. */
const pgOnNodeCrypto: Plugin = {
  name: 'pg-on-node-crypto',
  setup({ onResolve }) {
    const path = resolve('src/postgres/pg-crypto.ts');
    onResolve({ filter: /\/utils$/ }, ({ path: asked, importer }) =>
      /\/pg\/lib\/client\.js$/.test(importer) && asked === './crypto/utils' ? { path } : undefined,
    );
    onResolve({ filter: /^\.\/utils$/ }, ({ importer }) =>
      /\/pg\/lib\/crypto\/sasl\.js$/.test(importer) ? { path } : undefined,
    );
  },
};

/**
 * `import('./x.ts')` becomes a file `lazy/x.js` of its own that shares nothing with the others. esbuild's code splitting would put
 * whatever two of them have in common into one more file each, and a run would load sixteen files where three do.
 */
function lazyImports(found: Map<string, string>, folder: string): Plugin {
  return {
    name: 'lazy-imports',
    setup({ onResolve }) {
      onResolve({ filter: /^\./ }, ({ kind, path, resolveDir }) => {
        if (kind !== 'dynamic-import' || resolveDir.includes('node_modules')) return undefined;
        const file = resolve(resolveDir, path);
        const name = basename(file, '.ts');
        if ((found.get(name) ?? file) !== file) throw new Error(`two lazy imports are named ${name}`);
        found.set(name, file);
        return { path: `${folder}${name}.js`, external: true };
      });
    },
  };
}

const PLUGINS = [leanTelemetry, builtinsWithoutFacade, pgOnNodeCrypto];

const COMMON: BuildOptions = {
  outdir: 'dist',
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  loader: { '.sql': 'text' },
  define: { __RUN_JOB_VERSION__: JSON.stringify(version) },
  external: ['pg-native'],
  // CommonJS dependencies ask for Node's own modules with require(), which an ES module doesn't have.
  banner: { js: 'const require = process.getBuiltinModule;' },
  legalComments: 'none',
  logLevel: 'warning',
};

const REQUIRE = COMMON.banner?.js ?? '';

/** An older Node lacks `process.getBuiltinModule`: it gets a sentence in place of a stack trace. Costs less than a microsecond. */
const NODE_GUARD = `if (parseInt(process.versions.node, 10) < ${nodeMajor}) {
  console.error('run-job: this is Node ' + process.versions.node + ', and run-job needs Node ${nodeMajor} or newer: update Node, or use the image');
  process.exit(78);
}`;

/** Every file that some bundle holds a piece of. */
const bundled = new Set<string>();

async function bundle(options: BuildOptions): Promise<void> {
  const { metafile } = await build({ ...COMMON, ...options, metafile: true });
  for (const { inputs } of Object.values(metafile.outputs)) for (const file of Object.keys(inputs)) bundled.add(file);
}

/** Bundles entries, then everything that they import lazily, and so on. */
async function buildWithLazyImports(entryPoints: Record<string, string>, options: BuildOptions = {}): Promise<void> {
  const found = new Map<string, string>();
  const built = new Set<string>();
  await bundle({ ...options, entryPoints, plugins: [...PLUGINS, lazyImports(found, './lazy/')] });
  for (let next = [...found]; next.length > 0; next = [...found].filter(([name]) => !built.has(name))) {
    for (const [name] of next) built.add(name);
    const plugins = [...PLUGINS, lazyImports(found, './')];
    await bundle({ outdir: 'dist/lazy', entryPoints: Object.fromEntries(next), plugins });
  }
}

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
mkdirSync('dist/jobs', { recursive: true });
await Promise.all([
  // In the syntax of the oldest Node that is to understand the guard.
  buildWithLazyImports(
    { 'run-job': 'src/run-job.ts' },
    { target: 'node18', banner: { js: `${NODE_GUARD}\n${REQUIRE}` } },
  ),
  buildWithLazyImports({ testing: 'src/testing/index.ts' }),
  // A thread without a module loader starts sooner.
  buildWithLazyImports(
    { 'watchdog-thread': 'src/app/watchdog-thread.ts' },
    { format: 'cjs', outExtension: { '.js': '.cjs' }, banner: {} },
  ),
  bundle({ entryPoints: { index: 'src/index.ts', ...jobEntries() }, plugins: PLUGINS }),
  bundle({ entryPoints: { valibot: 'valibot' } }),
]);
writeLicenses('dist/THIRD-PARTY-LICENSES.txt', bundled);
