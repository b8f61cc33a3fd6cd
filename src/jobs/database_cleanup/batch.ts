// One batch: deletes what is due in one scope, in a transaction of its own, and tries again where somebody was in the way.
import { setTimeout as sleep } from 'node:timers/promises';
import type { QueryResult } from 'pg';
import type { Transaction } from '../../job.ts';
import {
  asUnavailable,
  isContention,
  isReferred,
  isRefusedRow,
  isTooSlow,
  violatedConstraint,
} from './database-errors.ts';
import type { Refusal, Table } from './model.ts';
import { addRefusals } from './refusal-sums.ts';
import { keptSilently, refusalOf } from './refusals.ts';
import { blockOf, halves, mostRows, type Scope, type ScopeSql, scopeSql } from './scope.ts';
import {
  countDue,
  deleteAtOnce,
  deleteLocked,
  deletesOf,
  deleteUnblocked,
  keptByTrigger,
  lock,
  type Subject,
} from './statements.ts';
import { tellBatch } from './trace.ts';
import { inOneTrip, type Limits, nextXid, type Planning, transaction, undo, watched } from './transaction.ts';
import { countDeleted, tallyOf, type Work } from './work.ts';

/** What became of the due rows of a scope. */
export interface Outcome {
  readonly due: number;
  readonly deleted: number;
  readonly blocked: number;
  readonly skipped: number;
  readonly kept: number;
  /** Why those were kept. */
  readonly refusals: readonly Refusal[];
}

/** What a batch works on, and whether it may wait for a row's lock for a moment (`at once`) or must look before it deletes. */
export type BatchSubject = Subject & {
  readonly careful: boolean;
  /** Whether a BEFORE trigger may keep rows, which must be told from those that somebody changes. */
  readonly mayKeep: boolean;
  /** The tables, by their oids, whose rows a cascade would take. */
  readonly cascadesTo: readonly string[];
  /** What the planner is told of its statements. */
  readonly planning: Planning;
  /** Whether each batch reads a child through. */
  readonly scans: boolean;
  /** The names of the keys that set a default: they are violated when there is no such row, and not because of a row that refers. */
  readonly defaultKeys: readonly string[];
};

const MAX_TRIES = 5;
const FIRST_WAIT_MS = 100;
/** How long a batch that deletes at once waits for a lock: little, since it holds those that it has got so far. */
const AT_ONCE_LOCK_TIMEOUT_MS = 100;
/** So many rows are tried one by one and refused in one pass; then it ends, and the next run goes on where it stood. */
const MAX_REFUSALS = 1_000;

/**
 * Runs a batch. What it deleted is in the table's tally once it is committed, whatever happens afterwards.
 * @throws {UnavailableError} the database went away
 * @throws {Error} PostgreSQL's error, when it stays after several tries or can't be mended by any
 */
export async function runBatch(work: Work, subject: BatchSubject, scope: Scope): Promise<Outcome> {
  const { ctx } = work;
  let careful = subject.careful || work.remaining < mostRows(scope, work.server);
  for (let tries = 1; ; tries += 1) {
    try {
      return await (careful ? lockThenDelete(work, subject, scope) : deleteInOneStep(work, subject, scope));
    } catch (error) {
      const unavailable = asUnavailable(ctx, error);
      if (unavailable) throw unavailable;
      if (ctx.signal.aborted) throw error;
      if (!careful && (error instanceof Unexplained || isContention(ctx, error) || isRefusedRow(ctx, error))) {
        careful = true;
        continue;
      }
      const parts = isTooSlow(ctx, error) ? halves(scope) : undefined;
      if (parts) return sum(await runBatch(work, subject, parts[0]), await runBatch(work, subject, parts[1]));
      if (tries >= MAX_TRIES || !(isContention(ctx, error) || isTooSlow(ctx, error))) throw error;
      ctx.log.debug('batch tried again', { table: subject.table.label, tries, error: String(error) });
      await sleep(FIRST_WAIT_MS * 2 ** tries * Math.random(), undefined, { signal: ctx.signal });
    }
  }
}

async function deleteInOneStep(work: Work, subject: BatchSubject, scope: Scope): Promise<Outcome> {
  if (subject.mayKeep) return deleteWhatTriggersLet(work, subject, scope);
  if (subject.cascadesTo.length > 0) return deleteUnlessCascading(work, subject, scope);
  const statement = deleteStatement(subject, scopeSql(scope, work.server));
  return committed(work, subject.table, async () => {
    const [result] = await inOneTrip(work.ctx, limitsAtOnce(work, subject), work.traffic, [statement]);
    return outcomeOf(subject, result);
  });
}

/**
 * Deletes what is due in several partitions of one table in one transaction; what became of each.
 * @throws {Error} PostgreSQL's error: nothing was deleted
 */
export async function deleteTogether(work: Work, subjects: readonly BatchSubject[]): Promise<Outcome[]> {
  const [first] = subjects;
  if (!first) return [];
  let outcomes: Outcome[] = [];
  await committed(work, first.table, async () => {
    const statements = subjects.map((subject) => {
      const range = { kind: 'blocks', from: 0, to: subject.partition.blocks } as const;
      return deleteStatement(subject, scopeSql(range, work.server));
    });
    const results = await inOneTrip(work.ctx, limitsAtOnce(work, first), work.traffic, statements);
    outcomes = results.map((result, at) => outcomeOf(subjects[at] ?? first, result));
    return outcomes.reduce(sum, NOTHING);
  });
  return outcomes;
}

const deleteStatement = (subject: BatchSubject, scope: ScopeSql): string =>
  subject.blocked === undefined ? deleteAtOnce(subject, scope) : deleteUnblocked(subject, scope);

const limitsAtOnce = (work: Work, { planning }: BatchSubject): Limits & Planning => ({
  ...work.limits,
  ...planning,
  lockTimeoutMs: Math.min(AT_ONCE_LOCK_TIMEOUT_MS, work.limits.lockTimeoutMs),
});

/** What a statement of `deleteAtOnce` or `deleteUnblocked` has told. */
function outcomeOf({ blocked }: BatchSubject, result: QueryResult | undefined): Outcome {
  const rowCount = result?.rowCount ?? 0;
  if (blocked === undefined) return { ...NOTHING, due: rowCount, deleted: rowCount };
  return counted(result?.rows[0]);
}

/** What a statement of `deleteUnblocked` has told. */
const counted = (row: { due: number; deleted: number; blocked: number } | undefined): Outcome =>
  row ? { ...NOTHING, ...row, skipped: row.due - row.blocked - row.deleted } : NOTHING;

/** Deletes in a transaction that has begun; rows that are due and stay are taken to be skipped. */
async function deleteAndCount(
  client: Transaction,
  work: Work,
  subject: BatchSubject,
  scope: ScopeSql,
): Promise<Outcome> {
  if (subject.blocked !== undefined) {
    const [result] = await watched(client, work.traffic, deleteUnblocked(subject, scope));
    return counted(result?.rows[0]);
  }
  const [before, result] = await watched(client, work.traffic, countDue(subject, scope), deleteAtOnce(subject, scope));
  const due: number = before?.rows[0].due ?? 0;
  const deleted = result?.rowCount ?? 0;
  return { ...NOTHING, due, deleted, skipped: due - deleted };
}

/** Thrown to undo a batch in which more has happened than was meant; it is done again with care. */
class Unexplained extends Error {}

/**
 * The same where a cascade would take a row that somebody has come to refer to a row by since the batch looked: undone when one did.
 * @throws {Unexplained} a cascade took something, or it can't be told
 */
function deleteUnlessCascading(work: Work, subject: BatchSubject, scope: Scope): Promise<Outcome> {
  const { table, cascadesTo } = subject;
  const counts = deletesOf(cascadesTo);
  return committed(work, table, () =>
    transaction(work.ctx, limitsAtOnce(work, subject), async (client) => {
      const statement = deleteUnblocked(subject, scopeSql(scope, work.server));
      const [before, result, after] = await watched(client, work.traffic, counts, statement, counts);
      const outcome = counted(result?.rows[0]);
      const own = cascadesTo.includes(table.oid) ? outcome.deleted : 0;
      const from: number | null = before?.rows[0].deletes ?? null;
      if (from === null || after?.rows[0].deletes !== from + own) throw new Unexplained();
      return outcome;
    }),
  );
}

/** The same where a BEFORE trigger may keep rows. */
async function deleteWhatTriggersLet(work: Work, subject: BatchSubject, scope: Scope): Promise<Outcome> {
  const sql = scopeSql(scope, work.server);
  let first: string | null = null;
  const outcome = await committed(work, subject.table, () =>
    transaction(work.ctx, limitsAtOnce(work, subject), async (client) => {
      const seen = await deleteAndCount(client, work, subject, sql);
      if (seen.skipped === 0) return seen;
      const { rows } = await client.query<{ kept: number; first: string | null }>(keptByTrigger(subject, sql));
      const kept = rows[0]?.kept ?? 0;
      first = rows[0]?.first ?? null;
      if (kept !== seen.skipped) throw new Unexplained();
      const outcome = { ...seen, skipped: 0, kept };
      // A trigger that keeps every row may do something else instead, such as marking them deleted anew: nothing of it stays.
      if (seen.deleted === 0) undo(outcome);
      return outcome;
    }),
  );
  if (first === null) return outcome;
  return { ...outcome, refusals: [await keptSilently(work, subject, [first], outcome.kept)] };
}

async function lockThenDelete(work: Work, subject: BatchSubject, scope: Scope): Promise<Outcome> {
  const { table, mayKeep } = subject;
  const limited = work.remaining < mostRows(scope, work.server);
  let seen: Outcome | undefined;
  let held: string[] = [];
  try {
    const outcome = await committed(work, table, () =>
      transaction(work.ctx, { ...work.limits, ...subject.planning }, async (client) => {
        const statement = lock(subject, scopeSql(scope, work.server), limited ? work.remaining : undefined);
        const [locked] = await watched(client, work.traffic, statement);
        const row = locked?.rows[0] as { due: number; blocked: number; held: string[] } | undefined;
        held = row?.held ?? [];
        const due = row?.due ?? 0;
        const blocked = row?.blocked ?? 0;
        const tried = Math.min(due - blocked, work.remaining);
        seen = { ...NOTHING, due, blocked, skipped: tried - held.length };
        if (held.length === 0) return seen;
        const result = await client.query<{ deleted: number }>(
          deleteLocked(subject, scopeSql({ kind: 'ctids', ctids: held }, work.server)),
        );
        const deleted = result.rows[0]?.deleted ?? 0;
        const stayed = held.length - deleted;
        const outcome = {
          ...seen,
          deleted,
          blocked: blocked + (mayKeep ? 0 : stayed),
          kept: mayKeep ? stayed : 0,
        };
        // A trigger that keeps every row may do something else instead, such as marking them deleted anew: nothing of it stays.
        if (deleted === 0) undo(outcome);
        return outcome;
      }),
    );
    if (outcome.kept === 0) return outcome;
    return { ...outcome, refusals: [await keptSilently(work, subject, held, outcome.kept)] };
  } catch (error) {
    if (!isRefusedRow(work.ctx, error) || !seen) throw error;
    return sum(seen, await withoutRefused(work, subject, held, error));
  }
}

/** Some of these rows are refused, by a constraint that sees what we don't or by a trigger: finds them by halving. */
async function withoutRefused(work: Work, subject: BatchSubject, held: string[], error: unknown): Promise<Outcome> {
  const parts = halves({ kind: 'ctids', ctids: held });
  const careful = { ...subject, careful: true };
  if (held.length > 1 && parts) {
    const first = await runBatch(work, careful, parts[0]);
    const exhausted = work.resumeAt.has(subject.partition.oid);
    return { ...sum(first, exhausted ? NOTHING : await runBatch(work, careful, parts[1])), due: 0 };
  }
  const [ctid] = held as [string];
  work.refusals += 1;
  if (work.refusals >= MAX_REFUSALS) work.resumeAt.set(subject.partition.oid, blockOf(ctid));
  work.ctx.log.debug('row refused', { table: subject.table.label, ctid, error: String(error) });
  const setsDefault = subject.defaultKeys.includes(violatedConstraint(error) ?? '');
  if (isReferred(work.ctx, error) && !setsDefault) return { ...NOTHING, blocked: 1 };
  return { ...NOTHING, kept: 1, refusals: [await refusalOf(work, subject, ctid, error)] };
}

/** A block with an exception handler in a trigger takes an id for each row: those can't be counted, and are left out. */
export async function tellOwnTransaction({ ctx, traffic }: Work, tables: readonly Table[]): Promise<void> {
  if (tables.every(({ triggers }) => triggers.length === 0)) return traffic.ownTransaction();
  if (!ctx.params.giveWay) return;
  // Without an answer nothing is known, and the next look says more.
  const xid = await nextXid(ctx).catch(() => undefined);
  if (xid !== undefined) traffic.skipTo(xid);
}

/** Times a batch and writes down what it deleted once it is committed. */
async function committed(work: Work, table: Table, run: () => Promise<Outcome>): Promise<Outcome> {
  const startedAt = performance.now();
  let wrote = true;
  let outcome: Outcome;
  try {
    outcome = await run();
    wrote = outcome.due > 0;
  } finally {
    // What was rolled back has had its id too.
    if (wrote) await tellOwnTransaction(work, [table]);
  }
  const tally = tallyOf(work, table);
  tally.batches += 1;
  const tookMs = performance.now() - startedAt;
  tally.longestBatchMs = Math.max(tally.longestBatchMs, tookMs);
  tellBatch(work, table, outcome.deleted, tookMs);
  countDeleted(work, table, outcome.deleted);
  return outcome;
}

export const NOTHING: Outcome = { due: 0, deleted: 0, blocked: 0, skipped: 0, kept: 0, refusals: [] };

export function sum(a: Outcome, b: Outcome): Outcome {
  return {
    due: a.due + b.due,
    deleted: a.deleted + b.deleted,
    blocked: a.blocked + b.blocked,
    skipped: a.skipped + b.skipped,
    kept: a.kept + b.kept,
    refusals: addRefusals(a.refusals, b.refusals),
  };
}
