// Where the report's tests take place: a database with a financial table and the view on it, and the context that the runner would give.
import * as v from 'valibot';
import { vi } from 'vitest';
import type { PostgresPool } from '../../../src/job.ts';
import type { JobContext } from '../../../src/jobs/report_generator/deliver.ts';
import job from '../../../src/jobs/report_generator/index.ts';
import { params as paramsSchema } from '../../../src/jobs/report_generator/params.ts';
import { withTransactions } from '../../../src/postgres/transaction.ts';
import { unconnectedRabbitMq } from '../../../src/rabbitmq/unconnected.ts';
import { EXCHANGE } from '../../support/amqp.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { testPool } from '../../support/pool.ts';
import { recordedLog } from '../../support/recorded-log.ts';

/** The Monday after the week of most tests, 2015-W46, at the chart's hour. */
export const MONDAY = new Date('2015-11-16T08:00:00Z');

/** One transaction; unsaid, a payment of 1.00 EUR on the Tuesday of 2015-W46. */
export interface Transaction {
  readonly at?: string;
  readonly type?: string;
  readonly category?: string | null;
  readonly account?: string;
  readonly currency?: string;
  readonly amount?: string;
  readonly deleted?: boolean;
}

const SCHEMA = `
CREATE TABLE payments (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  occurred_at timestamptz NOT NULL,
  type text NOT NULL,
  category text,
  account text NOT NULL,
  currency text NOT NULL,
  amount numeric NOT NULL,
  deleted_at timestamptz
);
CREATE INDEX ON payments (occurred_at);
CREATE VIEW report_transactions AS
  SELECT occurred_at, type, category, account, currency, amount FROM payments WHERE deleted_at IS NULL;`;

/** A database with the view, and a pool on it. */
export interface ReportDatabase extends AsyncDisposable {
  readonly database: TestDatabase;
  readonly pool: PostgresPool;
  add(...transactions: Transaction[]): Promise<void>;
  /** What the outbox holds, oldest first. */
  outbox(): Promise<{ message_id: string; confirmed: boolean; body: string }[]>;
}

export async function reportDatabase(): Promise<ReportDatabase> {
  const database = await createDatabase();
  const pool = withTransactions(testPool({ connectionString: database.url, max: 4 }));
  await pool.query(SCHEMA);
  return {
    database,
    pool,
    async add(...transactions) {
      for (const transaction of transactions) {
        const { at = '2015-11-10T12:00:00Z', type = 'payment', category = 'food', account = 'a1' } = transaction;
        const { currency = 'EUR', amount = '1.00', deleted = false } = transaction;
        await pool.query(
          `INSERT INTO payments (occurred_at, type, category, account, currency, amount, deleted_at)
           VALUES ($1, $2, $3, $4, $5, $6, CASE WHEN $7 THEN now() END)`,
          [at, type, category, account, currency, amount, deleted],
        );
      }
    },
    async outbox() {
      const { rows } = await pool.query(
        `SELECT message_id, confirmed_at IS NOT NULL AS confirmed, convert_from(body, 'utf8') AS body
         FROM run_job.outbox ORDER BY created_at, message_id`,
      );
      return rows;
    },
    async [Symbol.asyncDispose]() {
      await pool.end();
      await database[Symbol.asyncDispose]();
    },
  };
}

/** What a run is given; unsaid, a dry run on the Monday after 2015-W46. */
export interface RunOptions extends Partial<Omit<JobContext, 'params'>> {
  readonly params?: v.InferInput<typeof paramsSchema>;
}

/** Runs the job once, as an attempt of the runner's would. What it prints is kept, not printed. */
export async function runReport(pool: PostgresPool, options: RunOptions = {}): Promise<ReportResult> {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    const result = (await attempt(pool, options)) as ReportResult;
    return { ...result, printed: write.mock.calls.map(([text]) => String(text)).join('') };
  } finally {
    write.mockRestore();
  }
}

async function attempt(pool: PostgresPool, options: RunOptions): Promise<unknown> {
  return job.run({
    job: 'report_generator',
    name: 'report_generator',
    runId: 'test',
    attempt: 1,
    signal: new AbortController().signal,
    log: recordedLog(),
    scheduledAt: MONDAY,
    deadline: new Date(Date.now() + 60_000),
    shard: { index: 0, count: 1 },
    fence: 1,
    dryRun: false,
    postgres: pool,
    rabbitmq: unconnectedRabbitMq(EXCHANGE),
    progress() {},
    span: (_name, _options, step) =>
      step({ setAttributes() {}, addEvent() {}, headers: () => ({ traceparent: '00-trace-span-01' }) }),
    count() {},
    exec: () => Promise.reject(new Error('the job runs no program')),
    previousRuns: async () => [],
    step: async (_name, work, stepOptions = {}) =>
      JSON.parse(
        JSON.stringify(
          await pool.transaction(
            options.signal ?? new AbortController().signal,
            { ...stepOptions, readOnly: options.dryRun ?? false },
            work,
          ),
        ),
      ),
    continue: () => {
      throw new Error('the job asks for no pod');
    },
    ...options,
    params: v.parse(paramsSchema, options.params ?? {}),
  });
}

/** What the job returns, and what it printed. */
export interface ReportResult {
  readonly week: string;
  readonly messageId: string;
  readonly transactions: number;
  readonly sent?: boolean;
  readonly earlierConfirmed?: string[];
  /** What the job wrote to standard output. */
  readonly printed: string;
}
