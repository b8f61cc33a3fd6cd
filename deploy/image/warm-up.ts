// Runs the commands once while the image is built, so that their code is in Node's compile cache; what runs themselves load is in the code
// cache (deploy/build/code-cache.ts). How they end doesn't matter: there is no database here.
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

/** A job that needs nothing, so that one run gets to its end. */
const JOB = `import { defineJob } from 'run-job';\nexport default defineJob({ name: 'warm_up', description: 'Does nothing', run: () => 'warm' });\n`;

mkdirSync(CACHE, { recursive: true });
const folder = resolve('dist/warm-up');
mkdirSync(folder);
writeFileSync(join(folder, 'warm_up.mjs'), JOB);

const jobs = readdirSync('dist/jobs').map((file) => file.replace(/\.js$/, ''));
const runs: [command: string[], env: Record<string, string>][] = [
  [['warm_up'], {}],
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
