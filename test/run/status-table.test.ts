// Every way that a run can end has one status and one exit code, and the process, its last log line, its record and its
// termination message all tell the same.
import { expect, test } from 'vitest';
import { expectAccounts, readRecord } from '../support/accounts.ts';
import { createDatabase } from '../support/database.ts';
import { openGate } from '../support/gate.ts';
import { runJob, runToEnd } from '../support/run-job.ts';

const SLOT = ['--scheduled-at', '2026-11-23T02:00:00Z'];

test('succeeded, 0: the job returned', async () => {
  await using database = await createDatabase();
  const ended = await runToEnd(['returns', '--param', 'kind=json'], { database });
  const record = await expectAccounts(ended, database, { status: 'succeeded', exitCode: 0, attempts: 1 });
  for (const account of [ended.summary, ended.termination, record]) {
    expect(account?.result).toEqual({ rows: 3, names: ['a', 'b'] });
  }
  expect(Number(record?.peak_rss_bytes)).toBeGreaterThan(10_000_000);
});

test('skipped, 0: the job’s lock is held, and a person said --locked=skip', async () => {
  await using database = await createDatabase();
  await using gate = await openGate();
  await using first = runJob(['waits', '--param', `gate=${gate.path}`], { database });
  await first.until(gate.arrival());
  const ended = await runToEnd(['waits', '--locked=skip', '--param', `gate=${gate.path}`], { database });
  await expectAccounts(ended, database, { status: 'skipped', exitCode: 0, reason: 'locked', attempts: 0 });
  const warning = ended.lines.find(({ level, reason }) => level === 'warn' && reason === 'locked');
  const holder = (await first.waitForLine(({ msg }) => msg === 'run started')).runId;
  expect(warning?.msg).toContain(`run ${holder}`);
});

test('skipped, 75: as many runs as the limit allows were running for as long as it was to wait', async () => {
  await using database = await createDatabase();
  await using gate = await openGate();
  await using first = runJob(['waits', '--param', `gate=${gate.path}`], { database });
  await first.until(gate.arrival());
  const ended = await runToEnd(['noop'], {
    database,
    env: { WORKER_MAX_CONCURRENT_JOBS: '1', WORKER_LOCK_WAIT_SECONDS: '0.2' },
  });
  await expectAccounts(ended, database, { status: 'skipped', exitCode: 75, reason: 'limit', attempts: 0 });
  expect(ended.stdout).toContain('WORKER_MAX_CONCURRENT_JOBS');
});

test('skipped, 75: no place is free, of which --locked=skip doesn’t speak', async () => {
  await using database = await createDatabase();
  await using gate = await openGate();
  await using first = runJob(['waits', '--param', `gate=${gate.path}`], { database });
  await first.until(gate.arrival());
  const ended = await runToEnd(['noop', '--locked=skip'], { database, env: { WORKER_MAX_CONCURRENT_JOBS: '1' } });
  await expectAccounts(ended, database, { status: 'skipped', exitCode: 75, reason: 'limit', attempts: 0 });
});

test('skipped, 0: this scheduled time has already succeeded', async () => {
  await using database = await createDatabase();
  const first = await runToEnd(['noop', ...SLOT], { database });
  const ended = await runToEnd(['noop', ...SLOT], { database });
  await expectAccounts(ended, database, { status: 'skipped', exitCode: 0, reason: 'slot_succeeded', attempts: 0 });
  const warning = ended.lines.find(({ level }) => level === 'warn');
  expect(warning).toMatchObject({ reason: 'slot_succeeded', succeededRunId: first.summary.runId });
});

test('skipped, 75: the lock is held, and --locked=fail wants to know', async () => {
  await using database = await createDatabase();
  await using gate = await openGate();
  await using first = runJob(['waits', '--param', `gate=${gate.path}`], { database });
  await first.until(gate.arrival());
  const ended = await runToEnd(['waits', '--locked=fail', '--param', `gate=${gate.path}`], { database });
  await expectAccounts(ended, database, { status: 'skipped', exitCode: 75, reason: 'locked' });
});

test('failed, 1: the job threw', async () => {
  await using database = await createDatabase();
  const ended = await runToEnd(['throws', '--param', 'kind=error'], { database });
  await expectAccounts(ended, database, { status: 'failed', exitCode: 1, attempts: 1, error: 'the rows are wrong' });
});

test('failed, 1: the job threw, and its attempts are used up', async () => {
  await using database = await createDatabase();
  const ended = await runToEnd(['flaky'], { database });
  await expectAccounts(ended, database, { status: 'failed', exitCode: 1, attempts: 3, error: 'attempt 3 is plain' });
});

test('failed, 65: the job threw PermanentError', async () => {
  await using database = await createDatabase();
  const ended = await runToEnd(['throws', '--param', 'kind=permanent'], { database });
  await expectAccounts(ended, database, { status: 'failed', exitCode: 65, error: 'the account does not exist' });
});

test('rejected, 64: a parameter is wrong', async () => {
  await using database = await createDatabase();
  const ended = await runToEnd(['takes_params', '--param', 'days=soon'], { database });
  await expectAccounts(ended, database, { status: 'rejected', exitCode: 64, attempts: 0, error: 'days' });
});

test('rejected, 64: there is no such job, and the nearest name is suggested', async () => {
  await using database = await createDatabase();
  const ended = await runToEnd(['nop'], { database });
  await expectAccounts(ended, database, { status: 'rejected', exitCode: 64, error: /no job .*nop.*noop/s });
});

test('rejected, 64: there is no such flag, and the nearest one is suggested', async () => {
  await using database = await createDatabase();
  const ended = await runToEnd(['noop', '--tiemout', '3s'], { database });
  await expectAccounts(ended, database, { status: 'rejected', exitCode: 64, error: '--timeout' });
});

test('unavailable, 69: the job threw UnavailableError', async () => {
  await using database = await createDatabase();
  const ended = await runToEnd(['throws', '--param', 'kind=unavailable'], { database });
  await expectAccounts(ended, database, { status: 'unavailable', exitCode: 69, error: 'the bank is closed' });
});

test('crashed, 70: an exception escaped the job', async () => {
  await using database = await createDatabase();
  const ended = await runToEnd(['crashes', '--param', 'kind=timer'], { database });
  await expectAccounts(ended, database, { status: 'crashed', exitCode: 70, attempts: 1, error: 'uncaughtException' });
});

test('misconfigured, 78: a variable is invalid', async () => {
  await using database = await createDatabase();
  const ended = await runToEnd(['noop'], { database, env: { DATABASE_POOL_SIZE: 'many' } });
  await expectAccounts(ended, database, { status: 'misconfigured', exitCode: 78, error: 'DATABASE_POOL_SIZE' });
});

test('misconfigured, 78: the schema is not migrated, so that there is no record', async () => {
  await using database = await createDatabase({ migrated: false });
  const ended = await runToEnd(['noop'], { database });
  await expectAccounts(ended, undefined, { status: 'misconfigured', exitCode: 78, error: 'run-job migrate' });
});

// As in ends.test.ts: the thread that speaks may not get its turn in time.
test('crashed, 134: the heap was exhausted', { retry: 5 }, async () => {
  await using database = await createDatabase();
  const ended = await runToEnd(['ends', '--param', 'way=exhausts'], {
    database,
    env: { NODE_OPTIONS: '--max-old-space-size=40' },
  });
  expect(ended.signal).toBe('SIGABRT');
  const told = { status: 'crashed', exitCode: 134, error: { message: expect.stringContaining('heap exhausted') } };
  expect(ended).toMatchObject({ summary: told, termination: told });
  expect(await readRecord(database, ended.summary.runId)).toMatchObject({ status: 'crashed', exit_code: 134 });
});

test('skipped, 0: the name is paused', async () => {
  await using database = await createDatabase();
  await runToEnd(['pause', 'noop', '--why', 'because'], { database });
  const ended = await runToEnd(['noop'], { database });
  await expectAccounts(ended, database, { status: 'skipped', exitCode: 0, reason: 'paused', attempts: 0 });
});

test('cancelled, 79: somebody cancelled it', async () => {
  await using database = await createDatabase();
  await using run = runJob(['hangs', '--param', 'way=returns'], { database, env: { WORKER_LOCK_CHECK_SECONDS: '1' } });
  const { runId } = await run.waitForLine(({ msg }) => msg === 'run started');
  await runToEnd(['cancel', String(runId)], { database });
  await expectAccounts(await run.done, database, { status: 'cancelled', exitCode: 79, error: 'was cancelled by' });
});

test('timed_out, 124: the deadline passed', async () => {
  await using database = await createDatabase();
  const ended = await runToEnd(['hangs', '--param', 'way=returns', '--timeout', '300ms'], { database });
  await expectAccounts(ended, database, { status: 'timed_out', exitCode: 124, error: '300ms' });
});

test('timed_out, 137: the deadline passed while the event loop was blocked', async () => {
  await using database = await createDatabase();
  const ended = await runToEnd(['hangs', '--param', 'way=blocks', '--timeout', '300ms'], {
    database,
    env: { WORKER_SHUTDOWN_TIMEOUT_SECONDS: '0.2' },
  });
  await expectAccounts(ended, database, { status: 'timed_out', exitCode: 137, error: 'event loop was blocked' });
});

test.for([
  ['SIGHUP', 129],
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('interrupted, %s: the job stopped within the grace period', async ([signal, exitCode]) => {
  await using database = await createDatabase();
  await using run = runJob(['hangs', '--param', 'way=returns'], { database });
  await run.waitForLine(({ msg }) => msg === 'hanging');
  run.kill(signal);
  await expectAccounts(await run.done, database, { status: 'interrupted', exitCode, error: `${signal} arrived` });
});

test('lost, 137: the process died without a word, and the next run says so', async () => {
  await using database = await createDatabase();
  await using gate = await openGate();
  await using first = runJob(['waits', '--param', `gate=${gate.path}`], { database });
  await first.until(gate.arrival());
  first.kill('SIGKILL');
  const killed = await first.done;
  expect(killed.termination).toBeUndefined();

  await using second = runJob(['waits', '--param', `gate=${gate.path}`], { database });
  (await second.until(gate.arrival())).open();
  const ended = await second.done;
  await expectAccounts(ended, database, { status: 'succeeded', exitCode: 0 });
  const { runId } = killed.summary;
  expect(await readRecord(database, runId)).toMatchObject({ status: 'lost', exit_code: 137 });
  expect(ended.lines.find(({ lostRunId }) => lostRunId === runId)).toMatchObject({ level: 'warn' });
});
