// A run that has lost its lock stops whatever else it is doing, and none frees its lock while something of it may still work.
import { expect, test } from 'vitest';
import { expectAccounts, readRecord } from '../support/accounts.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { openMarks } from '../support/marks.ts';
import { runJob } from '../support/run-job.ts';
import { startBlackHole } from '../support/tcp-proxy.ts';

const UNAVAILABLE = { status: 'unavailable', exitCode: 69, error: 'terminated' } as const;

/** Ends the connection that holds the lock; returns when. */
async function terminate(database: TestDatabase): Promise<number> {
  const ended = await database.query(
    `select pg_terminate_backend(pid) from pg_locks
     where locktype = 'advisory' and database = (select oid from pg_database where datname = $1) group by pid`,
    [database.name],
  );
  expect(ended).toHaveLength(1);
  return Date.now();
}

test.concurrent('lost while the event loop is blocked for long: the watchdog ends the run, and says why', async () => {
  await using database = await createDatabase();
  const marks = openMarks();
  await using run = runJob(marks.args('first', 'blocks', 60_000), {
    database,
    env: { WORKER_LOCK_CHECK_SECONDS: '2' },
  });
  await run.waitForLine(({ msg }) => msg === 'marking');
  const lostAt = await terminate(database);
  const ended = await run.done;
  await expectAccounts(ended, database, {
    status: 'unavailable',
    exitCode: 137,
    attempts: 1,
    error: /lock was lost.*event loop was blocked/,
  });
  // Two seconds between checks, one to see that the loop is blocked, five of grace; the rest is for a busy machine.
  expect(marks.of('first').last - lostAt).toBeLessThan(15_000);
});

test.concurrent('lost while the event loop is blocked for a while: the job returns, and the run has not succeeded', async () => {
  await using database = await createDatabase();
  const marks = openMarks();
  await using run = runJob(marks.args('first', 'blocks', 2_000), { database });
  await run.waitForLine(({ msg }) => msg === 'marking');
  await terminate(database);
  await expectAccounts(await run.done, database, { ...UNAVAILABLE, attempts: 1 });
});

test.concurrent('lost during the grace of SIGTERM: the grace is short, and the verdict stays', async () => {
  await using database = await createDatabase();
  await using run = runJob(['hangs', '--param', 'way=ignores'], { database });
  await run.waitForLine(({ msg }) => msg === 'hanging');
  run.kill('SIGTERM');
  await run.waitForLine(({ cause }) => cause === 'signal');
  const lostAt = await terminate(database);
  const ended = await run.done;
  await expectAccounts(ended, database, { status: 'interrupted', exitCode: 143, error: 'SIGTERM arrived' });
  expect(ended.summary.error?.causes?.[0]?.message).toContain('grace period of 5s');
  expect(Date.now() - lostAt).toBeLessThan(15_000);
});

test.concurrent.for([
  ['ignores', { status: 'timed_out', exitCode: 124, error: 'timeout' }],
  ['crashes', { status: 'crashed', exitCode: 70, error: 'uncaughtException' }],
] as const)(
  'a job that %s works on beside the end of its run: the next begins when the process is dead',
  async ([way, expected]) => {
    await using database = await createDatabase();
    await using hole = await startBlackHole();
    const marks = openMarks();
    await using run = runJob([...marks.args('first', way), '--timeout', '500ms'], {
      database,
      env: {
        WORKER_SHUTDOWN_TIMEOUT_SECONDS: '0.3',
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${hole.port}`,
        RUN_JOB_SHUTDOWN_URLS: `http://127.0.0.1:${hole.port}/`,
      },
    });
    await run.waitForLine(({ msg }) => msg === 'marking');
    await using next = runJob([...marks.args('second', 'once'), '--locked=wait'], { database });
    const ended = await run.done;
    await expectAccounts(ended, database, expected);
    await expectAccounts(await next.done, database, { status: 'succeeded', exitCode: 0 });
    const [first, second] = [marks.of('first'), marks.of('second')];
    // It did work on until the end of its run, some seconds after the grace.
    expect(first.last - first.first).toBeGreaterThan(2_000);
    expect(second.first).toBeGreaterThan(first.last);
  },
);

test.concurrent('a record that waits for its table, and SIGTERM: interrupted, as soon as it is asked', async () => {
  await using database = await createDatabase();
  const table = await lockRuns(database);
  await using run = runJob(['noop'], { database });
  await table.waiter();
  run.kill('SIGTERM');
  const ended = await run.done;
  await table.free();
  await expectAccounts(ended, undefined, {
    status: 'interrupted',
    exitCode: 143,
    attempts: 0,
    error: 'SIGTERM arrived',
  });
  // What was given up is given up on the server too.
  expect((await readRecord(database, ended.summary.runId))?.status).not.toBe('running');
});

test.concurrent('a record that waits for its table, and whose connection is ended: unavailable', async () => {
  await using database = await createDatabase();
  const table = await lockRuns(database);
  await using run = runJob(['noop'], { database, env: { RUN_JOB_RECORD_TIMEOUT_SECONDS: '3' } });
  await table.waiter();
  await terminate(database);
  const ended = await run.done;
  await table.free();
  expect(ended).toMatchObject({ exitCode: 69, signal: null, summary: { status: 'unavailable' } });
  expect(ended.termination).toMatchObject({ status: 'unavailable', exitCode: 69 });
});

/** Holds LOCK TABLE run_job.runs until it is freed. */
async function lockRuns(database: TestDatabase) {
  const client = await database.connect();
  await client.query('begin; lock table run_job.runs');
  return {
    /** Resolves when somebody waits for the table. */
    async waiter() {
      for (;;) {
        const { rows } = await client.query(
          `select 1 from pg_locks where not granted and relation = 'run_job.runs'::regclass
             and database = (select oid from pg_database where datname = current_database())`,
        );
        if (rows.length > 0) return;
        await new Promise((passed) => setTimeout(passed, 50));
      }
    },
    async free() {
      await client.query('rollback');
      await client.end();
    },
  };
}
