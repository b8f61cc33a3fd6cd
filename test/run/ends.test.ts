// Ways to end a process behind the runner's back, or to have it ended: each is told as what it is, and none is taken for success.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, inject, test } from 'vitest';
import { expectAccounts, readRecords } from '../support/accounts.ts';
import { EXECUTABLE } from '../support/built.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { FIXTURES, runJob, runToEnd } from '../support/run-job.ts';

const folder = () => mkdtempSync(join(inject('scratchFolder'), 'ends-'));

const end = (way: string, database: TestDatabase, env = {}) =>
  runToEnd(['ends', '--param', `way=${way}`], { database, env });

test.for([
  ['exits_really', 'process.reallyExit'],
  ['exits_by_import', 'process.exit'],
  ['becomes_another', 'process.execve'],
  ['aborts', 'process.abort'],
  ['kills_itself', 'process.kill'],
  ['kills_itself_by_import', 'process.kill'],
  ['removes_listeners', 'uncaughtException'],
] as const)('crashed, 70: a job that %s', async ([way, error]) => {
  await using database = await createDatabase();
  await expectAccounts(await end(way, database), database, { status: 'crashed', exitCode: 70, attempts: 1, error });
});

test.for(['exhausts', 'exhausts_slowly'])(
  'crashed, 134: a job that %s the heap, with or without a turn',
  {
    timeout: 90_000,
    // The thread has some milliseconds before the abort: on a machine that is busy with other tests it may not get its turn.
    retry: 5,
  },
  async (way) => {
    await using database = await createDatabase();
    await using run = runJob(['ends', '--param', `way=${way}`], {
      database,
      env: { NODE_OPTIONS: '--max-old-space-size=40', TMPDIR: folder() },
    });
    const ended = await run.done;
    expect(ended.signal).toBe('SIGABRT');
    const told = {
      status: 'crashed',
      exitCode: 134,
      error: { message: expect.stringContaining('heap exhausted: raise') },
    };
    expect(ended.termination).toMatchObject(told);
    expect(ended.lines.at(-1)).toMatchObject({ msg: 'run crashed', ...told });
    expect(await readRecords(database)).toMatchObject([{ status: 'crashed', exit_code: 134, error: told.error }]);
  },
);

test('failed, 1: a job that overflows the stack', async () => {
  await using database = await createDatabase();
  const ended = await end('overflows', database);
  await expectAccounts(ended, database, { status: 'failed', exitCode: 1, error: 'Maximum call stack size exceeded' });
});

test('failed, 1: a job that sets another code while the process exits', async () => {
  await using database = await createDatabase();
  await expectAccounts(await end('changes_the_code', database), database, {
    status: 'failed',
    exitCode: 1,
    error: 'not done',
  });
});

test('a run whose last line went to a socket ends as itself: no other process takes its place', async () => {
  await using database = await createDatabase();
  const ended = await end('hears_the_exit', database);
  await expectAccounts(ended, database, { status: 'succeeded', exitCode: 0, attempts: 1 });
  expect(ended.stderr).toContain('heard the exit');
});

test('interrupted, 143: a job that sends itself SIGTERM', async () => {
  await using database = await createDatabase();
  await expectAccounts(await end('asks_itself', database), database, {
    status: 'interrupted',
    exitCode: 143,
    error: 'SIGTERM arrived',
  });
});

test('interrupted, 143: a job that has removed everybody’s listeners, and is then stopped', async () => {
  await using database = await createDatabase();
  await using run = runJob(['ends', '--param', 'way=removes_listeners_and_waits'], { database });
  await run.waitForLine(({ msg }) => msg === 'removed');
  run.kill('SIGTERM');
  await expectAccounts(await run.done, database, { status: 'interrupted', exitCode: 143, error: 'SIGTERM arrived' });
});

test.for([
  ['SIGHUP', 129],
  ['SIGQUIT', 131],
  ['SIGALRM', 142],
  ['SIGXCPU', 152],
] as const)('interrupted: %s is as SIGTERM', async ([signal, exitCode]) => {
  await using database = await createDatabase();
  await using run = runJob(['hangs', '--param', 'way=returns'], { database });
  await run.waitForLine(({ msg }) => msg === 'hanging');
  run.kill(signal);
  await expectAccounts(await run.done, database, { status: 'interrupted', exitCode, error: `${signal} arrived` });
});

test('SIGHUP behind SIGTERM, as systemd sends them, leaves the job its grace', async () => {
  await using run = runJob(['hangs', '--param', 'way=ignores'], { env: { WORKER_SHUTDOWN_TIMEOUT_SECONDS: '0.5' } });
  await run.waitForLine(({ msg }) => msg === 'hanging');
  run.kill('SIGTERM');
  await run.waitForLine(({ cause }) => cause === 'signal');
  run.kill('SIGHUP');
  const ended = await run.done;
  await expectAccounts(ended, undefined, { status: 'interrupted', exitCode: 143, error: 'SIGTERM' });
  expect(ended.summary.error?.causes?.[0]?.message).toContain('grace period of 500ms');
});

test.for(['SIGUSR1', 'SIGUSR2'] as const)('%s changes nothing, and opens no debugger', async (signal) => {
  await using database = await createDatabase();
  await using run = runJob(['hangs', '--param', 'way=returns'], { database });
  await run.waitForLine(({ msg }) => msg === 'hanging');
  run.kill(signal);
  await run.waitForLine(({ msg }) => msg.startsWith(`${signal} arrived`));
  run.kill('SIGTERM');
  const ended = await run.done;
  await expectAccounts(ended, database, { status: 'interrupted', exitCode: 143, error: 'SIGTERM' });
  expect(ended.stderr).not.toContain('Debugger');
});

test('what is written behind the watchdog’s line, to the same file, does not overwrite it', async () => {
  const file = join(folder(), 'output');
  const command = `{ "$0" "$1" hangs --param way=blocks --timeout 300ms; echo behind; } > "${file}"`;
  await promisify(execFile)('/bin/sh', ['-c', command, process.execPath, EXECUTABLE], {
    env: { PATH: process.env.PATH, RUN_JOB_DIRS: FIXTURES, WORKER_SHUTDOWN_TIMEOUT_SECONDS: '0.2' },
  });
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  expect(JSON.parse(lines.at(-2) ?? '')).toMatchObject({ msg: 'run timed out', exitCode: 137 });
  expect(lines.at(-1)).toBe('behind');
});
