// What a run gives back: compact, since it is logged, recorded and shown in the termination message.
import * as v from 'valibot';
import { tellError } from './database-errors.ts';
import type { Effect } from './effects.ts';
import type { Refusal, Table, Tally } from './model.ts';
import type { Plan, TablePlan } from './plan.ts';
import { runTally, tallyOf, type Work } from './work.ts';

/** One table that had due rows. */
export interface TableResult {
  /** Due rows of the whole table as the run began. */
  readonly due: number;
  /** Those of them in this shard's part; all of them when the run isn't sharded. */
  readonly matched: number;
  readonly deleted: number;
  readonly blocked: number;
  /** Set in a dry run where more rows may be blocked: no further references were looked at. */
  readonly blockedAtLeast?: true;
  readonly skippedLocked: number;
  readonly kept: number;
  /** Why those were kept, the most frequent reasons first. */
  readonly refusals?: readonly Omit<Refusal, 'key'>[];
  readonly batches: number;
  readonly durationMs: number;
  readonly longestBatchMs: number;
  /** Rows that aren't due and that deleting due ones takes (`cascade`) or changes, as counted before the first batch. */
  readonly effects?: readonly Effect[];
}

export interface Result {
  /** RFC 3339: what was soft-deleted before it is due, where no table has a retention of its own. */
  readonly cutoff: string;
  readonly dryRun?: true;
  /** Why the run ended before all was looked at. */
  readonly stopped?: 'asked to stop' | 'maxRows';
  readonly totals: Omit<TableResult, 'due' | 'effects' | 'refusals' | 'longestBatchMs' | 'blockedAtLeast'> & {
    readonly longestBatchMs: number;
    readonly rowsPerSecond: number;
  };
  readonly tables: Readonly<Record<string, TableResult>>;
  /** Tables that were looked at and had no due rows. */
  readonly nothingDue: readonly string[];
  /** The block at which the next run goes on, by the partition's name, where too many rows were refused for one run. */
  readonly resumeAt?: Readonly<Record<string, number>>;
  /** Tables that failed, and why. */
  readonly failures?: Readonly<Record<string, string>>;
}

/** Puts the result together from what has happened so far. */
export function makeResult(work: Work, tables: readonly Table[], plan: Plan, cutoff: Date, startedAt: number): Result {
  const { ctx, failures } = work;
  const durationMs = Math.round(performance.now() - startedAt);
  const all = plan.tables.map((each) => {
    const tally = runTally(work, each.table);
    // What earlier attempts deleted was due as the run began.
    return { ...each, tally, due: each.due + tally.deleted - tallyOf(work, each.table).deleted };
  });
  const worked = all.filter(({ due }) => due > 0);
  const tallies = worked.map(({ tally }) => tally);
  const add = (pick: (tally: Tally) => number) => tallies.reduce((total, tally) => total + pick(tally), 0);
  const deleted = add((tally) => tally.deleted);
  const failed = tables.filter((table) => failures.has(table.oid));
  return {
    cutoff: cutoff.toISOString(),
    ...(ctx.dryRun && { dryRun: true }),
    ...(ctx.signal.aborted ? { stopped: 'asked to stop' } : work.remaining <= 0 ? { stopped: 'maxRows' } : {}),
    totals: {
      matched: add((tally) => tally.matched),
      deleted,
      blocked: add((tally) => tally.blocked),
      skippedLocked: add((tally) => tally.skippedLocked),
      kept: add((tally) => tally.kept),
      batches: add((tally) => tally.batches),
      durationMs,
      longestBatchMs: Math.round(Math.max(0, ...tallies.map((tally) => tally.longestBatchMs))),
      rowsPerSecond: Math.round((deleted * 1_000) / Math.max(1, durationMs)),
    },
    tables: Object.fromEntries(worked.map((each) => [each.table.label, tableResult(each)])),
    nothingDue: all.filter((each) => !worked.includes(each)).map(({ table }) => table.label),
    ...(work.resumeAt.size > 0 && {
      resumeAt: Object.fromEntries(
        tables.flatMap(({ partitions }) =>
          partitions.flatMap(({ oid, name }) => (work.resumeAt.has(oid) ? [[name, work.resumeAt.get(oid) ?? 0]] : [])),
        ),
      ),
    }),
    ...(failed.length > 0 && {
      failures: Object.fromEntries(failed.map((table) => [table.label, tellError(ctx, failures.get(table.oid))])),
    }),
  };
}

/** The result is part of the termination message, which has room for 4096 bytes. */
const MOST_REASONS = 5;

function tableResult({ tally: all, due, effects, blocked }: TablePlan & { readonly tally: Tally }): TableResult {
  const { refusals, ...tally } = all;
  const frequent = refusals.toSorted((a, b) => b.rows - a.rows).slice(0, MOST_REASONS);
  return {
    due,
    ...tally,
    ...(frequent.length > 0 && { refusals: frequent.map(({ key: _, ...refusal }) => refusal) }),
    durationMs: Math.round(tally.durationMs),
    longestBatchMs: Math.round(tally.longestBatchMs),
    ...(blocked?.atLeast && { blockedAtLeast: true }),
    ...(effects.length > 0 && { effects }),
  };
}

const stored = v.object({
  dryRun: v.optional(v.boolean(), false),
  tables: v.record(v.string(), v.object({ due: v.number() })),
  nothingDue: v.array(v.string()),
  resumeAt: v.optional(v.record(v.string(), v.number()), {}),
});

/** What is read of an earlier run's result. */
export type StoredResult = v.InferOutput<typeof stored>;

/** What an earlier run's record says of its tables; undefined when it isn't a result of this job, or was cut. */
export function readResult(value: unknown): StoredResult | undefined {
  const parsed = v.safeParse(stored, value);
  return parsed.success ? parsed.output : undefined;
}
