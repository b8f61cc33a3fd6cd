// How long `history`, `show` and `status` take their queries to answer in a large history, and by which plans.
import { execFileSync } from 'node:child_process';
import pg from 'pg';
import { type Connection, withConnection } from '../../src/postgres/connect.ts';
import { overview } from '../../src/postgres/overview.ts';
import { findRuns, listRuns } from '../../src/postgres/records.ts';
import { parseServer } from '../../src/postgres/server.ts';
import { startDebianPostgres } from '../support/debian-postgres.ts';
import { startPostgres } from '../support/postgres-server.ts';
import { tell } from './report.ts';

/** What a reader may take, in milliseconds. */
const LIMIT_MS = 50;
const ROUNDS = 15;
const SETTINGS = { shared_buffers: '512MB', maintenance_work_mem: '256MB', max_wal_size: '8GB' };

/** Fills a history with so many records (5,000,000 unless given) of 60 names, measures, and fails where a plan reads the whole table. */
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
  if (costs.some(({ medianMs, scans }) => scans || medianMs > LIMIT_MS)) process.exitCode = 1;
}

interface Cost {
  readonly what: string;
  readonly major: string;
  readonly medianMs: number;
  readonly worstMs: number;
  readonly scans: boolean;
}

async function measureOn(major: string, url: string, records: number): Promise<Cost[]> {
  const server = parseServer(url, { name: 'bench' }, 600_000);
  execFileSync(process.execPath, ['dist/run-job.js', 'migrate'], { env: { DATABASE_URL: url } });
  await fill(url, records);
  return withConnection(server, async (connection) => {
    const { rows } = await connection.query<{ id: string }>(
      `SELECT id FROM run_job.runs WHERE name = 'job_7' AND started_at < now() - interval '20 days' ORDER BY started_at DESC LIMIT 1`,
    );
    const id = rows[0]?.id ?? '';
    const costs: Cost[] = [];
    const look = async (what: string, ask: () => Promise<unknown>) =>
      costs.push({ major, ...(await cost(connection, what, ask)) });
    await look('history', () => listRuns(connection, { limit: 20 }));
    await look('history of a name', () => listRuns(connection, { names: ['job_7'], limit: 20 }));
    await look('history of the failed', () => listRuns(connection, { statuses: ['failed'], limit: 20 }));
    await look('history of the failed of a name', () =>
      listRuns(connection, { names: ['job_7'], statuses: ['failed'], limit: 20 }),
    );
    await look('history of the lost', () => listRuns(connection, { statuses: ['lost'], limit: 20 }));
    await look('history of the running', () => listRuns(connection, { statuses: ['running'], limit: 20 }));
    await look('history of a name that never ran', () => listRuns(connection, { names: ['never'], limit: 20 }));
    await look('show, by an id', () => findRuns(connection, id));
    await look('show, by how an id begins', () => findRuns(connection, id.slice(0, 13)));
    await look('show, by four digits of it', () => findRuns(connection, id.slice(0, 4)));
    await look('show, by how an id ends', () => findRuns(connection, id.slice(-8)));
    await look('status', () => overview(connection));
    return costs;
  });
}

async function cost(connection: Connection, what: string, ask: () => Promise<unknown>): Promise<Omit<Cost, 'major'>> {
  const took: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const since = performance.now();
    await ask();
    took.push(performance.now() - since);
  }
  took.sort((a, b) => a - b);
  const plans = await plansOf(connection, ask);
  return {
    what,
    medianMs: took[ROUNDS >> 1] ?? 0,
    worstMs: took.at(-1) ?? 0,
    scans: plans.some((plan) => plan.includes('Seq Scan on runs')),
  };
}

/** The plans of every statement that `ask` runs, each run once more to be explained. */
async function plansOf(connection: Connection, ask: () => Promise<unknown>): Promise<string[]> {
  const statements: [string, unknown[] | undefined][] = [];
  const { query } = connection;
  connection.query = ((text: string, values?: unknown[]) => {
    statements.push([text, values]);
    return Reflect.apply(query, connection, [text, values]);
  }) as typeof connection.query;
  try {
    await ask();
  } finally {
    Reflect.deleteProperty(connection, 'query');
  }
  const plans: string[] = [];
  for (const [text, values] of statements) {
    if (!/^\s*(SELECT|WITH)/.test(text)) continue;
    const { rows } = await connection.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${text}`, values);
    plans.push(rows.map((row) => row['QUERY PLAN']).join('\n'));
  }
  if (process.argv.includes('--plans')) console.log(plans.join('\n\n'));
  return plans;
}

/** A run a minute of each of 60 names, back from now; one in twenty failed, of one name all; one in a thousand was lost, and some run now. */
async function fill(url: string, records: number): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows: indexes } = await client.query<{ name: string; definition: string }>(
    `SELECT indexname AS name, indexdef AS definition FROM pg_indexes
     WHERE schemaname = 'run_job' AND tablename = 'runs' AND indexname <> 'runs_pkey'`,
  );
  for (const { name } of indexes) await client.query(`DROP INDEX run_job.${name}`);
  await client.query(
    `INSERT INTO run_job.runs (id, job, name, params_digest, scheduled_at, shard_index, shard_count, status, exit_code, attempts,
       started_at, deadline, ended_at, duration_ms, params, result, dry_run, forced, version, host, pid, lock_key, fence)
     SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(md5(n::text), 1, 3) || '8'
         || substr(md5(n::text), 4, 15))::uuid,
       'job_' || n % 60, 'job_' || n % 60, 'd', date_trunc('minute', at), 0, 1, status,
       CASE status WHEN 'succeeded' THEN 0 WHEN 'failed' THEN 1 WHEN 'lost' THEN 137 END, 1, at, at + interval '5 minutes',
       CASE status WHEN 'running' THEN NULL ELSE at + interval '2 seconds' END, 2000, '{"retentionDays":90}', '{"rows":1}', false, false,
       '1.0.0', 'host', 7, n, (extract(epoch FROM at) * 1000000)::bigint
     FROM (
       SELECT n, now() - n * interval '1 second' AS at,
         CASE WHEN n <= 5 THEN 'running' WHEN n % 1000 = 7 THEN 'lost' WHEN n / 60 % 20 = 3 OR n % 60 = 9 THEN 'failed' ELSE 'succeeded' END AS status
       FROM generate_series(1, $1::integer) AS n
     ) AS run`,
    [records],
  );
  for (const { definition } of indexes) await client.query(definition);
  await client.query('VACUUM (ANALYZE) run_job.runs');
  await client.end();
}
