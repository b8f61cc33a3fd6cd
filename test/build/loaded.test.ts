// What a run loads, file by file and module by module: time at the start is lost to what nobody noticed. Where a list has become
// longer on purpose, `npm run bench -- startup` says what that costs.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, inject, test } from 'vitest';
import { EXECUTABLE } from '../support/built.ts';
import { startCheckInServices } from '../support/check-in-services.ts';
import { createDatabase } from '../support/database.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import { type RunOptions, runToEnd } from '../support/run-job.ts';

const DIST = join(EXECUTABLE, '..');
const PROBE = fileURLToPath(new URL('../fixtures/tell-loaded.cjs', import.meta.url));
const JOB = `import { defineJob } from 'run-job';
export default defineJob({ name: 'nothing', description: 'Does nothing', run() {} });
`;

/** What takes its time to load, and no run needs. */
const COSTLY = /undici|webcrypto|webstreams|zlib|readline|\btty\b|inspector|sqlite|typescript|repl/;

interface Loaded {
  /** Files of dist/, in the order in which they were loaded. */
  readonly files: string[];
  /** Those of them that came with V8's code. */
  readonly coded: string[];
  readonly kilobytes: number;
  /** Modules of Node that authors can import, beyond those of `node -e 0`. */
  readonly modules: string[];
  /** All of Node's own, internal ones included, beyond those of `node -e 0`. */
  readonly internals: string[];
}

async function loadedBy(options: RunOptions = {}, args: readonly string[] = ['nothing']): Promise<Loaded> {
  const folder = mkdtempSync(join(inject('scratchFolder'), 'loaded-'));
  writeFileSync(join(folder, 'nothing.mjs'), JOB);
  const bare = join(folder, 'bare.json');
  execFileSync(process.execPath, ['--require', PROBE, '-e', '0'], { env: { TELL_LOADED: bare } });
  const target = join(folder, 'run.json');
  const { exitCode, stderr } = await runToEnd(args, {
    ...options,
    env: { ...options.env, RUN_JOB_DIRS: folder, NODE_OPTIONS: `--require ${PROBE}`, TELL_LOADED: target },
  });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  const read = (path: string): { files: string[]; coded: string[]; builtins: string[] } =>
    JSON.parse(readFileSync(path, 'utf8'));
  const { files, coded, builtins } = read(target);
  const known = new Set(read(bare).builtins);
  const internals = builtins.filter((name) => !known.has(name)).sort();
  const ofOurs = (urls: readonly string[]) =>
    urls.map((url) => fileURLToPath(url)).filter((path) => path.startsWith(DIST));
  const ours = ofOurs(files);
  return {
    files: ours.map((path) => relative(DIST, path)),
    coded: ofOurs(coded).map((path) => relative(DIST, path)),
    kilobytes: ours.reduce((sum, path) => sum + statSync(path).size, 0) / 1_000,
    modules: internals.filter((name) => isBuiltin(name) && !name.startsWith('_')),
    internals,
  };
}

/** Those of the executable's files that V8's code is made for; without it a run would compile them anew. */
const scriptsOf = (files: readonly string[]) => files.filter((file) => file.startsWith('lazy/'));

const MODULES = ['os', 'stream', 'stream/promises', 'string_decoder', 'worker_threads'];

test('a run with nothing configured', async () => {
  const { files, coded, kilobytes, modules, internals } = await loadedBy();
  expect(files).toEqual(['run-job.js', 'lazy/start.cjs', 'index.js']);
  expect(coded).toEqual(scriptsOf(files));
  expect(kilobytes).toBeLessThan(180);
  expect(modules).toEqual(MODULES);
  expect(internals.filter((name) => COSTLY.test(name))).toEqual([]);
});

test('a run with lock, slot and record', async () => {
  await using database = await createDatabase();
  const { files, coded, kilobytes, modules, internals } = await loadedBy({ database });
  expect(files).toEqual(['run-job.js', 'lazy/start.cjs', 'lazy/postgres.cjs', 'index.js']);
  expect(coded).toEqual(scriptsOf(files));
  expect(kilobytes).toBeLessThan(356);
  // `crypto` makes the digest of the parameters, the keys of the locks, and the login.
  expect(modules).toEqual([...MODULES, 'crypto', 'dns', 'net', 'timers/promises'].sort());
  expect(internals.filter((name) => COSTLY.test(name))).toEqual([]);
});

test('a program', async () => {
  const { files, coded, kilobytes, modules, internals } = await loadedBy({}, ['exec', 'nothing', '--', 'true']);
  // No job is loaded, and nothing of help or completion.
  expect(files).toEqual(['run-job.js', 'lazy/start.cjs', 'lazy/program-executor.cjs']);
  expect(coded).toEqual(scriptsOf(files));
  expect(kilobytes).toBeLessThan(239);
  // `child_process` brings `dgram` along; the watchdog's thread is only for a program that takes longer than this one mostly does.
  const without = (names: readonly string[]) => names.filter((name) => name !== 'worker_threads');
  expect(without(modules)).toEqual(without([...MODULES, 'child_process', 'dgram', 'net', 'timers/promises']).sort());
  expect(internals.filter((name) => COSTLY.test(name))).toEqual([]);
});

test('a short program starts no thread, whose output goes through sockets, as Node makes them', async () => {
  // On a busy machine a program may take long by chance.
  for (let tries = 0; tries < 20; tries += 1) {
    const { modules } = await loadedBy({}, ['exec', 'nothing', '--', 'true']);
    if (!modules.includes('worker_threads')) return;
  }
  expect.unreachable('each of 20 runs has loaded node:worker_threads');
});

test('a run with traces and metrics on', async () => {
  await using collector = await startOtlpReceiver();
  const { files, coded, kilobytes, modules, internals } = await loadedBy({
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url },
  });
  expect(files).toEqual(['run-job.js', 'lazy/start.cjs', 'lazy/sdk.cjs', 'index.js']);
  expect(coded).toEqual(scriptsOf(files));
  expect(kilobytes).toBeLessThan(467);
  expect(modules).toEqual([...MODULES, 'http', 'net', 'perf_hooks', 'process'].sort());
  expect(internals.filter((name) => COSTLY.test(name))).toEqual([]);
});

test('a run that checks in', async () => {
  await using services = await startCheckInServices();
  const { files, coded, kilobytes, modules, internals } = await loadedBy({
    env: { RUN_JOB_CHECKINS: services.webhook },
  });
  expect(files).toEqual(['run-job.js', 'lazy/start.cjs', 'lazy/alerts.cjs', 'index.js']);
  expect(coded).toEqual(scriptsOf(files));
  expect(kilobytes).toBeLessThan(203);
  // `crypto` makes the id, `http` sends.
  expect(modules).toEqual([...MODULES, 'crypto', 'http', 'net', 'timers/promises'].sort());
  expect(internals.filter((name) => COSTLY.test(name))).toEqual([]);
});
