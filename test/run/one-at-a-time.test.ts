// One run at a time per job, and so many at once in all; directly and through PgBouncer in transaction mode.
import { expect, test } from 'vitest';
import { readRecords } from '../support/accounts.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { openGate } from '../support/gate.ts';
import { startPgBouncer } from '../support/pgbouncer.ts';
import { type Ended, type Running, runJob, runToEnd } from '../support/run-job.ts';

/** Resolves when all but `count` of these runs have ended. */
function allBut(count: number, runs: readonly Running[]): Promise<void> {
  let alive = runs.length;
  return new Promise((resolve, reject) => {
    for (const run of runs) run.done.then(() => --alive === count && resolve(), reject);
  });
}

/** Starts `start(i)` for so many, lets those that got in go on when all others have ended, and returns how all ended. */
async function race(total: number, winners: number, start: (index: number, gate: string) => Running): Promise<Ended[]> {
  await using gate = await openGate();
  await using stack = new AsyncDisposableStack();
  const runs = Array.from({ length: total }, (_, index) => stack.use(start(index, gate.path)));
  const inside = await Promise.all(Array.from({ length: winners }, () => gate.arrival()));
  await allBut(winners, runs);
  for (const visitor of inside) visitor.open();
  return await Promise.all(runs.map(({ done }) => done));
}

function count(ended: readonly Ended[]): Record<string, number> {
  return Object.fromEntries(
    Object.entries(
      Object.groupBy(ended, ({ summary, exitCode }) => `${summary.status} ${summary.reason ?? ''}${exitCode}`),
    ).map(([kind, members]) => [kind, members?.length ?? 0]),
  );
}

async function recorded(database: TestDatabase): Promise<string[]> {
  return (await readRecords(database)).map(({ status }) => status).sort();
}

function locksLeft(database: TestDatabase) {
  return database.query(
    `select * from pg_locks where locktype = 'advisory'
     and database = (select oid from pg_database where datname = $1)`,
    [database.name],
  );
}

/** So many processes at once take their time on a small machine. */
const HANGS_AFTER_MS = 150_000;
const TIMEOUT = { timeout: 170_000 };

/** Twenty runs of one job. */
const sameJob = (database: { url: string }) => (_: number, gate: string) =>
  runJob(['waits', '--locked=skip', '--param', `gate=${gate}`], { database, hangsAfterMs: HANGS_AFTER_MS });

/** Runs that share no lock but the limit: shards of two jobs. */
const differentRuns = (database: { url: string }) => (index: number, gate: string) =>
  runJob([index % 2 ? 'waits' : 'waits_too', '--locked=skip', '--param', `gate=${gate}`], {
    database,
    hangsAfterMs: HANGS_AFTER_MS,
    env: { RUN_JOB_SHARDS: '30', JOB_COMPLETION_INDEX: String(index), WORKER_MAX_CONCURRENT_JOBS: '10' },
  });

test(
  'of twenty processes of one job that start at once exactly one runs, and twenty records tell it',
  TIMEOUT,
  async () => {
    await using database = await createDatabase();
    expect(count(await race(20, 1, sameJob(database)))).toEqual({ 'succeeded 0': 1, 'skipped locked0': 19 });
    expect(await recorded(database)).toEqual([...Array(19).fill('skipped'), 'succeeded']);
    expect(await locksLeft(database)).toEqual([]);
  },
);

test('of thirty different runs ten run at once, and the others are skipped because of the limit', TIMEOUT, async () => {
  await using database = await createDatabase();
  expect(count(await race(30, 10, differentRuns(database)))).toEqual({ 'succeeded 0': 10, 'skipped limit75': 20 });
  expect(await recorded(database)).toEqual([...Array(20).fill('skipped'), ...Array(10).fill('succeeded')]);
});

test(
  'through PgBouncer in transaction mode it is the same, and no lock is left on any server connection',
  TIMEOUT,
  async () => {
    await using database = await createDatabase();
    await using pooler = await startPgBouncer(database.url);
    expect(count(await race(20, 1, sameJob(pooler)))).toEqual({ 'succeeded 0': 1, 'skipped locked0': 19 });
    expect(count(await race(30, 10, differentRuns(pooler)))).toEqual({ 'succeeded 0': 10, 'skipped limit75': 20 });
    expect(await recorded(database)).toEqual([...Array(39).fill('skipped'), ...Array(11).fill('succeeded')]);
    expect(await locksLeft(database)).toEqual([]);
  },
);

test('through PgBouncer a run that is killed frees its lock', async () => {
  await using database = await createDatabase();
  await using pooler = await startPgBouncer(database.url);
  await using gate = await openGate();
  await using run = runJob(['waits', '--param', `gate=${gate.path}`], { database: pooler });
  await run.until(gate.arrival());
  run.kill('SIGKILL');
  const killed = await run.done;
  await using next = runJob(['waits', '--locked=wait', '--param', `gate=${gate.path}`], { database: pooler });
  (await next.until(gate.arrival())).open();
  expect((await next.done).summary.status).toBe('succeeded');
  expect((await readRecords(database)).find(({ id }) => id === killed.summary.runId)?.status).toBe('lost');
  expect(await locksLeft(database)).toEqual([]);
});

test('a run waits for the lock, says for whom, and begins when it is free', async () => {
  await using database = await createDatabase();
  await using gate = await openGate();
  await using first = runJob(['waits', '--param', `gate=${gate.path}`], { database });
  const visitor = await first.until(gate.arrival());
  await using second = runJob(['waits', '--param', `gate=${gate.path}`], { database });
  const holder = (await first.waitForLine(({ msg }) => msg === 'run started')).runId;
  expect((await second.waitForLine(({ msg }) => msg.startsWith('waiting'))).msg).toContain(`run ${holder}`);
  visitor.open();
  expect((await first.done).summary.status).toBe('succeeded');
  (await second.until(gate.arrival())).open();
  expect((await second.done).summary).toMatchObject({ status: 'succeeded', exitCode: 0 });
});

test('a run that waits in vain is skipped with 75', async () => {
  await using database = await createDatabase();
  await using gate = await openGate();
  await using first = runJob(['waits', '--param', `gate=${gate.path}`], { database });
  await first.until(gate.arrival());
  const ended = await runToEnd(['waits', '--param', `gate=${gate.path}`], {
    database,
    env: { WORKER_LOCK_WAIT_SECONDS: '0.1' },
  });
  expect(ended).toMatchObject({ exitCode: 75, summary: { status: 'skipped', reason: 'locked' } });
});

test('the lock holds back no VACUUM: its transaction has neither a snapshot nor an id', async () => {
  await using database = await createDatabase();
  await using gate = await openGate();
  await using run = runJob(['waits', '--param', `gate=${gate.path}`], { database });
  await run.until(gate.arrival());
  const holders = await database.query(
    `select backend_xid, backend_xmin, state, application_name from pg_stat_activity a
     where datname = $1 and exists (select from pg_locks l where l.pid = a.pid and locktype = 'advisory')`,
    [database.name],
  );
  expect(holders).toEqual([
    {
      backend_xid: null,
      backend_xmin: null,
      state: 'idle in transaction',
      application_name: expect.stringContaining('waits'),
    },
  ]);
});
