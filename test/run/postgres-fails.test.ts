// Whatever happens to PostgreSQL, a run ends in time, and says what happened.
import { expect, test } from 'vitest';
import { expectAccounts } from '../support/accounts.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { freePorts } from '../support/free-port.ts';
import { openGate } from '../support/gate.ts';
import { runJob, runToEnd } from '../support/run-job.ts';
import { startBlackHole, startTcpProxy } from '../support/tcp-proxy.ts';

const UNAVAILABLE = { status: 'unavailable', exitCode: 69 } as const;
const MISCONFIGURED = { status: 'misconfigured', exitCode: 78 } as const;

/** Ends the connections of this database's runs that hold advisory locks, or those that hold none. */
function terminate(database: TestDatabase, which: 'locking' | 'others') {
  return database.query(
    `select pg_terminate_backend(pid) from pg_stat_activity a
     where datname = $1 and application_name like 'run-job %' and pid <> pg_backend_pid()
       and $2 = exists (select from pg_locks l where l.pid = a.pid and locktype = 'advisory')`,
    [database.name, which === 'locking'],
  );
}

test('PostgreSQL refuses the connection for as long as the run may wait: unavailable', async () => {
  const [port] = await freePorts(1);
  const ended = await runToEnd(['noop'], {
    database: { url: `postgres://u:p@127.0.0.1:${port}/d` },
    env: { WORKER_LOCK_WAIT_SECONDS: '0.5' },
  });
  await expectAccounts(ended, undefined, { ...UNAVAILABLE, attempts: 0, error: 'refused the connection' });
  expect(ended.lines.map(({ msg }) => msg)).toContainEqual(
    expect.stringMatching(/^waiting: .* refused the connection/),
  );
  // Half a second of waiting, one to tell the database, and the process itself.
  expect(ended.summary.durationMs).toBeLessThan(5_000);
});

test('PostgreSQL takes the connection and never answers for as long as the run may wait: unavailable', async () => {
  await using hole = await startBlackHole();
  const ended = await runToEnd(['noop'], {
    database: { url: `postgres://u:p@127.0.0.1:${hole.port}/d` },
    env: { WORKER_CONNECT_TIMEOUT_SECONDS: '0.5', WORKER_LOCK_WAIT_SECONDS: '1' },
  });
  await expectAccounts(ended, undefined, { ...UNAVAILABLE, error: "didn't answer within 0.5 s" });
  expect(ended.tookMs).toBeLessThan(28_000);
});

test('the password is wrong: misconfigured, and it is not shown', async () => {
  await using database = await createDatabase();
  const url = Object.assign(new URL(database.url), { password: 'not-the-password' }).href;
  const ended = await runToEnd(['noop'], { database: { url } });
  await expectAccounts(ended, undefined, { ...MISCONFIGURED, error: 'refused the login' });
  expect(ended.stdout + ended.stderr + JSON.stringify(ended.termination)).not.toContain('not-the-password');
});

test('there is no such database: misconfigured', async () => {
  await using database = await createDatabase();
  const ended = await runToEnd(['noop'], { database: { url: `${database.url}_not` } });
  await expectAccounts(ended, undefined, { ...MISCONFIGURED, error: 'no such database' });
});

test('the role may not use the schema: misconfigured', async () => {
  await using database = await createDatabase();
  const role = `${database.name}_role`;
  await database.query(`create role ${role} login password 'secret-of-role'`);
  try {
    const url = Object.assign(new URL(database.url), { username: role, password: 'secret-of-role' }).href;
    const ended = await runToEnd(['noop'], { database: { url } });
    await expectAccounts(ended, undefined, { ...MISCONFIGURED, error: 'too few rights' });
  } finally {
    await database.query(`drop role ${role}`);
  }
});

test('the connection that holds the lock is terminated: the run is aborted as unavailable', async () => {
  await using database = await createDatabase();
  await using gate = await openGate();
  await using run = runJob(['waits', '--param', `gate=${gate.path}`], { database });
  await run.until(gate.arrival());
  expect(await terminate(database, 'locking')).toHaveLength(1);
  await expectAccounts(await run.done, database, { ...UNAVAILABLE, attempts: 1, error: 'terminated' });
});

test.concurrent('a job that ignores that its lock is lost is abandoned after five seconds, whatever the grace period is', async () => {
  await using database = await createDatabase();
  await using run = runJob(['hangs', '--param', 'way=ignores'], { database });
  await run.waitForLine(({ msg }) => msg === 'hanging');
  await terminate(database, 'locking');
  const ended = await run.done;
  await expectAccounts(ended, database, { ...UNAVAILABLE, error: 'terminated' });
  expect(ended.tookMs).toBeLessThan(28_000);
});

test('the other connections are terminated: the run goes on, and is recorded over a new one', async () => {
  await using database = await createDatabase();
  await using gate = await openGate();
  await using run = runJob(['needs_postgres', '--param', `gate=${gate.path}`], { database });
  const visitor = await run.until(gate.arrival());
  await terminate(database, 'others');
  visitor.open();
  await expectAccounts(await run.done, database, { status: 'succeeded', exitCode: 0 });
});

test.concurrent('the database’s host goes silent while the job runs: the run is aborted as unavailable in bounded time', async () => {
  await using database = await createDatabase();
  await using proxy = await startTcpProxy(database.url);
  await using gate = await openGate();
  await using run = runJob(['waits', '--param', `gate=${gate.path}`], {
    database: { url: proxy.urlFor(database.url) },
    env: { WORKER_LOCK_CHECK_SECONDS: '1', RUN_JOB_RECORD_TIMEOUT_SECONDS: '2' },
  });
  await run.until(gate.arrival());
  proxy.silence();
  const ended = await run.done;
  await expectAccounts(ended, undefined, { ...UNAVAILABLE, attempts: 1, error: 'fell silent for 1 s' });
  expect(ended.tookMs).toBeLessThan(28_000);
});

test('a host that goes silent while the end is being recorded, and comes back: the run is recorded', async () => {
  await using database = await createDatabase();
  await using proxy = await startTcpProxy(database.url);
  const held = proxy.hold('update run_job.runs set', 'to-server');
  await using run = runJob(['noop'], { database: { url: proxy.urlFor(database.url) } });
  const update = await run.until(held);
  proxy.silence();
  update.release();
  proxy.resume();
  await expectAccounts(await run.done, database, { status: 'succeeded', exitCode: 0 });
});
