// report_generator on a week of 1e5 and of 1e6 transactions: how long it takes, and whether its memory stays flat.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import pg from 'pg';
import type { Summary } from '../../src/runner/outcome.ts';
import { bindQueue } from '../support/amqp.ts';
import { startPostgres } from '../support/postgres-server.ts';
import { startRabbitMq } from '../support/rabbitmq-server.ts';
import { tell } from './report.ts';

const EXECUTABLE = resolve('dist/run-job.js');
const SIZES = [100_000, 1_000_000] as const;
const ROUNDS = 5;
const SCHEDULED_AT = '2015-11-16T08:00:00Z';

interface Measured {
  readonly rows: number;
  readonly durationMs: number;
  readonly peakRssBytes: number;
  readonly bodyBytes: number;
}

/** Measures and tells. Each size is the week's; the week before has as many. */
export async function bench(): Promise<void> {
  await using postgres = await startPostgres();
  await using rabbitmq = await startRabbitMq();
  await bindQueue(rabbitmq.url, 'run_job.events');
  const env = { DATABASE_URL: postgres.url, AMQP_URL: rabbitmq.url };
  execFileSync(process.execPath, [EXECUTABLE, 'migrate'], { env });
  const measured: Measured[] = [];
  for (const rows of SIZES) {
    await fill(postgres.url, rows);
    measured.push(await measureRuns(rows, env));
  }
  const [small] = measured;
  tell(
    'report',
    ['transactions in the week', 'median s', 'peak MiB', 'of the smaller', 'message KiB'],
    measured.map(({ rows, durationMs, peakRssBytes, bodyBytes }) => [
      rows.toLocaleString('en'),
      (durationMs / 1000).toFixed(2),
      (peakRssBytes / 2 ** 20).toFixed(1),
      `${(peakRssBytes / (small?.peakRssBytes ?? 1)).toFixed(2)}x`,
      (bodyBytes / 1024).toFixed(1),
    ]),
    { measured },
  );
}

/** A table of two weeks, with 20,000 accounts, 40 categories, three types and two currencies. */
async function fill(url: string, rows: number): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`
    DROP TABLE IF EXISTS payments CASCADE;
    CREATE TABLE payments (
      id bigint PRIMARY KEY, occurred_at timestamptz NOT NULL, type text NOT NULL, category text, account text NOT NULL,
      currency text NOT NULL, amount numeric(14, 2) NOT NULL, deleted_at timestamptz);
    CREATE VIEW report_transactions AS
      SELECT occurred_at, type, category, account, currency, amount FROM payments WHERE deleted_at IS NULL;
    INSERT INTO payments
      SELECT n, timestamptz '2015-11-02 00:00Z' + n * interval '14 days' / ${2 * rows},
        (ARRAY['payment', 'transfer', 'refund'])[1 + n % 3], 'category ' || n % 40,
        'account ' || (n::bigint * 7919) % 20000, (ARRAY['EUR', 'USD'])[1 + n % 2], (n % 100000)::numeric / 100, NULL
      FROM generate_series(0, ${2 * rows - 1}) n;
    CREATE INDEX ON payments (occurred_at) WHERE deleted_at IS NULL`);
  await client.query('VACUUM ANALYZE payments');
  await client.end();
}

async function measureRuns(rows: number, env: NodeJS.ProcessEnv): Promise<Measured> {
  const runs: Measured[] = [];
  // The first one warms the caches.
  for (let round = -1; round < ROUNDS; round += 1) {
    const { durationMs, peakRssBytes, result } = await runOnce(env);
    const { transactions, bytes } = result as { transactions: number; bytes: number };
    if (transactions !== rows) throw new Error(`The report counts ${transactions} transactions instead of ${rows}`);
    if (round >= 0) runs.push({ rows, durationMs, peakRssBytes, bodyBytes: bytes });
  }
  return {
    rows,
    durationMs: median(runs.map((run) => run.durationMs)),
    peakRssBytes: median(runs.map((run) => run.peakRssBytes)),
    bodyBytes: runs[0]?.bodyBytes ?? 0,
  };
}

async function runOnce(env: NodeJS.ProcessEnv): Promise<Summary> {
  const args = [EXECUTABLE, 'report_generator', '--force', '--scheduled-at', SCHEDULED_AT, '--param', 'week=2015-W46'];
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  if (code !== 0) throw new Error(`report_generator ended with exit code ${code}:\n${output}`);
  return JSON.parse(output.trimEnd().split('\n').at(-1) ?? '') as Summary;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
