// A run never outlives its deadline by more than the grace period, whatever the job does about it.
import { expect, test } from 'vitest';
import { expectAccounts } from '../support/accounts.ts';
import { createDatabase } from '../support/database.ts';
import { type RunOptions, runToEnd } from '../support/run-job.ts';

const TIMED_OUT = { status: 'timed_out', exitCode: 124 } as const;

/** Runs `hangs` in this way, with a timeout and a grace period of 300 ms each. */
function hang(way: string, options: RunOptions) {
  return runToEnd(['hangs', '--param', `way=${way}`, '--timeout', '300ms'], {
    ...options,
    env: { WORKER_SHUTDOWN_TIMEOUT_SECONDS: '0.3', ...options.env },
  });
}

test('a job that ignores its signal is abandoned after the grace period', async () => {
  await using database = await createDatabase();
  const ended = await hang('ignores', { database });
  await expectAccounts(ended, database, { ...TIMED_OUT, attempts: 1, error: 'timeout is 300ms' });
  expect(ended.summary.error?.causes?.[0]?.message).toContain('grace period of 300ms');
});

test('a job that throws while it tidies up has still timed out, and its error is told as a cause', async () => {
  await using database = await createDatabase();
  const ended = await hang('throws', { database });
  const record = await expectAccounts(ended, database, { ...TIMED_OUT, error: 'timeout is 300ms' });
  expect(record?.error?.causes?.[0]).toMatchObject({ name: 'TypeError', message: 'tidying up failed' });
});

test('a job that throws in its abort listener has still timed out', async () => {
  await using database = await createDatabase();
  const ended = await hang('throws_in_listener', { database });
  await expectAccounts(ended, database, { ...TIMED_OUT, error: 'timeout is 300ms' });
  expect(ended.stdout).toContain('the listener failed');
});

test('a job that lets go of everything and never settles has timed out', async () => {
  await using database = await createDatabase();
  await expectAccounts(await hang('drains', { database }), database, { ...TIMED_OUT, error: 'timeout is 300ms' });
});

test('a job that rethrows the reason of its signal has timed out, and the reason is told once', async () => {
  await using database = await createDatabase();
  const ended = await hang('rethrows', { database });
  await expectAccounts(ended, database, { ...TIMED_OUT, error: 'timeout is 300ms' });
  expect(ended.summary.error?.causes ?? []).toEqual([]);
});

test('a blocked event loop is killed by the watchdog without a database too', async () => {
  const ended = await hang('blocks', {});
  await expectAccounts(ended, undefined, { status: 'timed_out', exitCode: 137, error: 'event loop was blocked' });
});

test('without a timeout of its own a job has WORKER_DEFAULT_TIMEOUT_SECONDS', async () => {
  const ended = await runToEnd(['hangs', '--param', 'way=returns'], { env: { WORKER_DEFAULT_TIMEOUT_SECONDS: '0.2' } });
  await expectAccounts(ended, undefined, { ...TIMED_OUT, error: 'timeout is 200ms' });
});

test('no attempt is waited for that would begin after the deadline', async () => {
  await using database = await createDatabase();
  const ended = await runToEnd(['flaky', '--param', 'wait=a minute', '--timeout', '20s'], { database });
  await expectAccounts(ended, database, { status: 'failed', exitCode: 1, attempts: 1, error: 'not for a while' });
  expect(ended.tookMs).toBeLessThan(28_000);
});
