// What the history in PostgreSQL withstands: a server that goes away in between, a schema that is missing, a record it refuses.
import { expect, inject, test } from 'vitest';
import { closeRunning } from '../../src/postgres/close-run.ts';
import { openHistory } from '../../src/postgres/history.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { endOf, runOf, slotOf } from '../contracts/runs.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { startPostgres } from '../support/postgres-server.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { serverAt } from './server-at.ts';
import { openAdapter } from './support.ts';

const read = async (database: TestDatabase, id: string) =>
  (await database.query<Record<string, unknown>>('SELECT * FROM run_job.runs WHERE id = $1', [id]))[0];

test('everything that is known of a run is in its record', async () => {
  await using it = await openAdapter();
  const slot = slotOf('report', { index: 2, count: 3 });
  const run = runOf(slot, {
    startedAt: new Date('2026-02-03T04:05:06.007Z'),
    deadline: new Date('2026-02-03T04:10:06.007Z'),
    traceId: '0af7651916cd43dd8448eb211c80319c',
    place: {
      host: 'h',
      pid: 7,
      podName: 'pod',
      jobName: 'job-29',
      cronJobName: 'job',
      namespace: 'ns',
      nodeName: 'node',
    },
  });
  await it.history.start(run);
  const error = {
    name: 'TypeError',
    message: 'no',
    code: 'E',
    stack: 'at x',
    causes: [{ name: 'Error', message: 'why' }],
  };
  const endedAt = new Date('2026-02-03T04:06:00Z');
  await it.history.end(run.id, endOf({ status: 'failed', exitCode: 1, attempts: 3, endedAt, error }));
  expect(await read(it.database, run.id)).toMatchObject({
    id: run.id,
    job: 'report',
    scheduled_at: slot.scheduledAt,
    shard_index: 2,
    shard_count: 3,
    status: 'failed',
    exit_code: 1,
    reason: null,
    attempts: 3,
    started_at: run.startedAt,
    deadline: run.deadline,
    ended_at: endedAt,
    duration_ms: '1235',
    params: { retentionDays: 90 },
    result: null,
    error,
    dry_run: false,
    forced: false,
    trace_id: '0af7651916cd43dd8448eb211c80319c',
    version: '1.2.3',
    host: 'h',
    pid: 7,
    pod_name: 'pod',
    job_name: 'job-29',
    cronjob_name: 'job',
    namespace: 'ns',
    node_name: 'node',
    peak_rss_bytes: '50000000',
    cpu_ms: '100',
  });
});

test('a run whose server was restarted in between closes its record', async () => {
  // Nothing that was committed may be lost when it crashes.
  await using server = await startPostgres({ settings: { synchronous_commit: 'on' } });
  await migrate(serverAt(server.url));
  const history = openHistory(serverAt(server.url), { endWithinMs: 20_000 });
  const run = runOf(slotOf('report'));
  await history.start(run);
  await server.stop('immediate');
  const ended = history.end(run.id, endOf());
  await server.start();
  await ended;
  expect(await history.succeeded(run.slot)).toMatchObject({ runId: run.id });
  await history.close();
});

test('a connection that broke while it was idle is replaced without a word', async () => {
  await using database = await createDatabase();
  await using proxy = await startTcpProxy(database.url);
  const history = openHistory(serverAt(proxy.urlFor(database.url)), { endWithinMs: 0 });
  const run = runOf(slotOf('report'));
  await history.start(run);
  proxy.cut();
  await history.end(run.id, endOf());
  expect(await read(database, run.id)).toMatchObject({ status: 'succeeded' });
  await history.close();
});

test('a connection that fell silent while it was idle costs half of the time, and the record is kept', async () => {
  await using database = await createDatabase();
  await using proxy = await startTcpProxy(database.url);
  const history = openHistory(serverAt(proxy.urlFor(database.url)), { endWithinMs: 3_000 });
  const run = runOf(slotOf('report'));
  await history.start(run);
  proxy.silence();
  const ended = history.end(run.id, endOf());
  // The network forgets the old connection and lets a new one through.
  await expect.poll(() => proxy.connections, { interval: 10, timeout: 5_000 }).toBe(2);
  proxy.cut();
  proxy.resume();
  await ended;
  expect(await read(database, run.id)).toMatchObject({ status: 'succeeded' });
  await history.close();
});

test('an end that nobody takes in time is unavailable, no later than it may', async () => {
  await using database = await createDatabase();
  await using proxy = await startTcpProxy(database.url);
  const history = openHistory(serverAt(proxy.urlFor(database.url)), { endWithinMs: 400 });
  const run = runOf(slotOf('report'));
  await history.start(run);
  proxy.refuse();
  proxy.cut();
  const since = performance.now();
  await expect(history.end(run.id, endOf())).rejects.toMatchObject({ code: 'ERR_RUN_JOB_UNAVAILABLE' });
  expect(performance.now() - since).toBeLessThan(3_000);
  await history.close();
});

test('a server that falls silent does not hold up whoever records or closes', async () => {
  await using database = await createDatabase();
  await using proxy = await startTcpProxy(database.url);
  const history = openHistory(serverAt(proxy.urlFor(database.url), 300), { endWithinMs: 600 });
  await history.start(runOf(slotOf('report')));
  proxy.silence();
  const since = performance.now();
  await expect(history.record(runOf(slotOf('report')), endOf())).rejects.toMatchObject({
    code: 'ERR_RUN_JOB_UNAVAILABLE',
  });
  await history.close();
  expect(performance.now() - since).toBeLessThan(5_000);
});

test('a record that a failover has lost is written again at the end', async () => {
  await using it = await openAdapter();
  const run = runOf(slotOf('report'));
  await it.history.start(run);
  await it.database.query('DELETE FROM run_job.runs');
  await it.history.end(run.id, endOf());
  expect(await read(it.database, run.id)).toMatchObject({ status: 'succeeded', host: 'host-1' });
});

test('a result that PostgreSQL cannot store costs the result and not the record', async () => {
  await using it = await openAdapter();
  await it.database.query(`ALTER DATABASE ${it.database.name} SET max_stack_depth = '100kB'`);
  await it.history.close();
  const run = runOf(slotOf('report'));
  await it.history.start(run);
  let deep: unknown = 0;
  for (let level = 0; level < 2_000; level++) deep = [deep];
  await it.history.end(run.id, endOf({ result: deep }));
  expect(await read(it.database, run.id)).toMatchObject({
    status: 'succeeded',
    result: { unrecordable: expect.stringContaining('stack depth') },
  });
});

test('a database that was never migrated is a configuration error with the remedy', async () => {
  await using database = await createDatabase({ migrated: false });
  const history = openHistory(serverAt(database.url), { endWithinMs: 5_000 });
  await expect(history.succeeded(slotOf('report'))).rejects.toMatchObject({
    code: 'ERR_RUN_JOB_CONFIG',
    message: expect.stringContaining('run `run-job migrate`'),
  });
  await history.close();
});

test('a role without rights on the schema is a configuration error with the remedy', async () => {
  await using database = await createDatabase();
  const role = `${database.name}_app`;
  await database.query(`CREATE ROLE ${role} LOGIN PASSWORD 'app'`);
  try {
    const url = Object.assign(new URL(database.url), { username: role, password: 'app' }).href;
    const history = openHistory(serverAt(url), { endWithinMs: 5_000 });
    await expect(history.start(runOf(slotOf('report')))).rejects.toMatchObject({
      code: 'ERR_RUN_JOB_CONFIG',
      message: expect.stringContaining('run-job doctor'),
    });
    await history.close();
  } finally {
    await database.query(`DROP ROLE ${role}`);
  }
});

test('an unreachable server shows with the first call, not as an unhandled rejection', async () => {
  const url = Object.assign(new URL(inject('postgresUrl')), { port: '1' }).href;
  const history = openHistory(serverAt(url), { endWithinMs: 0 });
  await new Promise((resolve) => setTimeout(resolve, 50));
  await expect(history.succeeded(slotOf('report'))).rejects.toMatchObject({ code: 'ERR_RUN_JOB_UNAVAILABLE' });
  await history.close();
});

test('the watchdog closes the record of a run that is blocked, and of no run that has ended', async () => {
  await using it = await openAdapter();
  const [blocked, ended] = [runOf(slotOf('report')), runOf(slotOf('other'))];
  await it.history.start(blocked);
  await it.history.record(ended, endOf());
  const end = endOf({ status: 'timed_out', exitCode: 137 });
  expect(await closeRunning(it.server, blocked.id, end)).toBe(true);
  expect(await closeRunning(it.server, ended.id, end)).toBe(false);
  expect(await read(it.database, blocked.id)).toMatchObject({ status: 'timed_out', exit_code: 137 });
  expect(await read(it.database, ended.id)).toMatchObject({ status: 'succeeded' });
});
