// Runs the commands once while the image is built, so that their code is in V8's compile cache. How they end doesn't matter: there
// is no database here, and the code that connects to one is what a run needs most.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const CACHE = 'dist/.compile-cache';
const UNREACHABLE = {
  DATABASE_URL: 'postgres://127.0.0.1:1/none',
  AMQP_URL: 'amqp://127.0.0.1:1',
  // A database that is away is waited for as long as for the lock.
  WORKER_LOCK_WAIT_SECONDS: '1',
};
const TELEMETRY = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', OTEL_SHUTDOWN_TIMEOUT_MS: '100' };

/** A job that needs nothing, so that one run gets to its end. */
const JOB = `import { defineJob } from 'run-job';\nexport default defineJob({ name: 'warm_up', description: 'Does nothing', run: () => 'warm' });\n`;

mkdirSync(CACHE, { recursive: true });
const folder = resolve('dist/warm-up');
mkdirSync(folder);
writeFileSync(join(folder, 'warm_up.mjs'), JOB);

const jobs = readdirSync('dist/jobs').map((file) => file.replace(/\.js$/, ''));
// A file's cache holds what its first run compiled: whole runs come first, so that what they need is in it.
const runs: [command: string[], env: Record<string, string>][] = [
  [['warm_up'], TELEMETRY],
  [['warm_up'], UNREACHABLE],
  [['exec', 'warm_up', '--', process.execPath, '-e', '0'], {}],
  ...jobs.map((job): [string[], typeof UNREACHABLE] => [[job], UNREACHABLE]),
  ...['migrate', 'doctor', 'history', 'status'].map((command): [string[], typeof UNREACHABLE] => [
    [command],
    UNREACHABLE,
  ]),
  [['list'], {}],
  [['--help'], {}],
];

for (const [command, more] of runs) {
  // With a fixed seed, V8 lays out the same code in the same bytes: the image can be reproduced.
  const { status, error } = spawnSync(process.execPath, ['--random-seed=1', 'dist/run-job.js', ...command], {
    env: { ...process.env, ...more, RUN_JOB_DIRS: folder },
    stdio: 'ignore',
    timeout: 60_000,
  });
  if (error) throw error;
  console.log(`${command.join(' ')}: ${status}`);
}
rmSync(folder, { recursive: true });

const [made] = readdirSync(CACHE);
if (!made) throw new Error('nothing was cached: does dist/run-job.js enable the compile cache?');
console.log(`${made}: ${readdirSync(join(CACHE, made)).length} files`);
