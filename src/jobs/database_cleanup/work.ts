// What the parts of one run share: the limits, what is left of maxRows, and what has happened to each table.
import type { Span } from '../../job.ts';
import type { Ctx, Server, Table, Tally } from './model.ts';
import { addRefusals } from './refusal-sums.ts';
import { type Earlier, earlierOf, type Progress, sum } from './saved.ts';
import { type Traffic, watchTraffic } from './traffic.ts';
import type { Limits } from './transaction.ts';

/** How long a statement that only reads may take on the server although the time is up by our clock, which may have been set meanwhile. */
const LEAST_READING_MS = 60_000;

/** The state of a run. */
export interface Work {
  readonly ctx: Ctx;
  readonly server: Server;
  readonly limits: Limits;
  readonly tallies: Map<string, Tally>;
  /** What earlier attempts and pods of the slot did, by the table's label. */
  readonly earlier: Map<string, Earlier>;
  /** The tables, by their labels, that have no due row any more. */
  readonly done: Set<string>;
  /** The error that ended the work on a table, by its oid. */
  readonly failures: Map<string, Error>;
  /** How many more rows this run may delete. */
  remaining: number;
  /** The span of the tables that are being cleaned, which is told of their batches. */
  span: Span | undefined;
  /** Whether others write to the database. */
  readonly traffic: Traffic;
  /** What was tried and refused by a constraint or trigger in the pass that goes on. */
  refused: Refused;
  /** How many rows took too long by themselves, in the same pass. */
  slowRows: number;
  /** The block at which the next run goes on in a partition, by its oid, where a pass ended because too many rows were refused. */
  readonly resumeAt: Map<string, number>;
  /** Where earlier attempts and pods of the slot wanted the next run to go on, by the partition's name. */
  readonly resumedAt: Readonly<Record<string, number>>;
}

/** What was refused in one pass: rows by themselves, the milliseconds that this and the groups around them took, the first one's block. */
interface Refused {
  rows: number;
  ms: number;
  from?: number;
}

/** The work of a run that goes on from what earlier ones of the slot have saved. */
export function startWork(ctx: Ctx, server: Server, saved?: Progress): Work {
  const earlier = earlierOf(saved);
  const deleted = [...earlier.values()].reduce((total, tally) => total + tally.deleted, 0);
  const traffic = watchTraffic(() => performance.now());
  traffic.see(BigInt(server.nextXid));
  return {
    ctx,
    server,
    span: undefined,
    traffic,
    limits: {
      lockTimeoutMs: ctx.params.lockTimeout,
      statementTimeoutMs: ctx.params.statementTimeout,
      rowSecurity: ctx.params.enableRowSecurity,
      clientCheckMs: server.clientCheckMs,
      transactionTimeout: server.version >= 170_000,
    },
    tallies: new Map(),
    earlier,
    done: new Set(saved?.done),
    failures: new Map(),
    // maxRows is for all attempts and pods of a slot.
    remaining: (ctx.params.maxRows ?? Number.POSITIVE_INFINITY) - deleted,
    refused: { rows: 0, ms: 0 },
    slowRows: 0,
    resumeAt: new Map(),
    resumedAt: saved?.resumeAt ?? {},
  };
}

/**
 * The limits of a statement that only reads and may take as long as the run. The signal cancels it at the deadline, whatever the clock says by
 * then; the server's limit is for when nobody is there any more to cancel it.
 */
export function readingLimits(work: Work): Limits {
  const leftMs = Math.max(LEAST_READING_MS, work.ctx.deadline.getTime() - Date.now());
  return {
    ...work.limits,
    statementTimeoutMs: Math.min(leftMs, 2 ** 31 - 1),
    readOnly: true,
  };
}

/** Whether no further batch may begin. */
export const mustStop = (work: Work): boolean => work.ctx.signal.aborted || work.remaining <= 0;

/** Writes down rows that are deleted and committed. */
export function countDeleted(work: Work, table: Table, rows: number): void {
  const { ctx } = work;
  tallyOf(work, table).deleted += rows;
  work.remaining -= rows;
  if (rows > 0) ctx.count('rows_deleted', rows, { table: table.label });
}

/** Writes down due rows that stay. */
export function countStaying(tally: Tally, { blocked, skipped, kept, refusals }: Staying): void {
  tally.blocked += blocked;
  tally.skippedLocked += skipped;
  tally.kept += kept;
  tally.refusals = addRefusals(tally.refusals, refusals);
}

/** Due rows that stay, by reason. */
type Staying = { readonly [reason in 'blocked' | 'skipped' | 'kept']: number } & Pick<Tally, 'refusals'>;

export function tallyOf(work: Work, table: Table): Tally {
  const known = work.tallies.get(table.oid);
  if (known) return known;
  const tally: Tally = {
    matched: 0,
    deleted: 0,
    blocked: 0,
    skippedLocked: 0,
    kept: 0,
    refusals: [],
    batches: 0,
    durationMs: 0,
    longestBatchMs: 0,
  };
  work.tallies.set(table.oid, tally);
  return tally;
}

/** What has happened to a table in all attempts and pods of the slot: what was done adds up, and what stays is what stays now. */
export function runTally(work: Work, table: Table): Tally {
  const now = tallyOf(work, table);
  const earlier = work.earlier.get(table.label);
  return { ...now, ...sum(earlier, now), matched: now.matched + (earlier?.deleted ?? 0) };
}

/** Says how far the whole run is. */
export function reportProgress({ ctx, tallies }: Work): void {
  let done = 0;
  let total = 0;
  for (const tally of tallies.values()) {
    // Rows that became due or were restored meanwhile don't make more than a whole.
    done += Math.min(tally.matched, tally.deleted + tally.blocked + tally.skippedLocked + tally.kept);
    total += tally.matched;
  }
  if (total > 0) ctx.progress(done, total);
}
