// Whoever reads the log, or stops reading it, has no say in how the run ends.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { readRecords } from '../support/accounts.ts';
import { EXECUTABLE } from '../support/built.ts';
import { createDatabase } from '../support/database.ts';
import { openGate } from '../support/gate.ts';
import { FIXTURES, runJob, runToEnd } from '../support/run-job.ts';

test('the reader closes standard output and standard error: the run goes on to its own end', async () => {
  await using database = await createDatabase();
  await using gate = await openGate();
  await using run = runJob(['waits', '--param', `gate=${gate.path}`], { database });
  const visitor = await run.until(gate.arrival());
  run.child.stdout.destroy();
  run.child.stderr.destroy();
  visitor.open();
  const ended = await run.done;
  expect(ended).toMatchObject({ exitCode: 0, signal: null, termination: { status: 'succeeded' } });
  expect(await readRecords(database)).toMatchObject([{ status: 'succeeded' }]);
});

test('the reader is gone before the first line: the exit code is true all the same', async () => {
  await using run = runJob(['throws', '--param', 'kind=error']);
  run.child.stdout.destroy();
  run.child.stderr.destroy();
  expect(await run.done).toMatchObject({ exitCode: 1, termination: { status: 'failed' } });
});

test('the reader stops reading without closing: the run ends by its deadline, and its record says so', async () => {
  await using database = await createDatabase();
  const ended = await runToEnd(['chatters', '--param', 'lines=5000', '--timeout', '2s'], {
    database,
    unread: true,
    env: { WORKER_SHUTDOWN_TIMEOUT_SECONDS: '0.3' },
  });
  expect(ended.termination).toMatchObject({ status: 'timed_out' });
  expect(await readRecords(database)).toMatchObject([{ status: 'timed_out' }]);
  expect(ended.tookMs).toBeLessThan(28_000);
});

test('five megabytes of log arrive whole, the summary last', async () => {
  const ended = await runToEnd(['chatters', '--param', 'lines=5000']);
  expect(ended.lines.filter(({ msg }) => msg === 'chatter')).toHaveLength(5_000);
  expect(ended.summary).toMatchObject({ status: 'succeeded', result: { lines: 5_000 } });
});

test.for(['log', 'error'])(
  'what a job prints with console.%s arrives whole, no line cut by another, the summary last',
  async (to) => {
    const ended = await runToEnd(['prints', '--param', 'megabytes=20', '--param', `to=${to}`]);
    const printed = (to === 'log' ? ended.stdout : ended.stderr).split('\n').filter((line) => line.startsWith('w'));
    expect(printed.map(({ length }) => length)).toEqual(Array.from({ length: 20 }, () => 1024 * 1024 - 1));
    expect(ended.lines.filter(({ msg }) => msg === 'printed')).toHaveLength(2);
    expect(ended.stdout.trimEnd().split('\n').at(-1)).toContain('"msg":"run succeeded"');
    expect(ended).toMatchObject({ exitCode: 0, summary: { status: 'succeeded' } });
  },
);

test('fifty megabytes of console.log arrive through a pipe, whose reader is as fast as the machine', async () => {
  const line = 'set -o pipefail; "$0" "$1" prints --param megabytes=50 | cat';
  const { stdout } = await promisify(execFile)('bash', ['-c', line, process.execPath, EXECUTABLE], {
    env: { PATH: process.env.PATH, RUN_JOB_DIRS: FIXTURES },
    encoding: 'buffer',
    maxBuffer: 100 * 1024 * 1024,
  });
  expect(stdout.length).toBeGreaterThan(50 * 1024 * 1024);
  expect(stdout.subarray(stdout.lastIndexOf('\n', -2) + 1).toString()).toContain('"msg":"run succeeded"');
});

test('what a job prints and nobody reads holds up the end for some seconds at most, and changes nothing', async () => {
  await using database = await createDatabase();
  const ended = await runToEnd(['prints', '--param', 'megabytes=5'], { database, unread: true });
  expect(ended).toMatchObject({ exitCode: 0, termination: { status: 'succeeded' } });
  expect(await readRecords(database)).toMatchObject([{ status: 'succeeded' }]);
  expect(ended.tookMs).toBeLessThan(20_000);
});

test('a pipe that is full at the end, and that nobody reads: the run ends in time, with the code that it has told', async () => {
  await using database = await createDatabase();
  const shell = spawn(
    '/bin/sh',
    [
      '-c',
      '{ "$0" "$1" misbehaves --param way=fills_output; echo "code $?" >&2; } | sleep 60',
      process.execPath,
      EXECUTABLE,
    ],
    {
      env: { PATH: process.env.PATH, RUN_JOB_DIRS: FIXTURES, DATABASE_URL: database.url },
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    },
  );
  const [code] = (await once(shell.stderr, 'data')) as [Buffer];
  process.kill(-(shell.pid as number), 'SIGKILL');
  expect(code.toString()).toBe('code 0\n');
  expect(await readRecords(database)).toMatchObject([{ status: 'succeeded', exit_code: 0 }]);
});
