// A run never outlives its deadline by more than the grace period, whatever the job does about it.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { expectAccounts } from '../support/accounts.ts';
import { createDatabase } from '../support/database.ts';
import { type RunOptions, runJob, runToEnd } from '../support/run-job.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';

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

test('an event loop that turns again when the watchdog has begun to speak is silent: one says how the run ended', async () => {
  await using database = await createDatabase();
  await using proxy = await startTcpProxy(database.url);
  const file = join(mkdtempSync(join(inject('scratchFolder'), 'deadline-')), 'go-on');
  const args = ['hangs', '--param', 'way=blocks_until', '--param', `file=${file}`, '--timeout', '300ms'];
  await using run = runJob(args, {
    database: { url: proxy.urlFor(database.url) },
    env: { WORKER_SHUTDOWN_TIMEOUT_SECONDS: '0.3' },
  });
  const closing = await run.until(proxy.hold('update run_job.runs set', 'to-server'));
  writeFileSync(file, '');
  // As long as a run would take that says how it ends.
  await new Promise((passed) => setTimeout(passed, 700));
  closing.release();
  const ended = await run.done;
  await expectAccounts(ended, database, { status: 'timed_out', exitCode: 137, error: 'event loop was blocked' });
  expect(ended.lines.filter(({ status }) => status !== undefined)).toHaveLength(1);
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
