// Bundles src/ into a folder: the executable, the library's face, the watchdog's thread, and a file for each job and each lazy import.
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type BuildOptions, build, type Metafile } from 'esbuild';
import { writeInAscii } from './deploy/build/ascii.ts';
import { builtinsWithoutFacade } from './deploy/build/builtins.ts';
import { LazyImports, lazyProblems, requireLazily } from './deploy/build/lazy-imports.ts';
import { leanTelemetry } from './deploy/build/lean-telemetry.ts';
import { writeLicenses } from './deploy/build/licenses.ts';
import { type Bundles, joinBundles, type Patch } from './deploy/build/patch.ts';
import { pgOnNodeCrypto } from './deploy/build/pg-crypto.ts';

const { version, engines } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  version: string;
  engines: { node: string };
};
const nodeMajor = Number(/\d+/.exec(engines.node)?.[0]);

/** What is done to the code of dependencies. What each is worth: docs/decisions/bundling.md. */
export const PATCHES = { leanTelemetry, builtinsWithoutFacade, pgOnNodeCrypto } as const;

/** The options of every bundle. */
export const COMMON = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  loader: { '.sql': 'text', '.css': 'text', '.svg': 'text', '.client.js': 'text' },
  // The pages of the console.
  jsx: 'automatic',
  jsxImportSource: 'hono/jsx',
  define: { __RUN_JOB_VERSION__: JSON.stringify(version) },
  external: ['pg-native'],
  // CommonJS dependencies ask for Node's own modules with require(), which an ES module doesn't have.
  banner: { js: 'const require = process.getBuiltinModule;' },
  legalComments: 'none',
  // What isn't read needs no time; names and lines stay, so that a stack trace still says where.
  minifyWhitespace: true,
  minifySyntax: true,
  lineLimit: 120,
  // Else esbuild makes a call of each such expression, and keeps also those of valibot's that nobody asks for.
  supported: { 'regexp-unicode-property-escapes': true },
  logLevel: 'warning',
} as const satisfies BuildOptions;

/** An older Node lacks `process.getBuiltinModule`: it gets a sentence in place of a stack trace. Costs less than a microsecond. */
const NODE_GUARD = `if (parseInt(process.versions.node, 10) < ${nodeMajor}) {
  console.error('run-job: this is Node ' + process.versions.node + ', and run-job needs Node ${nodeMajor} or newer: update Node (in a project: npm install --save-dev node@${nodeMajor}), or use the image');
  process.exit(78);
}`;

/** The executable, in the syntax of the oldest Node that is to understand the guard. */
export const EXECUTABLE = {
  entryPoints: { 'run-job': 'src/run-job.ts' },
  target: 'node18',
  banner: { js: `${NODE_GUARD}\n${COMMON.banner.js}` },
} satisfies BuildOptions;

const COMMON_JS = { format: 'cjs', outExtension: { '.js': '.cjs' }, banner: {} } as const satisfies BuildOptions;

/** What CommonJS gives a module. */
const GIVEN = 'exports,require,module,__filename,__dirname';

/**
 * What is loaded when it is needed. Where Node loads it, it is a CommonJS module; as a script by itself it is a function with the parameters
 * of one, which can be given V8's code (src/process/load-script.ts). The function is in parentheses, so that V8 compiles it at once: else Node's
 * compile cache would hold nothing of it.
 */
const SCRIPTS = {
  ...COMMON_JS,
  banner: { js: `(run=>this===globalThis?run:run(${GIVEN}))((function(${GIVEN}){` },
  footer: { js: '}))' },
  define: { ...COMMON.define, 'import.meta.url': '__filename' },
} as const satisfies BuildOptions;

/** What the executable begins with. */
const START = 'src/cli/start.ts';

/** The thread that watches over the event loop, and the program that it leaves the record to when it is about to die itself. */
export const WATCHDOG = {
  ...COMMON_JS,
  entryPoints: { 'watchdog-thread': 'src/app/watchdog-thread.ts', 'record-closer': 'src/app/record-closer.ts' },
} satisfies BuildOptions;

/** The bundles were made, and aren't what they should be. */
export class BundleError extends Error {}

/**
 * Bundles all of src/ into `folder`, which is empty or not there.
 * @throws {BundleError} a patch didn't find what it replaces, or two bundles would write the same file
 */
export async function bundleAll(folder: string): Promise<void> {
  const patches = Object.values(PATCHES).map((make) => make());
  const { inputs, twice } = await makeBundles(folder, patches);
  const problems = [
    ...twice.map((path) => `two bundles write ${path}: give one of their entries another name`),
    ...(await Promise.all([...patches.map((patch) => patch.problems({ inputs })), lazyProblems({ inputs })])).flat(),
  ];
  if (problems.length > 0) throw new BundleError(`The bundles aren't what they should be\n  ${problems.join('\n  ')}`);
  writeLicenses(join(folder, 'THIRD-PARTY-LICENSES.txt'), Object.keys(inputs));
}

/**
 * Bundles all of src/ with these patches, and proves nothing. `twice` are files that more than one bundle writes.
 * @param inAscii false for the benchmark of that
 */
export async function makeBundles(
  folder: string,
  patches: readonly Patch[],
  inAscii = true,
): Promise<Bundles & Pick<Metafile, 'outputs'> & { readonly twice: readonly string[] }> {
  const lazy = new LazyImports();
  lazy.add(resolve(START));
  const metafiles: Metafile[] = [];

  async function bundle(options: BuildOptions, lazyFolder = './lazy/'): Promise<void> {
    const plugins = [...patches.map(({ plugin }) => plugin), lazy.plugin(lazyFolder)];
    const { metafile } = await build({ ...COMMON, outdir: folder, ...options, plugins, metafile: true });
    metafiles.push(metafile);
  }

  mkdirSync(join(folder, 'jobs'), { recursive: true });
  await Promise.all([
    bundle(EXECUTABLE),
    bundle({ entryPoints: { index: 'src/index.ts', testing: 'src/testing/index.ts' } }),
    // A thread without a module loader starts sooner.
    bundle(WATCHDOG),
    bundle({ entryPoints: { 'guardian-without-shell': 'src/process/child/guardian-without-shell.ts' } }),
    bundle({ entryPoints: jobEntries(), outdir: join(folder, 'jobs') }, '../lazy/'),
    bundle({ entryPoints: { valibot: 'valibot' } }),
  ]);
  // Then what they import lazily, and so on: each file once, whoever asks for it.
  for (const built = new Set<string>(); ; ) {
    const next = [...lazy.found].filter(([name]) => !built.has(name));
    if (next.length === 0) break;
    for (const [name] of next) built.add(name);
    await bundle({ ...SCRIPTS, entryPoints: Object.fromEntries(next), outdir: join(folder, 'lazy') }, './');
  }
  const written = metafiles.flatMap((metafile) => Object.keys(metafile.outputs));
  requireLazily(written.filter((path) => path.endsWith('.cjs')));
  if (inAscii) writeInAscii(written);
  return {
    ...joinBundles(metafiles),
    outputs: Object.assign({}, ...metafiles.map((metafile) => metafile.outputs)),
    twice: written.filter((path, index) => written.indexOf(path) !== index),
  };
}

/** Every file, and every folder with an index.ts, in src/jobs is a job named after it: nothing is registered. */
function jobEntries(): Record<string, string> {
  const entries: Record<string, string> = {};
  if (!existsSync('src/jobs')) return entries;
  for (const item of readdirSync('src/jobs', { withFileTypes: true })) {
    if (item.isDirectory()) entries[item.name] = join('src/jobs', item.name, 'index.ts');
    else if (item.name.endsWith('.ts')) entries[item.name.slice(0, -3)] = join('src/jobs', item.name);
  }
  return entries;
}
