// A run that is killed at any step frees its lock at once, and the next run of the job proceeds and tells that it is lost.
import { expect, test } from 'vitest';
import { readRecord, readRecords } from '../support/accounts.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { openGate } from '../support/gate.ts';
import { type RunOptions, runJob, runToEnd } from '../support/run-job.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

const INSERT = 'insert into run_job.runs';
const UPDATE = 'update run_job.runs set';

/** Runs `noop` through a proxy, kills it where `until` resolves, and returns the id of the run, if it was recorded. */
async function killNoop(
  database: TestDatabase,
  until: (proxy: TcpProxy) => Promise<{ drop(): void }>,
): Promise<string | undefined> {
  await using proxy = await startTcpProxy(database.url);
  const reached = until(proxy);
  await using run = runJob(['noop'], { database: { url: proxy.urlFor(database.url) } });
  const held = await run.until(reached);
  run.kill('SIGKILL');
  expect((await run.done).signal).toBe('SIGKILL');
  held.drop();
  return (await readRecords(database)).at(-1)?.id;
}

/** Runs the job again. Only PostgreSQL's own notice of the closed connection has to be waited for. */
async function runAgain(args: readonly string[], options: RunOptions) {
  const ended = await runToEnd(args, options);
  expect(ended.summary, ended.stdout).toMatchObject({ status: 'succeeded', exitCode: 0 });
  return ended;
}

test('killed while it connects: there is no record, and the next run proceeds', async () => {
  await using database = await createDatabase();
  expect(await killNoop(database, (proxy) => proxy.hold(database.name, 'to-server'))).toBeUndefined();
  await runAgain(['noop'], { database });
});

test('killed when it holds the lock and is not recorded yet: the next run proceeds', async () => {
  await using database = await createDatabase();
  expect(await killNoop(database, (proxy) => proxy.hold(INSERT, 'to-server'))).toBeUndefined();
  await runAgain(['noop'], { database });
  expect(await readRecords(database)).toHaveLength(1);
});

test('killed when its record has been written and it does not know yet: lost', async () => {
  await using database = await createDatabase();
  const killed = await killNoop(database, async (proxy) => {
    const insert = await proxy.hold(INSERT, 'to-server');
    const answer = proxy.hold('carried', 'to-client');
    insert.release();
    return answer;
  });
  expect(await readRecord(database, String(killed))).toMatchObject({ status: 'running' });
  await runAgain(['noop'], { database });
  expect(await readRecord(database, String(killed))).toMatchObject({ status: 'lost', exit_code: 137 });
});

test('killed in an attempt: lost', async () => {
  await using database = await createDatabase();
  await using gate = await openGate();
  const args = ['waits', '--param', `gate=${gate.path}`];
  await using run = runJob(args, { database });
  await run.until(gate.arrival());
  run.kill('SIGKILL');
  const { summary } = await run.done;
  await using next = runJob(args, { database });
  (await next.until(gate.arrival())).open();
  expect((await next.done).summary).toMatchObject({ status: 'succeeded', exitCode: 0 });
  expect(await readRecord(database, summary.runId)).toMatchObject({ status: 'lost', exit_code: 137 });
});

test('killed between attempts: lost', async () => {
  await using database = await createDatabase();
  await using run = runJob(['flaky', '--param', 'wait=a minute'], { database });
  await run.waitForLine(({ msg }) => msg.includes('the next one begins in'));
  run.kill('SIGKILL');
  const { summary } = await run.done;
  await runAgain(['flaky', '--param', 'succeedsAt=1'], { database });
  expect(await readRecord(database, summary.runId)).toMatchObject({ status: 'lost' });
});

test('killed between the write of its end and the commit of it: lost', async () => {
  await using database = await createDatabase();
  const killed = await killNoop(database, (proxy) => proxy.hold('commit\0', 'to-server'));
  await runAgain(['noop'], { database });
  expect(await readRecord(database, String(killed))).toMatchObject({ status: 'lost', exit_code: 137 });
});

test('killed before the end is recorded: lost', async () => {
  await using database = await createDatabase();
  const killed = await killNoop(database, (proxy) => proxy.hold(UPDATE, 'to-server'));
  await runAgain(['noop'], { database });
  expect(await readRecord(database, String(killed))).toMatchObject({ status: 'lost' });
});

test('killed when its end has been committed, which unlocks, and it does not know yet: the record stands', async () => {
  await using database = await createDatabase();
  const killed = await killNoop(database, async (proxy) => {
    const commit = await proxy.hold('commit\0', 'to-server');
    const answer = proxy.hold('commit\0', 'to-client');
    commit.release();
    return answer;
  });
  expect(await readRecord(database, String(killed))).toMatchObject({ status: 'succeeded', exit_code: 0 });
  await runAgain(['noop'], { database });
});

test('a run that lives is never called lost', async () => {
  await using database = await createDatabase();
  await using gate = await openGate();
  await using first = runJob(['waits', '--param', `gate=${gate.path}`], { database });
  const visitor = await first.until(gate.arrival());
  await runToEnd(['waits', '--locked=skip', '--param', `gate=${gate.path}`], { database });
  await runToEnd(['noop'], { database });
  visitor.open();
  const { summary } = await first.done;
  expect(await readRecord(database, summary.runId)).toMatchObject({ status: 'succeeded' });
});

test('a dead run is shown as lost before the next run has found it', async () => {
  await using database = await createDatabase();
  await using gate = await openGate();
  await using run = runJob(['waits', '--param', `gate=${gate.path}`], { database });
  await run.until(gate.arrival());
  const shown = async () => {
    const history = JSON.parse((await runToEnd(['history', '--json'], { database })).stdout);
    const status = JSON.parse((await runToEnd(['status', '--json'], { database })).stdout);
    return [history[0].status, status.find(({ job }: { job: string }) => job === 'waits').lastRun.status];
  };
  expect(await shown()).toEqual(['running', 'running']);
  run.kill('SIGKILL');
  await run.done;
  expect(await shown()).toEqual(['lost', 'lost']);
});

test('killed at any moment, from the first millisecond on: no record stays open, and the lock is free', async () => {
  await using database = await createDatabase();
  for (let delay = 0; delay <= 300; delay += 20) {
    await using run = runJob(['noop'], { database });
    // The moment is what is tested here: from before Node has started to after the end.
    await new Promise((passed) => setTimeout(passed, delay));
    run.kill('SIGKILL');
    await run.done;
  }
  await runAgain(['noop'], { database });
  for (const { status } of await readRecords(database)) expect(['succeeded', 'lost', 'skipped']).toContain(status);
});
