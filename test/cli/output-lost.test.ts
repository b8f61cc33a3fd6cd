// Output that can't be written is a failure of the command that was asked for it, and none of a run.
import { expect, test } from 'vitest';
import { backfill, ends, hour, schedule } from '../backfill/support.ts';
import { createDatabase } from '../support/database.ts';
import { type RunOptions, runToEnd } from '../support/run-job.ts';

const FULL = ['sh', '-c', 'exec "$@" > /dev/full', 'sh'];

/** The reader is gone before the first word, as with `| head -0`. */
const UNWANTED = ['bash', '--norc', '-c', 'set -o pipefail; "$@" | :', 'bash'];

const SENTENCE =
  'run-job: not all could be printed (ENOSPC: no space left on device, write): make room there, or send the output elsewhere\n';

const ID = '01990000-0000-7000-8000-000000000000';

const PRINTING: readonly (readonly string[])[] = [
  ['--help'],
  ['--version'],
  ['help'],
  ['list'],
  ['list', '--json'],
  ['new', 'written'],
  ['completion', 'bash'],
  ['noop', '--help'],
  ['exec', '--help'],
  ['rerun', '--help'],
  ['backfill', '--help'],
  ['history', '--help'],
  ['migrate'],
  ['history', 'noop'],
  ['history', 'noop', '--json'],
  ['show', ID],
  ['show', ID, '--json'],
  ['status'],
  ['status', '--json'],
  ['status', 'noop'],
  ['why', 'noop'],
  ['schedules'],
  ['pause', 'noop', '--why', 'printing'],
  ['resume', 'noop'],
  ['unlock', 'noop'],
];

async function withRun() {
  const database = await createDatabase();
  await schedule(database, 'noop');
  await database.query(
    `insert into run_job.runs (id, job, name, scheduled_at, shard_index, shard_count, status, exit_code, started_at, ended_at, dry_run, forced, version, host, pid, lock_key)
     values ($1, 'noop', 'noop', $2, 0, 1, 'succeeded', 0, now(), now(), false, false, '1', 'here', 1, 1)`,
    [ID, hour(3)],
  );
  return database;
}

async function end(args: readonly string[], options: RunOptions) {
  // A new job goes into the process's own folder.
  const env = args[0] === 'new' ? { RUN_JOB_DIRS: '.' } : {};
  const { exitCode, stderr } = await runToEnd(args, { env, ...options });
  return { exitCode, stderr };
}

test('a command whose output meets a full device ends with 74 and one sentence', async () => {
  await using database = await withRun();
  for (const args of PRINTING) {
    expect({ args, ...(await end(args, { database, through: FULL })) }).toEqual({
      args,
      exitCode: 74,
      stderr: SENTENCE,
    });
  }
  expect(await runToEnd(['doctor', '--json'], { database, through: FULL })).toMatchObject({ stderr: SENTENCE });
});

test('a command whose reader has gone away has nothing to complain of', async () => {
  await using database = await withRun();
  for (const args of PRINTING) {
    expect({ args, ...(await end(args, { database, through: UNWANTED })) }).toEqual({ args, exitCode: 0, stderr: '' });
  }
});

test('a backfill that can say nothing does all the same what it was asked to do', async () => {
  await using database = await createDatabase();
  await schedule(database, 'fills_slots');
  const ended = await backfill(database, 'fills_slots', [2, 3], [], { through: FULL });
  expect(ended).toMatchObject({
    exitCode: 74,
    stderr: expect.stringMatching(new RegExp(`${SENTENCE.replace(/[()]/g, '\\$&')}$`)),
  });
  expect(await ends(database, 'fills_slots')).toEqual(['2 succeeded', '3 succeeded']);
});

test('a failure that the command has of its own keeps its exit code', async () => {
  await using database = await createDatabase();
  await database.query(
    `insert into run_job.runs (id, job, name, scheduled_at, shard_index, shard_count, status, exit_code, started_at, ended_at, dry_run, forced, version, host, pid, lock_key)
     values ($1, 'noop', 'noop', $2, 0, 1, 'failed', 1, now(), now(), false, false, '1', 'here', 1, 1)`,
    [ID, hour(3)],
  );
  expect(await end(['status', '--check'], { database, through: FULL })).toEqual({ exitCode: 1, stderr: SENTENCE });
});

test.each([
  ['succeeds', ['noop'], 0],
  ['fails', ['throws', '--param', 'kind=error'], 1],
  ['prints by itself', ['prints', '--param', 'megabytes=1'], 0],
  ['is a program', ['exec', 'echoes', '--', 'echo', 'hello'], 0],
  // What is passed on is no log, but the program's work: alone, it would have failed too.
  ['is a program whose output is passed on', ['exec', 'echoes', '--raw', '--', 'echo', 'hello'], 1],
])('a run that %s ends as it does, wherever its log went', async (_, args, exitCode) => {
  await using database = await createDatabase();
  const ended = await runToEnd(args, { database, through: FULL });
  expect(ended).toMatchObject({ exitCode, termination: { exitCode, status: exitCode === 0 ? 'succeeded' : 'failed' } });
  expect(ended.stderr).not.toContain('printed (');
});
