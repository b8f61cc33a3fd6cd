// A run that can't begin yet waits: for the lock, for a place, for a database that is full or just starting; and holds nothing meanwhile.
import { expect, test } from 'vitest';
import { expectAccounts } from '../support/accounts.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { openGate } from '../support/gate.ts';
import { startPgBouncer } from '../support/pgbouncer.ts';
import { startPostgres } from '../support/postgres-server.ts';
import { runJob, runToEnd } from '../support/run-job.ts';
import { createTemplate } from '../support/template-database.ts';

const SUCCEEDED = { status: 'succeeded', exitCode: 0 } as const;
const isWaiting = ({ msg }: { msg: string }) => msg.startsWith('waiting');

/** The connections of runs to this database, by what they are named. */
async function connections(database: TestDatabase): Promise<string[]> {
  const rows = await database.query<{ name: string }>(
    `select application_name as name from pg_stat_activity where datname = $1 and application_name like 'run-job %'`,
    [database.name],
  );
  return rows.map(({ name }) => name);
}

test('a run has one connection while its job works, and a run that waits for it has none', async () => {
  await using database = await createDatabase();
  await using gate = await openGate();
  const args = ['waits', '--param', `gate=${gate.path}`];
  await using first = runJob(args, { database });
  const visitor = await first.until(gate.arrival());
  const { runId } = await first.waitForLine(({ msg }) => msg === 'run started');
  const only = [`run-job waits ${runId}`];
  expect(await connections(database)).toEqual(only);
  await using second = runJob(args, { database });
  await second.waitForLine(isWaiting);
  await expect.poll(() => connections(database), { interval: 10, timeout: 20_000 }).toEqual(only);
  visitor.open();
  await expectAccounts(await first.done, database, SUCCEEDED);
  (await second.until(gate.arrival())).open();
  await expectAccounts(await second.done, database, SUCCEEDED);
});

test('a run waits for a place, and begins when there is one', async () => {
  await using database = await createDatabase();
  await using gate = await openGate();
  const env = { WORKER_MAX_CONCURRENT_JOBS: '1' };
  await using first = runJob(['waits', '--param', `gate=${gate.path}`], { database, env });
  const visitor = await first.until(gate.arrival());
  await using second = runJob(['noop'], { database, env });
  expect((await second.waitForLine(isWaiting)).msg).toContain('1 run is under way');
  visitor.open();
  await expectAccounts(await second.done, database, SUCCEEDED);
});

test('SIGTERM ends a run that waits at once', async () => {
  await using database = await createDatabase();
  await using gate = await openGate();
  const args = ['waits', '--param', `gate=${gate.path}`];
  await using first = runJob(args, { database });
  await first.until(gate.arrival());
  await using second = runJob(args, { database });
  await second.waitForLine(isWaiting);
  second.kill('SIGTERM');
  await expectAccounts(await second.done, database, { status: 'interrupted', exitCode: 143, error: 'SIGTERM' });
});

test('a database that has no connection left for our role is waited for', async () => {
  await using database = await createDatabase();
  const role = `${database.name}_app`;
  await database.query(`create role ${role} login password 'app' connection limit 1`);
  try {
    await database.query(`grant usage on schema run_job to ${role}`);
    await database.query(`grant select, insert, update, delete on all tables in schema run_job to ${role}`);
    const url = Object.assign(new URL(database.url), { username: role, password: 'app' }).href;
    await using gate = await openGate();
    await using first = runJob(['waits', '--param', `gate=${gate.path}`], { database: { url } });
    const visitor = await first.until(gate.arrival());
    await using second = runJob(['noop'], { database: { url } });
    expect((await second.waitForLine(isWaiting)).msg).toContain('no free connection');
    const inVain = await runToEnd(['noop'], { database: { url }, env: { WORKER_LOCK_WAIT_SECONDS: '0.2' } });
    await expectAccounts(inVain, undefined, { status: 'unavailable', exitCode: 69, error: 'no free connection' });
    const atOnce = await runToEnd(['noop', '--locked=fail'], { database: { url } });
    expect(atOnce.lines.filter(isWaiting)).toEqual([]);
    visitor.open();
    await expectAccounts(await second.done, database, SUCCEEDED);
  } finally {
    await database.query(`drop owned by ${role}`);
    await database.query(`drop role ${role}`);
  }
});

test('a server that is down and comes back is waited for', async () => {
  await using server = await startPostgres();
  await createTemplate(server.url);
  await using database = await createDatabase({ serverUrl: server.url });
  await server.stop();
  await using run = runJob(['noop'], { database });
  await run.waitForLine(isWaiting);
  await server.start();
  await expectAccounts(await run.done, database, SUCCEEDED);
});

test('a run needs one connection of a pooler from its start to its end', async () => {
  await using database = await createDatabase();
  await using pooler = await startPgBouncer(database.url, { poolSize: 1 });
  const ended = await runToEnd(['noop'], { database: pooler, env: { JOB_UID: 'a-job' } });
  await expectAccounts(ended, database, SUCCEEDED);
});

test('a pooler that takes no more clients, or has no connection to give, is waited for', async () => {
  await using database = await createDatabase();
  await using pooler = await startPgBouncer(database.url, { poolSize: 1, maxClients: 2, queryWaitSeconds: 1 });
  await using gate = await openGate();
  await using first = runJob(['waits', '--param', `gate=${gate.path}`], { database: pooler });
  const visitor = await first.until(gate.arrival());
  await using second = runJob(['noop'], { database: pooler });
  expect((await second.waitForLine(isWaiting)).msg).toContain('its pooler gives no connection');
  visitor.open();
  await expectAccounts(await second.done, database, SUCCEEDED);
});

test('a schema that is newer than the code is refused, also where another run holds the lock', async () => {
  await using database = await createDatabase();
  await using gate = await openGate();
  const args = ['waits', '--param', `gate=${gate.path}`];
  await using first = runJob(args, { database });
  await first.until(gate.arrival());
  await database.query(`insert into run_job.migrations (version, name, breaking) values (99, '099_later', true)`);
  const refused = { status: 'misconfigured', exitCode: 78, error: 'has version 99' } as const;
  await expectAccounts(await runToEnd(['noop'], { database }), undefined, refused);
  await expectAccounts(await runToEnd(args, { database }), undefined, refused);
});
