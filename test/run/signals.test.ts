// A signal stops a run in order at any moment of its life; a second one ends it at once.
import { expect, test } from 'vitest';
import { expectAccounts, readRecords } from '../support/accounts.ts';
import { createDatabase } from '../support/database.ts';
import { openGate } from '../support/gate.ts';
import { runJob } from '../support/run-job.ts';
import { startBlackHole, startTcpProxy } from '../support/tcp-proxy.ts';

const INTERRUPTED = { status: 'interrupted', exitCode: 143, error: 'SIGTERM arrived' } as const;

/** An environment in which telemetry is sent to a collector that never answers, and may take so long. */
const silentCollector = (port: number, flushMs: number) => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
  OTEL_SHUTDOWN_TIMEOUT_MS: String(flushMs),
});

test.concurrent('while it connects: interrupted, and what can’t be recorded holds the end up for ten seconds at most', async () => {
  await using hole = await startBlackHole();
  await using run = runJob(['noop'], { database: { url: `postgres://u:p@127.0.0.1:${hole.port}/d` } });
  await run.until(hole.accepted);
  run.kill('SIGTERM');
  const ended = await run.done;
  await expectAccounts(ended, undefined, { ...INTERRUPTED, attempts: 0 });
  expect(ended.tookMs).toBeLessThan(28_000);
});

test.concurrent('while it waits for the lock: interrupted, and recorded', async () => {
  await using database = await createDatabase();
  await using gate = await openGate();
  const args = ['waits', '--param', `gate=${gate.path}`];
  await using first = runJob(args, { database });
  await first.until(gate.arrival());
  await using run = runJob([...args, '--locked=wait'], { database });
  await run.waitForLine(({ msg }) => msg.startsWith('waiting'));
  run.kill('SIGTERM');
  await expectAccounts(await run.done, database, { ...INTERRUPTED, attempts: 0 });
});

test.concurrent('before it began, with a database that takes its time: interrupted, and recorded', async () => {
  await using database = await createDatabase();
  await using proxy = await startTcpProxy(database.url);
  await using gate = await openGate();
  const args = ['waits', '--param', `gate=${gate.path}`];
  await using first = runJob(args, { database });
  await first.until(gate.arrival());
  await using run = runJob([...args, '--locked=wait'], { database: { url: proxy.urlFor(database.url) } });
  await run.waitForLine(({ msg }) => msg.startsWith('waiting'));
  const held = proxy.hold('insert into run_job.runs', 'to-server');
  run.kill('SIGTERM');
  const insert = await run.until(held);
  // It is the time that the run may take for this which is tested.
  await new Promise((passed) => setTimeout(passed, 4_000));
  insert.release();
  await expectAccounts(await run.done, database, { ...INTERRUPTED, attempts: 0 });
});

test.concurrent('while the beginning is being recorded: interrupted, and the record is closed', async () => {
  await using database = await createDatabase();
  await using proxy = await startTcpProxy(database.url);
  const held = proxy.hold('insert into run_job.runs', 'to-server');
  await using run = runJob(['noop'], { database: { url: proxy.urlFor(database.url) } });
  const insert = await run.until(held);
  run.kill('SIGTERM');
  await run.waitForLine(({ cause }) => cause === 'signal');
  insert.release();
  await expectAccounts(await run.done, database, { ...INTERRUPTED, attempts: 0 });
  expect(await readRecords(database)).toHaveLength(1);
});

test.concurrent('between attempts: interrupted, without waiting for the next one', async () => {
  await using database = await createDatabase();
  await using run = runJob(['flaky', '--param', 'wait=a minute'], { database });
  await run.waitForLine(({ msg }) => msg.includes('the next one begins in'));
  run.kill('SIGTERM');
  await expectAccounts(await run.done, database, { ...INTERRUPTED, attempts: 1 });
});

test.concurrent('while the end is being recorded: the outcome stands', async () => {
  await using database = await createDatabase();
  await using proxy = await startTcpProxy(database.url);
  const held = proxy.hold('update run_job.runs set', 'to-server');
  await using run = runJob(['noop'], { database: { url: proxy.urlFor(database.url) } });
  const update = await run.until(held);
  run.kill('SIGTERM');
  update.release();
  await expectAccounts(await run.done, database, { status: 'succeeded', exitCode: 0 });
});

test.concurrent('while telemetry is flushed: the outcome stands, and the flush keeps its time', async () => {
  await using database = await createDatabase();
  await using hole = await startBlackHole();
  await using run = runJob(['noop'], { database, env: silentCollector(hole.port, 1_000) });
  await run.until(hole.accepted);
  run.kill('SIGTERM');
  const ended = await run.done;
  await expectAccounts(ended, database, { status: 'succeeded', exitCode: 0 });
  expect(ended.summary.telemetryFlushed).toBe(false);
});

test.concurrent('twice while telemetry is flushed: the process ends at once, and the outcome stands', async () => {
  await using database = await createDatabase();
  await using hole = await startBlackHole();
  await using run = runJob(['noop'], { database, env: silentCollector(hole.port, 45_000) });
  await run.until(hole.accepted);
  // Two of a kind that arrive together would be one.
  run.kill('SIGTERM');
  run.kill('SIGINT');
  const ended = await run.done;
  await expectAccounts(ended, database, { status: 'succeeded', exitCode: 0 });
  expect(ended.tookMs).toBeLessThan(28_000);
});

test.concurrent('when the job has stopped in order, what it returned is told', async () => {
  await using database = await createDatabase();
  await using run = runJob(['hangs', '--param', 'way=returns'], { database });
  await run.waitForLine(({ msg }) => msg === 'hanging');
  run.kill('SIGTERM');
  const record = await expectAccounts(await run.done, database, { ...INTERRUPTED, attempts: 1 });
  expect(record?.result).toEqual({ stopped: 'in order' });
});

test.concurrent('when the job ignores it: the process ends after the grace period all the same', async () => {
  await using database = await createDatabase();
  await using run = runJob(['hangs', '--param', 'way=ignores'], {
    database,
    env: { WORKER_SHUTDOWN_TIMEOUT_SECONDS: '0.3' },
  });
  await run.waitForLine(({ msg }) => msg === 'hanging');
  run.kill('SIGTERM');
  const ended = await run.done;
  await expectAccounts(ended, database, INTERRUPTED);
  expect(ended.summary.error?.causes?.[0]?.message).toContain('grace period of 300ms');
});

test.concurrent('when the job blocks the event loop: the watchdog kills the process after the deadline', async () => {
  await using database = await createDatabase();
  await using run = runJob(['hangs', '--param', 'way=blocks', '--timeout', '1s'], {
    database,
    env: { WORKER_SHUTDOWN_TIMEOUT_SECONDS: '0.2' },
  });
  await run.waitForLine(({ msg }) => msg === 'hanging');
  run.kill('SIGTERM');
  await expectAccounts(await run.done, database, {
    status: 'timed_out',
    exitCode: 137,
    error: 'event loop was blocked',
  });
});

test.concurrent.for([
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const)('a second signal ends the process at once: %s', async ([signal, exitCode]) => {
  await using database = await createDatabase();
  await using run = runJob(['hangs', '--param', 'way=ignores'], { database });
  await run.waitForLine(({ msg }) => msg === 'hanging');
  run.kill(signal);
  await run.waitForLine(({ cause }) => cause === 'signal');
  run.kill(signal);
  const ended = await run.done;
  expect(ended).toMatchObject({
    exitCode,
    summary: { status: 'interrupted', exitCode },
    termination: { status: 'interrupted', exitCode },
  });
  expect(ended.tookMs).toBeLessThan(28_000);
});

test.concurrent('from the first millisecond on: it never ends with another code than that of the signal', {
  timeout: 60_000,
}, async () => {
  await using database = await createDatabase();
  for (let delay = 0; delay <= 300; delay += 25) {
    await using run = runJob(['hangs', '--param', 'way=rethrows'], { database });
    // The moment is what is tested here: from before Node has started to well into the attempt.
    await new Promise((passed) => setTimeout(passed, delay));
    run.kill('SIGTERM');
    const { exitCode, signal, lines, termination, stdout } = await run.done;
    // Before our first instruction the signal kills Node itself, which a shell reports as 143 too.
    if (signal !== null) {
      expect(signal).toBe('SIGTERM');
      expect(lines).toEqual([]);
      continue;
    }
    expect(exitCode, stdout).toBe(143);
    expect(lines.at(-1), `after ${delay} ms`).toMatchObject({ status: 'interrupted' });
    expect(termination).toMatchObject({ status: 'interrupted' });
  }
  const left = (await readRecords(database)).filter(({ status }) => status !== 'interrupted');
  expect(left).toEqual([]);
});
