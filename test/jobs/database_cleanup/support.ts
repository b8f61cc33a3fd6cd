// Runs database_cleanup in this process over a real database, with a context made by hand.
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import * as v from 'valibot';
import type { PreviousRun, Shard } from '../../../src/job.ts';
import { cleanup } from '../../../src/jobs/database_cleanup/cleanup.ts';
import type { Ctx } from '../../../src/jobs/database_cleanup/model.ts';
import { params } from '../../../src/jobs/database_cleanup/params.ts';
import type { Result } from '../../../src/jobs/database_cleanup/result.ts';
import { type Progress, progress } from '../../../src/jobs/database_cleanup/saved.ts';
import { withTransactions } from '../../../src/postgres/transaction.ts';
import { testPool } from '../../support/pool.ts';

export interface Line {
  readonly level: string;
  readonly message: string;
  readonly fields: Record<string, unknown>;
}

export interface CleanupOptions {
  readonly params?: v.InferInput<typeof params>;
  readonly shard?: Shard;
  readonly dryRun?: boolean;
  readonly runId?: string;
  readonly scheduledAt?: Date;
  readonly deadline?: Date;
  readonly signal?: AbortSignal;
  readonly previousRuns?: readonly PreviousRun[];
  /** Server settings of every session. */
  readonly settings?: string;
  readonly onProgress?: (done: number, total: number) => void;
  /** Is told what the run keeps, each time. */
  readonly onSave?: (progress: Progress) => void;
  readonly lines?: Line[];
}

/** Runs the job once against the database of a URL, or of a pool. */
export async function runCleanup(database: string | pg.Pool, options: CleanupOptions = {}): Promise<Result> {
  if (typeof database !== 'string') return runOn(database, options);
  const pool = testPool({ connectionString: database, max: 4, options: options.settings });
  try {
    return await runOn(pool, options);
  } finally {
    await pool.end();
  }
}

async function runOn(pool: pg.Pool, options: CleanupOptions): Promise<Result> {
  const write =
    (level: string) =>
    (message: string, fields: Record<string, unknown> = {}) =>
      void options.lines?.push({ level, message, fields });
  const context: Ctx = {
    job: 'database_cleanup',
    name: 'database_cleanup',
    runId: options.runId ?? randomUUID(),
    attempt: 1,
    // Other tests write to the same server: giving way to them would make sizes of batches a matter of chance. And the rows of tests
    // are few, deleted at one instant, and all to go.
    params: v.parse(params, { giveWay: false, live: { '*': null }, allowEmpty: '*', ...options.params }),
    signal: options.signal ?? new AbortController().signal,
    log: { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') },
    scheduledAt: options.scheduledAt ?? new Date(),
    deadline: options.deadline ?? new Date(Date.now() + 60_000),
    shard: options.shard ?? { index: 0, count: 1 },
    fence: 1,
    dryRun: options.dryRun ?? false,
    progress: (done, total = 0) => options.onProgress?.(done, total),
    span: (_name, _options, step) => step({ setAttributes: () => {}, addEvent: () => {}, headers: () => ({}) }),
    count: () => {},
    exec: () => Promise.reject(new Error('the job runs no program')),
    previousRuns: async (limit) => (options.previousRuns ?? []).slice(0, limit),
    postgres: withTransactions(pool),
    checkpoint: checkpointOf(options),
    step: () => Promise.reject(new Error('the job does no steps')),
    continue: () => {
      throw new Error('the job asks for no pod');
    },
  };
  return cleanup(context);
}

/** A time so many days before now, as SQL. */
export const daysAgo = (days: number): string => `now() - interval '${days} days'`;

/** What runs with this id have saved, as JSON. */
const saved = new Map<string, string>();

/** The checkpoint of a run: runs with one id are attempts of the same. */
function checkpointOf({ runId = randomUUID(), onSave }: CleanupOptions): Ctx['checkpoint'] {
  return {
    load: async () => (saved.has(runId) ? v.parse(progress, JSON.parse(saved.get(runId) ?? '')) : undefined),
    save: async (value) => {
      saved.set(runId, JSON.stringify(value));
      onSave?.(value);
    },
  };
}
