// What a checkpoint costs: `npm run bench -- checkpoint [saves]`; and what it holds: `npm run bench -- checkpoint kills [kills] [seed]`.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import * as v from 'valibot';
import { openCheckpoints } from '../../src/postgres/checkpoints.ts';
import { openHistory } from '../../src/postgres/history.ts';
import { openPool } from '../../src/postgres/job-pool.ts';
import { createLocks } from '../../src/postgres/locks.ts';
import { parseServer } from '../../src/postgres/server.ts';
import { Session } from '../../src/postgres/session.ts';
import { newRunId } from '../../src/process/run-id.ts';
import { Checkpointing } from '../../src/runner/checkpointing.ts';
import type { RunStart } from '../../src/runner/ports.ts';
import { type Play, type Played, play } from '../checkpoints/property.ts';
import { hasDebianPostgres, startDebianPostgres } from '../support/debian-postgres.ts';
import { startPgBouncer } from '../support/pgbouncer.ts';
import { startPostgres } from '../support/postgres-server.ts';
import { tell } from './report.ts';

const JOBS = fileURLToPath(new URL('../checkpoints/jobs', import.meta.url));
const SLOT = ['--scheduled-at', '2026-11-23T02:00:00Z'];

/** How many transactions of each kind are timed. */
const PAIRS = 3_000;

export async function bench([first = '100000', ...rest]: readonly string[]): Promise<void> {
  if (first === 'kills') return kills(Number(rest[0] ?? '200'), Number(rest[1] ?? '1'));
  return costs(Number(first));
}

/** The same transaction with and without a save, in turn; and what many saves leave of the table. */
async function costs(saves: number): Promise<void> {
  await using postgres = await startPostgres();
  const server = parseServer(postgres.url, { name: 'bench' }, 10_000);
  migrate(postgres.url);
  const session = new Session(server);
  const history = openHistory(server, { endWithinMs: 10_000 }, session);
  const runId = newRunId(new Date());
  const slot = { name: 'bench', scheduledAt: new Date(), shard: { index: 0, count: 1 }, paramsDigest: 'd' };
  const lock = await createLocks(server, { checkMs: 5_000, session }).acquire({
    runId,
    name: 'bench',
    shard: slot.shard,
    limit: 10,
  });
  if (!lock.held) throw new Error('the lock is taken');
  const { fence } = await history.start(startOf(runId, slot), 90, lock.lease);
  const owner = { slot, runId, fence };
  const checkpoints = openCheckpoints(session);
  const kept = new Checkpointing({
    store: checkpoints,
    owner,
    restart: false,
    dryRun: false,
    schema: v.object({ lastId: v.number() }),
    monotonicMs: () => performance.now(),
    stop: (error) => {
      throw error;
    },
  });
  await kept.load();
  const { pool, close } = openPool(server, { max: 2 });
  const { signal } = new AbortController();
  await pool.query('CREATE TABLE work (id integer PRIMARY KEY, text text)');

  let id = 0;
  const work = async (save: boolean): Promise<number> => {
    const startedAt = performance.now();
    await pool.transaction(signal, {}, async (client) => {
      id += 1;
      await client.query('INSERT INTO work VALUES ($1, $2)', [id, 'a row of the work']);
      if (save) await kept.save({ lastId: id }, { client });
    });
    return performance.now() - startedAt;
  };
  for (let warm = 0; warm < 500; warm += 1) await work(warm % 2 === 0);
  const without: number[] = [];
  const withSave: number[] = [];
  for (let pair = 0; pair < PAIRS; pair += 1) {
    without.push(await work(false));
    withSave.push(await work(true));
  }

  const before = await statistics(pool);
  const startedAt = performance.now();
  const client = await pool.connect();
  // A save is a transaction by itself here, and needn't wait for the disk: what is looked at is the table.
  await client.query('SET synchronous_commit = off');
  for (let save = 0; save < saves; save += 1) {
    await checkpoints.save(owner, { value: JSON.stringify({ lastId: save, table: 'public.orders' }) }, client);
  }
  client.release();
  const seconds = (performance.now() - startedAt) / 1_000;
  await pool.query('SELECT pg_stat_force_next_flush()');
  const after = await statistics(pool);
  await close();
  await lock.lease.release();
  await history.close();

  const updates = after.updates - before.updates;
  const hot = after.hot - before.hot;
  const rows: [string, string][] = [
    ['transaction without a save, median', `${median(without).toFixed(3)} ms`],
    ['transaction with a save, median', `${median(withSave).toFixed(3)} ms`],
    ['cost of the save', `${(median(withSave) - median(without)).toFixed(3)} ms`],
    [`${saves} saves`, `${seconds.toFixed(1)} s`],
    ['n_tup_upd', String(updates)],
    ['n_tup_hot_upd', `${hot} (${((100 * hot) / updates).toFixed(2)}%)`],
    ['size of the table with its indexes', `${after.bytes / 1024} KiB`],
  ];
  tell('checkpoint', ['checkpoint', 'value'], rows, {
    without: median(without),
    with: median(withSave),
    saves,
    updates,
    hot,
    bytes: after.bytes,
  });
}

const migrate = (url: string) =>
  execFileSync(process.execPath, ['dist/run-job.js', 'migrate'], { env: { DATABASE_URL: url } });

const startOf = (id: string, slot: RunStart['slot']): RunStart => ({
  id,
  job: 'bench',
  slot,
  startedAt: new Date(),
  retries: 0,
  params: {},
  dryRun: false,
  forced: false,
  version: 'bench',
  place: { host: 'here', pid: process.pid },
});

async function statistics(pool: pg.Pool): Promise<{ updates: number; hot: number; bytes: number }> {
  // The counts of a session come late.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  const { rows } = await pool.query<{ updates: number; hot: number; bytes: number }>(
    `SELECT n_tup_upd::float8 AS updates, n_tup_hot_upd::float8 AS hot, pg_total_relation_size(relid)::float8 AS bytes
     FROM pg_stat_all_tables WHERE schemaname = 'run_job' AND relname = 'checkpoints'`,
  );
  return rows[0] ?? { updates: 0, hot: 0, bytes: 0 };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

const ROWS = 10_000;

/** 10,000 rows in batches, ended so many times in each way. */
async function kills(count: number, seed: number): Promise<void> {
  await using postgres = await startPostgres();
  migrate(postgres.url);
  await using pooler = await startPgBouncer(postgres.url);
  await using older = hasDebianPostgres() ? await startDebianPostgres() : undefined;
  if (older) migrate(older.url);
  const killed = { by: 'kill', kills: count, rollBackOneIn: 8 } as const;
  const fought = { kills: Math.ceil(count / 20), rollBackOneIn: 0 } as const;
  const direct = postgres.url;
  const plays: [string, Pick<Play, 'by' | 'kills' | 'rollBackOneIn' | 'url' | 'direct'>][] = [
    [`SIGKILL ${count} times, one batch in 8 rolled back`, { ...killed, url: direct, direct }],
    ['the same behind PgBouncer', { ...killed, url: pooler.url, direct }],
    ['two pods that fight', { ...fought, by: 'fight', url: direct, direct }],
    ['all connections cut', { ...fought, by: 'cut', url: direct, direct }],
  ];
  const rows: string[][] = [];
  const data: Record<string, Played> = {};
  if (older) plays.push(['SIGKILL on PostgreSQL 15', { ...killed, url: older.url, direct: older.url }]);
  for (const [name, how] of plays) {
    await prepare(how.direct);
    // Batches so small that there is something left to copy for the last of the runs.
    const batch = Math.max(1, Math.floor(ROWS / how.kills / 20));
    const played = await play({ ...how, jobs: JOBS, slot: SLOT, seed, rows: ROWS, batch });
    data[name] = played;
    const good = played.copied === ROWS && played.distinct === ROWS && played.checkpoints === 0;
    if (!good) process.exitCode = 1;
    rows.push([
      name,
      String(played.runs),
      JSON.stringify(played.exitCodes),
      String(played.workers),
      String(played.copied),
      good ? 'each once' : 'WRONG',
    ]);
  }
  tell('checkpoint-kills', ['what happens', 'runs', 'ends', 'that copied', 'rows', ''], rows, { seed, plays: data });
}

async function prepare(url: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  await client.query(`DROP TABLE IF EXISTS source, target; TRUNCATE run_job.runs, run_job.checkpoints;
    CREATE TABLE source (id integer PRIMARY KEY); INSERT INTO source SELECT generate_series(1, ${ROWS});
    CREATE TABLE target (id integer NOT NULL, run_id uuid NOT NULL)`);
  await client.end();
}
