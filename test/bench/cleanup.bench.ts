// database_cleanup beside one plain DELETE of the same rows, and beside a workload that it must not hurt.
import { execFileSync, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Summary } from '../../src/runner/outcome.ts';
import { startDebianPostgres } from '../support/debian-postgres.ts';
import { startPostgres } from '../support/postgres-server.ts';
import { SHAPES } from './cleanup-shapes.ts';
import { type Measured, measureShapes, told } from './measure-shapes.ts';
import { tell } from './report.ts';

const EXECUTABLE = resolve('dist/run-job.js');
const ROWS = 1_000_000;
const ROUNDS = 3;
const SHAPE_ROUNDS = 5;
const DUE = `deleted_at < now() - interval '90 days'`;

/** As a production server is set: every commit is on disk. */
const DURABLE = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  shared_buffers: '512MB',
  max_wal_size: '4GB',
  autovacuum: 'off',
};

interface Totals {
  readonly deleted: number;
  readonly durationMs: number;
  readonly batches: number;
  readonly longestBatchMs: number;
  readonly rowsPerSecond: number;
}

/**
 * Measures and tells: rows per second, the longest batch, p99 of the workload, peak memory; and rows per second on other shapes of
 * tables. `npm run bench -- cleanup shapes [pattern] [version]` measures only those.
 */
export async function bench([only, pattern = '', version = '']: readonly string[]): Promise<void> {
  if (only !== 'shapes') await benchLargeTable();
  await benchShapes(new RegExp(pattern), version);
}

async function benchShapes(pattern: RegExp, version: string): Promise<void> {
  const shapes = SHAPES.filter(({ name }) => pattern.test(name));
  const measured: Measured[] = [];
  const servers = [
    { server: '18', start: startPostgres },
    { server: '15, with JIT', start: startDebianPostgres },
  ].filter(({ server }) => server.startsWith(version));
  const settings = { ...DURABLE, checkpoint_timeout: '1h' };
  const prepare = (url: string) =>
    execFileSync(process.execPath, [EXECUTABLE, 'migrate'], { env: { DATABASE_URL: url } });
  const cleanShape = async (url: string) => {
    const { totals, durationMs: wholeMs } = await cleanUp(url);
    return { ...totals, wholeMs };
  };
  for (const { server, start } of servers) {
    await using postgres = await start({ settings });
    const options = { server, rounds: SHAPE_ROUNDS, prepare, cleanUp: cleanShape };
    measured.push(...(await measureShapes(postgres, shapes, options)));
  }
  tell(
    'cleanup-shapes',
    ['shape', 'PostgreSQL', 'rows', 'plain DELETE', 'database_cleanup', 'ratio (goal >= 0.8x)', 'with the counting'],
    measured.map(({ shape, server, rows, plainMs, cleanupMs, wholeMs, ratios }) => [
      ...[shape, server, rows.toLocaleString('en'), `${plainMs.toFixed()} ms`, `${cleanupMs.toFixed()} ms`],
      told(ratios),
      `${wholeMs.toFixed()} ms`,
    ]),
    { measured },
  );
}

async function benchLargeTable(): Promise<void> {
  await using postgres = await startPostgres({ settings: DURABLE });
  execFileSync(process.execPath, [EXECUTABLE, 'migrate'], { env: { DATABASE_URL: postgres.url } });
  const pool = new pg.Pool({ connectionString: postgres.url, max: 2 });
  try {
    const plain: number[] = [];
    const ours: Totals[] = [];
    const whole: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      await fill(pool, ROWS);
      plain.push(await plainDelete(pool));
      await fill(pool, ROWS);
      const run = await cleanUp(postgres.url);
      ours.push(run.totals);
      whole.push((1_000 * run.totals.deleted) / run.durationMs);
    }
    const { alone, beside, besidePlain } = await latencies(pool, postgres.url);
    await fill(pool, ROWS / 10);
    const small = await cleanUp(postgres.url);
    await fill(pool, ROWS);
    const large = await cleanUp(postgres.url);

    const plainRate = median(plain);
    const ourRate = median(ours.map((run) => run.rowsPerSecond));
    const wholeRate = median(whole);
    const longestBatchMs = Math.max(...ours.map((run) => run.longestBatchMs));
    const memory = large.peakRssBytes / small.peakRssBytes;
    const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
    const perSecond = (rate: number) => `${Math.round(rate).toLocaleString('en')} rows/s`;
    const p99 = (values: readonly number[]) => percentile(values, 0.99);
    tell(
      'cleanup',
      [`${ROWS.toLocaleString('en')} rows, 60% due`, 'measured', 'compared', 'goal'],
      [
        ['one plain DELETE', perSecond(plainRate), '', ''],
        ['database_cleanup, deleting', perSecond(ourRate), `${(ourRate / plainRate).toFixed(2)}x`, '>= 0.8x'],
        [
          'the whole process, start and count included',
          perSecond(wholeRate),
          `${(wholeRate / plainRate).toFixed(2)}x`,
          '',
        ],
        ['longest batch (its locks are held no longer)', `${longestBatchMs} ms`, '', ''],
        ['p99 of point updates, alone', `${p99(alone).toFixed(2)} ms`, '', ''],
        [
          'p99 of point updates, during the job',
          `${p99(beside).toFixed(2)} ms`,
          `${(p99(beside) / p99(alone)).toFixed(2)}x`,
          '<= 1.5x',
        ],
        [
          'p99 of point updates, during the plain DELETE',
          `${p99(besidePlain).toFixed(2)} ms`,
          `${(p99(besidePlain) / p99(alone)).toFixed(2)}x`,
          '',
        ],
        [`peak memory, ${(ROWS / 10).toLocaleString('en')} rows`, mib(small.peakRssBytes), '', ''],
        [`peak memory, ${ROWS.toLocaleString('en')} rows`, mib(large.peakRssBytes), `${memory.toFixed(2)}x`, '<= 1.1x'],
      ],
      {
        rows: ROWS,
        plainRowsPerSecond: plain,
        cleanup: ours,
        wholeRowsPerSecond: whole,
        updates: { alone: summary(alone), beside: summary(beside), besidePlain: summary(besidePlain) },
        peakRssBytes: { small: small.peakRssBytes, large: large.peakRssBytes },
      },
    );
  } finally {
    await pool.end();
  }
}

async function fill(pool: pg.Pool, rows: number): Promise<void> {
  await pool.query('drop table if exists transactions');
  await pool.query(`create table transactions (
    id bigint generated always as identity primary key, account_id bigint not null, amount numeric(14, 2) not null,
    description text not null, created_at timestamptz not null default now(), deleted_at timestamptz)`);
  await pool.query(
    `insert into transactions (account_id, amount, description, deleted_at)
     select 1 + i % 10000, i * 0.01, 'payment number ' || i, case when i % 5 < 3 then now() - interval '100 days' - i * interval '1 ms' end
     from generate_series(1, $1::int) as i`,
    [rows],
  );
  await pool.query('create index on transactions (account_id)');
  await pool.query('vacuum (analyze) transactions');
  await pool.query('checkpoint');
}

/** Rows per second. */
async function plainDelete(pool: pg.Pool): Promise<number> {
  const startedAt = performance.now();
  const { rowCount } = await pool.query(`delete from transactions where ${DUE}`);
  return (1_000 * (rowCount ?? 0)) / (performance.now() - startedAt);
}

/** @param command what the job's process is started with */
async function cleanUp(url: string, command: readonly string[] = []): Promise<Summary & { totals: Totals }> {
  const [program = '', ...args] = [
    ...command,
    process.execPath,
    EXECUTABLE,
    'database_cleanup',
    '--param',
    'allowLarge=true',
    // Rows of the shapes were deleted at one instant, which would be taken for a value that means live.
    '--param',
    'live={"*":null}',
    '--log-format',
    'json',
  ];
  const env = { PATH: process.env.PATH, DATABASE_URL: url };
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  if (code !== 0) throw new Error(`database_cleanup exited with ${code}:\n${output}`);
  const told = JSON.parse(output.trimEnd().split('\n').at(-1) ?? '') as Summary;
  return { ...told, totals: (told.result as { totals: Totals }).totals };
}

/** Latencies of point updates of live rows: alone, during the job, and during the plain DELETE; in milliseconds. */
async function latencies(pool: pg.Pool, url: string) {
  const alone: number[] = [];
  const beside: number[] = [];
  const besidePlain: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await fill(pool, ROWS);
    alone.push(...(await during(url, () => sleep(5_000))));
    // In production the job's own process has another machine to start on; here it takes what the database leaves.
    beside.push(...(await during(url, () => cleanUp(url, ['nice', '-n', '19']))));
    await fill(pool, ROWS);
    besidePlain.push(...(await during(url, () => plainDelete(pool))));
  }
  return { alone, beside, besidePlain };
}

/** The latencies of point updates while something else is done. */
async function during(url: string, work: () => Promise<unknown>): Promise<number[]> {
  const updates = fork(resolve('test/bench/point-updates.ts'), [url, String(ROWS)]);
  await once(updates, 'message');
  await work();
  updates.send('stop');
  const [measured] = await once(updates, 'message');
  return measured;
}

function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

const median = (values: readonly number[]): number => percentile(values, 0.5);

const summary = (values: readonly number[]) => ({
  count: values.length,
  p50: percentile(values, 0.5),
  p99: percentile(values, 0.99),
  max: Math.max(...values),
});
