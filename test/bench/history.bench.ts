// How long `history`, `show` and `status` take their queries to answer in a large history, and by which plans; and what a run costs there.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { databaseNow, noticeMissed } from '../../src/app/missed-slots.ts';
import { standing, standings } from '../../src/app/standing.ts';
import { type Connection, withConnection } from '../../src/postgres/connect.ts';
import { openHistory } from '../../src/postgres/history.ts';
import { findRuns, listRuns } from '../../src/postgres/records.ts';
import { applySchedules } from '../../src/postgres/schedules.ts';
import { parseServer } from '../../src/postgres/server.ts';
import { endOf, runOf, slotOf } from '../contracts/runs.ts';
import { startDebianPostgres } from '../support/debian-postgres.ts';
import { plansOf } from '../support/plans.ts';
import { startPostgres } from '../support/postgres-server.ts';
import { tell } from './report.ts';

const STATISTICS = readFileSync('src/postgres/migrations/010_statistics.sql', 'utf8');

/** What a reader may take, in milliseconds. */
const LIMIT_MS = 50;
/** What `status` of all names may take. */
const STATUS_LIMIT_MS = 300;
/** How much more the start and the end of a run may take than in a history of 1,000 runs: the clock isn't exact. */
const MOST_GROWTH = 1.25;
/** So many records of one name in one statement, as who brings a history along inserts them, and what that may take. */
const BULK = 10_000;
const BULK_LIMIT_MS = 1_000;
const NAMES = 1_000;
const ROUNDS = 15;
const SETTINGS = { shared_buffers: '512MB', maintenance_work_mem: '256MB', max_wal_size: '8GB' };

/** Fills a history with so many records (5,000,000 unless given) of 1,000 names, measures, and fails where a plan reads the whole table. */
export async function bench([records = '5000000']: readonly string[]): Promise<void> {
  await using own = await startPostgres({ settings: SETTINGS });
  const costs = await measureOn('18', own.url, Number(records));
  if (process.argv.includes('--debian')) {
    await using debian = await startDebianPostgres({ settings: SETTINGS });
    costs.push(...(await measureOn('15', debian.url, Number(records))));
  }
  tell(
    'history',
    [`${records} records`, 'PostgreSQL', 'median ms', 'worst ms', 'whole table read'],
    costs.map(({ what, major, medianMs, worstMs, scans }) => [
      what,
      major,
      medianMs.toFixed(1),
      worstMs.toFixed(1),
      scans ? 'YES' : 'no',
    ]),
    { costs },
  );
  if (costs.some(({ medianMs, limitMs, scans }) => scans || medianMs > limitMs)) process.exitCode = 1;
}

interface Cost {
  readonly what: string;
  readonly major: string;
  readonly medianMs: number;
  readonly limitMs: number;
  readonly worstMs: number;
  readonly scans: boolean;
}

async function measureOn(major: string, url: string, records: number): Promise<Cost[]> {
  const server = parseServer(url, { name: 'bench' }, 600_000);
  execFileSync(process.execPath, ['dist/run-job.js', 'migrate'], { env: { DATABASE_URL: url } });
  await fill(url, 1_000);
  const small = await runCost(url);
  const bulkMs = await bulkCost(url);
  await fill(url, records);
  const large = await runCost(url);
  return withConnection(server, async (connection) => {
    const { rows } = await connection.query<{ id: string }>(
      `SELECT id FROM run_job.runs WHERE name = 'job_7' AND started_at < now() - interval '20 days' ORDER BY started_at DESC LIMIT 1`,
    );
    const id = rows[0]?.id ?? '';
    const costs: Cost[] = [];
    const look = async (what: string, ask: () => Promise<unknown>, limitMs = LIMIT_MS) =>
      costs.push({ major, limitMs, ...(await cost(connection, what, ask)) });
    await look('history', () => listRuns(connection, { limit: 20 }));
    await look('history of a name', () => listRuns(connection, { names: ['job_7'], limit: 20 }));
    await look('history of the failed', () => listRuns(connection, { statuses: ['failed'], limit: 20 }));
    await look('history of the failed of a name', () =>
      listRuns(connection, { names: ['job_7'], statuses: ['failed'], limit: 20 }),
    );
    await look('history of the lost', () => listRuns(connection, { statuses: ['lost'], limit: 20 }));
    await look('history of the missed', () => listRuns(connection, { statuses: ['missed'], limit: 20 }));
    await look('history of the running', () => listRuns(connection, { statuses: ['running'], limit: 20 }));
    await look('history of a name that never ran', () => listRuns(connection, { names: ['never'], limit: 20 }));
    await look('show, by an id', () => findRuns(connection, id));
    await look('show, by how an id begins', () => findRuns(connection, id.slice(0, 13)));
    await look('show, by four digits of it', () => findRuns(connection, id.slice(0, 4)));
    await look('show, by how an id ends', () => findRuns(connection, id.slice(-8)));
    await schedule(connection);
    const first = performance.now();
    await noticeMissed(connection, await databaseNow(connection));
    // The rest of them.
    for (let left = 1; left > 0; left = (await noticeMissed(connection, await databaseNow(connection))).recorded);
    console.log(
      `status, which judges the slots of a day of every name for the first time: ${(performance.now() - first).toFixed(0)} ms`,
    );
    await look('status of all 1,000 names', () => standings(connection, []), STATUS_LIMIT_MS);
    await look('status of one name', () => standing(connection, 'job_7'));
    costs.push({
      what: `insert of ${BULK} records of a name`,
      major,
      medianMs: bulkMs,
      worstMs: bulkMs,
      limitMs: BULK_LIMIT_MS,
      scans: false,
    });
    for (const [what, ms] of Object.entries(large)) {
      const limitMs = (small[what as keyof typeof small] ?? 0) * MOST_GROWTH + 0.2;
      costs.push({
        what: `${what} (of 1,000: ${small[what as keyof typeof small].toFixed(2)} ms)`,
        major,
        medianMs: ms,
        worstMs: ms,
        limitMs,
        scans: false,
      });
    }
    return costs;
  });
}

/** Schedules for all names, in force for a day: a slot every quarter of an hour. */
async function schedule(connection: Connection): Promise<void> {
  await applySchedules(
    connection,
    'bench/bench',
    Array.from({ length: NAMES }, (_, index) => ({
      name: `job_${index}`,
      job: `job_${index}`,
      cron: `${index % 15}-59/15 * * * *`,
      timeZone: index % 2 === 0 ? 'Europe/Berlin' : 'Etc/UTC',
      params: {},
      shards: 1,
      startingDeadlineSeconds: 600,
      lateAfterMs: 300_000,
      catchUp: 'latest',
      catchUpLimit: 10,
      after: [],
      suspend: false,
      tags: [],
    })),
  );
  await connection.query(
    `UPDATE run_job.schedules SET valid_from = valid_from - interval '1 day', settled_to = settled_to - interval '1 day'`,
  );
}

/** What many records of one name take in one statement, triggers and all, in milliseconds. */
async function bulkCost(url: string): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const since = performance.now();
  await client.query(
    `INSERT INTO run_job.runs (id, job, name, scheduled_at, shard_index, shard_count, status, exit_code, started_at, ended_at, dry_run, forced,
       version, host, pid, lock_key)
     SELECT gen_random_uuid(), 'bulk', 'bulk', now() - n * interval '1 second', 0, 1, 'succeeded', 0, now(), now(), false, false, '1', 'host', 7, n
     FROM generate_series(1, $1::integer) AS n`,
    [BULK],
  );
  const took = performance.now() - since;
  await client.end();
  return took;
}

/** What the start and the end of a run take, in milliseconds: the median of many. */
async function runCost(url: string): Promise<{ 'start of a run': number; 'end of a run': number }> {
  const server = parseServer(url, { name: 'bench' }, 600_000);
  const history = openHistory(server, { endWithinMs: 60_000 });
  const starts: number[] = [];
  const ends: number[] = [];
  for (let round = 0; round < 20 * ROUNDS; round += 1) {
    const run = runOf(slotOf(`job_${round % NAMES}`, undefined, new Date(Date.now() + round)), {
      startedAt: new Date(),
    });
    const begin = performance.now();
    await history.start(run, 90);
    const begun = performance.now();
    await history.end(run.id, endOf({ endedAt: new Date() }));
    starts.push(begun - begin);
    ends.push(performance.now() - begun);
  }
  await history.close();
  const median = (all: number[]) => all.sort((a, b) => a - b)[all.length >> 1] ?? 0;
  return { 'start of a run': median(starts), 'end of a run': median(ends) };
}

async function cost(
  connection: Connection,
  what: string,
  ask: () => Promise<unknown>,
): Promise<Omit<Cost, 'major' | 'limitMs'>> {
  const took: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const since = performance.now();
    await ask();
    took.push(performance.now() - since);
  }
  took.sort((a, b) => a - b);
  const plans = await plansOf(connection, ask);
  if (process.argv.includes('--plans')) console.log(plans.join('\n\n'));
  return {
    what,
    medianMs: took[ROUNDS >> 1] ?? 0,
    worstMs: took.at(-1) ?? 0,
    scans: plans.some((plan) => plan.includes('Seq Scan on runs')),
  };
}

/**
 * Runs of 1,000 names, back from now, one for nearly every slot of the schedules of `schedule`. One in twenty failed, of one name all; one in
 * a thousand was lost, some run now, and some slots were missed. Statistics are counted as the migration counts them.
 */
async function fill(url: string, records: number): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  // Whatever fails here is told by itself, and not by the server that goes away then.
  client.on('error', () => {});
  await client.query('TRUNCATE run_job.runs, run_job.statistics');
  const { rows: indexes } = await client.query<{ name: string; definition: string }>(
    `SELECT indexname AS name, indexdef AS definition FROM pg_indexes
     WHERE schemaname = 'run_job' AND tablename = 'runs' AND indexname <> 'runs_pkey'`,
  );
  for (const { name } of indexes) await client.query(`DROP INDEX run_job.${name}`);
  await client.query('ALTER TABLE run_job.runs DISABLE TRIGGER USER');
  await client.query(
    `INSERT INTO run_job.runs (id, job, name, params_digest, scheduled_at, shard_index, shard_count, status, exit_code, attempts,
       started_at, deadline, ended_at, duration_ms, params, result, error, dry_run, forced, version, host, pid, lock_key, fence)
     SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(md5(n::text), 1, 3) || '8'
         || substr(md5(n::text), 4, 15))::uuid,
       'job_' || n % ${NAMES}, 'job_' || n % ${NAMES}, 'd', slot, 0, 1, status,
       CASE status WHEN 'succeeded' THEN 0 WHEN 'failed' THEN 1 WHEN 'lost' THEN 137 END, 1, at, at + interval '5 minutes',
       CASE status WHEN 'running' THEN NULL ELSE at + ms * interval '1 millisecond' END, ms, '{"retentionDays":90}', '{"rows":1}',
       CASE status WHEN 'failed' THEN '{"name":"Error","message":"boom"}'::jsonb END, false, false,
       '1.0.0', 'host', 7, n, (extract(epoch FROM at) * 1000000)::bigint
     FROM (
       SELECT n, slot, slot + n % 50 * interval '1 second' AS at, 500 + (n::bigint * 7919 % 60000)::integer AS ms,
         CASE WHEN n <= 5 THEN 'running' WHEN n % 997 = 7 THEN 'lost' WHEN n / ${NAMES} % 20 = 3 OR n % ${NAMES} = 9 THEN 'failed' ELSE 'succeeded' END AS status
       FROM (
         SELECT n, to_timestamp(floor(extract(epoch FROM now()) / 900) * 900) + n % ${NAMES} % 15 * interval '1 minute'
           - (n / ${NAMES} + 1) * interval '15 minutes' AS slot
         FROM generate_series(1, $1::integer) AS n
         WHERE n / ${NAMES} % 50 <> 49
       ) AS slots
     ) AS run`,
    [records],
  );
  await client.query('ALTER TABLE run_job.runs ENABLE TRIGGER USER');
  await client.query(/^INSERT INTO run_job\.statistics \(.*?;$/ms.exec(STATISTICS)?.[0] ?? '');
  for (const { definition } of indexes) await client.query(definition);
  await client.query('VACUUM (ANALYZE) run_job.runs, run_job.statistics');
  await client.end();
}
