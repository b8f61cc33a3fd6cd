// A run whose PostgreSQL server goes away ends in bounded time, and the next run finds what it couldn't record.
import { expect, test } from 'vitest';
import { expectAccounts, readRecord } from '../support/accounts.ts';
import { createDatabase } from '../support/database.ts';
import { openGate } from '../support/gate.ts';
import { startPostgres } from '../support/postgres-server.ts';
import { runJob, runToEnd } from '../support/run-job.ts';
import { createTemplate } from '../support/template-database.ts';

const UNAVAILABLE = { status: 'unavailable', exitCode: 69 } as const;

test('PostgreSQL restarts while the job runs: the run is aborted as unavailable, and recorded when the server is back', async () => {
  await using server = await startPostgres();
  await createTemplate(server.url);
  await using database = await createDatabase({ serverUrl: server.url });
  await using gate = await openGate();
  await using run = runJob(['waits', '--param', `gate=${gate.path}`], { database });
  await run.until(gate.arrival());
  await server.stop();
  await run.waitForLine(({ cause }) => cause === 'lock_lost');
  await server.start();
  await expectAccounts(await run.done, database, { ...UNAVAILABLE, attempts: 1, error: "held this run's lock" });
  const next = await runToEnd(['noop'], { database });
  expect(next.summary.status).toBe('succeeded');
});

test('PostgreSQL crashes and stays away: the run ends in bounded time, and the next one finds it lost', async () => {
  // A server that crashes forgets what it has not flushed.
  await using server = await startPostgres({ settings: { synchronous_commit: 'on' } });
  await createTemplate(server.url);
  await using database = await createDatabase({ serverUrl: server.url });
  await using gate = await openGate();
  await using run = runJob(['waits', '--param', `gate=${gate.path}`], {
    database,
    env: { RUN_JOB_RECORD_TIMEOUT_SECONDS: '2' },
  });
  await run.until(gate.arrival());
  await server.stop('immediate');
  const ended = await run.done;
  await expectAccounts(ended, undefined, { ...UNAVAILABLE, attempts: 1, error: "held this run's lock" });
  expect(ended.tookMs).toBeLessThan(28_000);
  await server.start();
  await using next = runJob(['waits', '--param', `gate=${gate.path}`], { database });
  (await next.until(gate.arrival())).open();
  expect((await next.done).summary.status).toBe('succeeded');
  expect(await readRecord(database, ended.summary.runId)).toMatchObject({ status: 'lost' });
});

test('PostgreSQL crashes under a statement of the job: unavailable, although the job could only say that its connection broke', async () => {
  await using server = await startPostgres({ settings: { synchronous_commit: 'on' } });
  await createTemplate(server.url);
  await using database = await createDatabase({ serverUrl: server.url });
  await using run = runJob(['sleeps_in_postgres'], { database, env: { RUN_JOB_RECORD_TIMEOUT_SECONDS: '2' } });
  await run.waitForLine(({ msg }) => msg === 'sleeping');
  await server.stop('immediate');
  const ended = await run.done;
  await expectAccounts(ended, undefined, { ...UNAVAILABLE, attempts: 1, error: "held this run's lock" });
  await server.start();
});
