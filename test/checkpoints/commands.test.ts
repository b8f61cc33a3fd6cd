// A program keeps its progress in RUN_JOB_CHECKPOINT_FILE.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { runJob, runToEnd } from '../support/run-job.ts';
import { SLOT } from './support.ts';

/** One script, since the program and its arguments are a part of the slot; what it does is in a variable. */
const SCRIPT = 'cat "$RUN_JOB_CHECKPOINT_FILE" 2>/dev/null; eval "$WHAT"';
const args = ['exec', 'it', ...SLOT, '--', 'sh', '-c', SCRIPT];

const run = (database: TestDatabase | undefined, what: string) => runToEnd(args, { database, env: { WHAT: what } });

const text = async (database: TestDatabase) => (await database.query('SELECT value FROM run_job.checkpoints')).at(0);

test('the file is written before the program, saved after it, and deleted when the slot succeeds', async () => {
  await using database = await createDatabase();
  const first = await run(database, 'printf "row 41\\n" > "$RUN_JOB_CHECKPOINT_FILE"; exit 1');
  expect(first.exitCode).toBe(1);
  expect(await text(database)).toEqual({ value: 'row 41\n' });
  const second = await run(database, 'exit 69');
  expect(second.stdout).toContain('row 41');
  expect(await text(database)).toEqual({ value: 'row 41\n' });
  expect((await run(database, 'exit 0')).exitCode).toBe(0);
  expect(await text(database)).toBeUndefined();
});

test('another attempt of the same run has the file too', async () => {
  await using database = await createDatabase();
  const what = 'echo 7 > "$RUN_JOB_CHECKPOINT_FILE"; [ "$RUN_JOB_ATTEMPT" = 2 ]';
  const { exitCode, lines } = await runToEnd([...args.toSpliced(2, 0, '--attempts', '2')], {
    database,
    env: { WHAT: what },
  });
  expect(exitCode).toBe(0);
  expect(lines.filter(({ msg }) => msg === '7').map(({ attempt }) => attempt)).toEqual([2]);
});

test('what could not be saved is saved later, also where the program has not changed it since', async () => {
  await using database = await createDatabase();
  const folder = mkdtempSync(join(inject('scratchFolder'), 'program-'));
  const until = (file: string) => `while [ ! -e "${join(folder, file)}" ]; do sleep 0.05; done`;
  const go = (file: string) => writeFileSync(join(folder, file), '');
  await using running = runJob(args, {
    database,
    env: { WHAT: `echo ready; ${until('write')}; echo 8 > "$RUN_JOB_CHECKPOINT_FILE"; ${until('end')}; exit 1` },
  });
  await running.waitForLine(({ msg }) => msg === 'ready');
  await database.query('ALTER TABLE run_job.checkpoints RENAME TO away');
  go('write');
  await running.waitForLine(({ msg }) => msg === 'the checkpoint of the program is not saved');
  await database.query('ALTER TABLE run_job.away RENAME TO checkpoints');
  go('end');
  await running.done;
  expect(await text(database)).toEqual({ value: '8\n' });
});

test('a file of 256 KiB is saved whatever JSON makes of it; what is no file is a warning, and nobody waits for it', async () => {
  await using database = await createDatabase();
  const lines = await run(database, 'yes "" | head -c 262144 > "$RUN_JOB_CHECKPOINT_FILE"; exit 1');
  expect(lines.stdout).not.toContain('not saved');
  expect(await text(database)).toEqual({ value: '\n'.repeat(262_144) });
  const pipe = await run(database, 'rm "$RUN_JOB_CHECKPOINT_FILE"; mkfifo "$RUN_JOB_CHECKPOINT_FILE"; exit 1');
  expect(pipe.lines.filter(({ msg }) => msg.endsWith('it is no file'))).toHaveLength(1);
});

test('an empty file, and one that is deleted, change nothing', async () => {
  await using database = await createDatabase();
  await run(database, 'echo 9 > "$RUN_JOB_CHECKPOINT_FILE"; exit 1');
  await run(database, ': > "$RUN_JOB_CHECKPOINT_FILE"; exit 1');
  await run(database, 'rm "$RUN_JOB_CHECKPOINT_FILE"; exit 1');
  expect(await text(database)).toEqual({ value: '9\n' });
});

test('exit code 80 asks for a new pod, once the file says something new', async () => {
  await using database = await createDatabase();
  const first = await run(database, 'echo 1 > "$RUN_JOB_CHECKPOINT_FILE"; exit 80');
  expect(first.summary).toMatchObject({ status: 'continued', exitCode: 80 });
  expect((await run(database, 'exit 80')).summary).toMatchObject({ status: 'failed', exitCode: 65 });
});

test('at SIGTERM what is in the file is saved, also where the program has to be killed', async () => {
  await using database = await createDatabase();
  await using running = runJob(args, {
    database,
    env: {
      WHAT: 'trap "" TERM; echo 5 > "$RUN_JOB_CHECKPOINT_FILE"; echo written; while :; do sleep 1; done',
      WORKER_SHUTDOWN_TIMEOUT_SECONDS: '2',
    },
  });
  await running.waitForLine(({ msg }) => msg === 'written');
  running.kill('SIGTERM');
  expect((await running.done).summary).toMatchObject({ status: 'interrupted' });
  expect(await text(database)).toEqual({ value: '5\n' });
});

test('a program that asks for a new pod within the grace of a drain gets one', async () => {
  await using database = await createDatabase();
  await using running = runJob(args, {
    database,
    env: {
      WHAT: 'trap "echo 6 > \\"$RUN_JOB_CHECKPOINT_FILE\\"; exit 80" TERM; echo ready; while :; do sleep 0.05; done',
    },
  });
  await running.waitForLine(({ msg }) => msg === 'ready');
  running.kill('SIGTERM');
  expect((await running.done).summary).toMatchObject({ status: 'continued', exitCode: 80 });
  expect(await text(database)).toEqual({ value: '6\n' });
});

test('too large, or no text: a warning, and the outcome stands', async () => {
  await using database = await createDatabase();
  const large = await run(database, 'head -c 300000 /dev/zero | tr "\\0" x > "$RUN_JOB_CHECKPOINT_FILE"; exit 1');
  expect(large.stdout).toContain('it has 300000 bytes');
  const binary = await run(database, 'printf "\\377\\376" > "$RUN_JOB_CHECKPOINT_FILE"; exit 1');
  expect(binary.stdout).toContain("it isn't UTF-8");
  expect([large.exitCode, binary.exitCode, await text(database)]).toEqual([1, 1, undefined]);
});

test('without a database and without WORKER_CHECKPOINT_FILE there is no such variable', async () => {
  const { stdout } = await run(undefined, '[ -z "$RUN_JOB_CHECKPOINT_FILE" ] && echo "file: none"');
  expect(stdout).toContain('file: none');
});
