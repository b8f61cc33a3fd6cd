// How a run ended is recorded, whatever happens to the database meanwhile.
import { expect, test } from 'vitest';
import { expectAccounts } from '../support/accounts.ts';
import { createDatabase } from '../support/database.ts';
import { openGate } from '../support/gate.ts';
import { startPgBouncer } from '../support/pgbouncer.ts';
import { startPostgres } from '../support/postgres-server.ts';
import { runJob, runToEnd } from '../support/run-job.ts';
import { becomeStandby } from '../support/standby.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { createTemplate } from '../support/template-database.ts';

const SUCCEEDED = { status: 'succeeded', exitCode: 0 } as const;

test('a database that is out of reach when the run ends is tried until it is back', async () => {
  await using database = await createDatabase();
  await using proxy = await startTcpProxy(database.url);
  const written = proxy.hold('update run_job.runs set', 'to-server');
  await using run = runJob(['noop'], { database: { url: proxy.urlFor(database.url) } });
  const update = await run.until(written);
  proxy.refuse();
  update.drop();
  // Longer than a step of the end may take by itself.
  await new Promise((passed) => setTimeout(passed, 12_000));
  proxy.resume();
  await expectAccounts(await run.done, database, SUCCEEDED);
});

test('a standby in place of the primary when the run ends is tried until it is promoted', async () => {
  await using server = await startPostgres({ settings: { synchronous_commit: 'on' } });
  await createTemplate(server.url);
  await using database = await createDatabase({ serverUrl: server.url });
  await using proxy = await startTcpProxy(database.url);
  const written = proxy.hold('update run_job.runs set', 'to-server');
  await using run = runJob(['noop'], { database: { url: proxy.urlFor(database.url) } });
  const update = await run.until(written);
  await becomeStandby(server);
  const refused = proxy.hold('read-only transaction', 'to-client');
  update.drop();
  (await run.until(refused)).release();
  await database.query('select pg_promote()');
  await expectAccounts(await run.done, database, SUCCEEDED);
});

test('a database that stays out of reach costs the record, a warning, and no more time than RUN_JOB_RECORD_TIMEOUT_SECONDS', async () => {
  await using database = await createDatabase();
  await using proxy = await startTcpProxy(database.url);
  const written = proxy.hold('update run_job.runs set', 'to-server');
  await using run = runJob(['noop'], {
    database: { url: proxy.urlFor(database.url) },
    env: { RUN_JOB_RECORD_TIMEOUT_SECONDS: '1' },
  });
  const update = await run.until(written);
  proxy.refuse();
  update.drop();
  const ended = await run.done;
  await expectAccounts(ended, undefined, SUCCEEDED);
  expect(ended.lines.find(({ level }) => level === 'warn')?.msg).toContain('recording the end of the run failed');
  const { stdout } = await runToEnd(['show', ended.summary.runId], { database });
  expect(stdout).toContain('lost');
  expect(stdout).not.toContain('ran out of memory, or its node was lost. The next run found it');
});

test('an end that was committed although nobody was told so is recorded once', async () => {
  await using database = await createDatabase();
  await using proxy = await startTcpProxy(database.url);
  const committed = proxy.hold('commit\0', 'to-server').then(async (commit) => {
    const answer = proxy.hold('commit\0', 'to-client');
    commit.release();
    return answer;
  });
  await using run = runJob(['noop'], { database: { url: proxy.urlFor(database.url) } });
  (await run.until(committed)).drop();
  await expectAccounts(await run.done, database, SUCCEEDED);
  expect(await database.query('select from run_job.runs')).toHaveLength(1);
});

test('a start that was committed although nobody was told so is closed', async () => {
  await using database = await createDatabase();
  await using proxy = await startTcpProxy(database.url);
  const carried = proxy.hold('carried', 'to-client');
  await using run = runJob(['noop'], { database: { url: proxy.urlFor(database.url) } });
  (await run.until(carried)).drop();
  await expectAccounts(await run.done, database, { status: 'unavailable', exitCode: 69, attempts: 0, error: 'broke' });
});

test('a run that loses its connection between lock and record is recorded', async () => {
  await using database = await createDatabase();
  await using proxy = await startTcpProxy(database.url);
  const asked = proxy.hold('select id, ended_at from run_job.runs', 'to-server');
  const slot = ['--scheduled-at', '2026-02-03T04:05:00Z'];
  await using run = runJob(['noop', ...slot], { database: { url: proxy.urlFor(database.url) } });
  (await run.until(asked)).drop();
  await expectAccounts(await run.done, database, {
    status: 'unavailable',
    exitCode: 69,
    attempts: 0,
    error: 'broke (ECONNRESET)',
  });
});

test.for(['directly', 'through a pooler'])(
  "the server's timeouts for sessions, transactions and statements cost no record: %s",
  async (way) => {
    await using database = await createDatabase();
    for (const setting of ['idle_session_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout'])
      await database.query(`alter database ${database.name} set ${setting} = '300ms'`);
    await using pooler = await startPgBouncer(database.url);
    await using gate = await openGate();
    await using run = runJob(['waits', '--param', `gate=${gate.path}`], {
      database: way === 'directly' ? database : pooler,
    });
    const visitor = await run.until(gate.arrival());
    // Long after each of them has ended whoever is not spared.
    await new Promise((passed) => setTimeout(passed, 1_000));
    visitor.open();
    await expectAccounts(await run.done, database, SUCCEEDED);
  },
);
