// A job that does to the process what it shouldn't can't make the run lie.
import { expect, test } from 'vitest';
import { expectAccounts } from '../support/accounts.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { runToEnd } from '../support/run-job.ts';

const misbehave = (way: string, database: TestDatabase) =>
  runToEnd(['misbehaves', '--param', `way=${way}`], { database });

test('a job that ends the process itself has crashed, whatever code it gave', async () => {
  await using database = await createDatabase();
  const ended = await misbehave('exits', database);
  await expectAccounts(ended, database, { status: 'crashed', exitCode: 70, attempts: 1, error: 'process.exit' });
  expect(ended.summary.error?.causes).toMatchObject([
    { message: expect.stringContaining('process.exit(0) was called') },
  ]);
});

test('a job that blocks the event loop for longer than the lock is checked keeps its lock', async () => {
  await using database = await createDatabase();
  const ended = await runToEnd(['misbehaves', '--param', 'way=blocks_a_while'], {
    database,
    env: { WORKER_LOCK_CHECK_SECONDS: '0.5' },
  });
  await expectAccounts(ended, database, { status: 'succeeded', exitCode: 0 });
});

test('a job that leaves timers and sockets open ends all the same', async () => {
  await using database = await createDatabase();
  await expectAccounts(await misbehave('leaves_open', database), database, { status: 'succeeded', exitCode: 0 });
});

test('a job that sets an exit code of its own does not change that of the run', async () => {
  await using database = await createDatabase();
  await expectAccounts(await misbehave('sets_exit_code', database), database, { status: 'succeeded', exitCode: 0 });
});

test('a clock that is set back while the job runs says nothing of how long that took', async () => {
  await using database = await createDatabase();
  const ended = await misbehave('sets_clock', database);
  await expectAccounts(ended, database, { status: 'succeeded', exitCode: 0 });
  const [record] = await database.query('select duration_ms from run_job.runs');
  for (const took of [ended.summary.durationMs, ended.termination?.durationMs, Number(record?.duration_ms)]) {
    expect(took).toBeGreaterThan(0);
    expect(took).toBeLessThan(ended.tookMs + 1_000);
  }
});

test('what fails after the job has returned is logged, and the outcome stands', async () => {
  await using database = await createDatabase();
  const ended = await misbehave('fails_late', database);
  await expectAccounts(ended, database, { status: 'succeeded', exitCode: 0 });
  expect(ended.lines.find(({ level }) => level === 'error')).toMatchObject({
    error: { message: 'too late to matter' },
  });
});
