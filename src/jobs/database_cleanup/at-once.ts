// Deletes the due rows of a scope in one step, which may wait for a row's lock for a moment.
import type { QueryResult } from 'pg';
import type { Transaction } from '../../job.ts';
import type { BatchSubject } from './batch-subject.ts';
import { committed, committedTogether } from './committed.ts';
import { NOTHING, type Outcome } from './outcome.ts';
import { afterwards, keptSilently } from './refusals.ts';
import { type Scope, type ScopeSql, scopeSql } from './scope.ts';
import { countDue, deleteAtOnce, deletesOf, deleteUnblocked, keptByTrigger, writesTo } from './statements.ts';
import { inOneTrip, type Limits, transaction, undo, watched } from './transaction.ts';
import type { Work } from './work.ts';

/** How long a batch that deletes at once waits for a lock: little, since it holds those that it has got so far. */
const AT_ONCE_LOCK_TIMEOUT_MS = 100;

/**
 * Deletes them.
 * @throws {Unexplained} more has happened than was meant, and nothing of it stays
 * @throws {Error} PostgreSQL's error: nothing was deleted
 */
export async function deleteInOneStep(work: Work, given: BatchSubject, scope: Scope): Promise<Outcome> {
  const subject = given.unreferred?.yes ? unchecked(given) : given;
  if (subject.mayKeep) return deleteWhatTriggersLet(work, subject, scope);
  if (subject.cascadesTo.length > 0) return deleteUnlessCascading(work, subject, scope);
  const text = deleteStatement(subject, scopeSql(scope, work.server));
  return committed(work, subject.table, async () => {
    const statement = { text, planning: subject.planning };
    const [result] = await inOneTrip(work.ctx, limitsAtOnce(work), work.traffic, [statement]);
    return outcomeOf(subject, result);
  });
}

/**
 * Deletes what is due in several partitions, of one table or of several, in one transaction and in this order; what became of each.
 * @throws {Error} PostgreSQL's error: nothing was deleted
 */
export function deleteTogether(work: Work, subjects: readonly BatchSubject[]): Promise<readonly Outcome[]> {
  const tables = subjects.map(({ table }) => table);
  return committedTogether(work, tables, async () => {
    const statements = subjects.map((subject) => {
      const range = { kind: 'blocks', from: 0, to: subject.partition.blocks } as const;
      return { text: deleteStatement(subject, scopeSql(range, work.server)), planning: subject.planning };
    });
    const results = await inOneTrip(work.ctx, limitsAtOnce(work), work.traffic, statements);
    return subjects.map((subject, at) => outcomeOf(subject, results[at]));
  });
}

/** Without a look at who refers to the rows: PostgreSQL's own check refuses where somebody does, and what a cascade takes is counted. */
const unchecked = (subject: BatchSubject): BatchSubject => ({
  ...subject,
  ...{ blocked: undefined, keys: [], ownKeys: [], planning: {} },
});

const deleteStatement = (subject: BatchSubject, scope: ScopeSql): string =>
  subject.blocked === undefined ? deleteAtOnce(subject, scope) : deleteUnblocked(subject, scope);

const limitsAtOnce = (work: Work): Limits => ({
  ...work.limits,
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

/** Thrown to undo a batch in which more has happened than was meant; it is done again with care. */
export class Unexplained extends Error {}

/**
 * The same where a cascade would take a row that somebody has come to refer to a row by since the batch looked: undone when one did.
 * @throws {Unexplained} a cascade took something, or it can't be told
 */
function deleteUnlessCascading(work: Work, subject: BatchSubject, scope: Scope): Promise<Outcome> {
  const { table, cascadesTo } = subject;
  const counts = deletesOf(cascadesTo);
  return committed(work, table, () =>
    transaction(work.ctx, { ...limitsAtOnce(work), ...subject.planning }, async (client) => {
      const statement = deleteStatement(subject, scopeSql(scope, work.server));
      const [before, result, after] = await watched(client, work.traffic, counts, statement, counts);
      const outcome = outcomeOf(subject, result);
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
  const simply = subject.ownWrites.none && subject.blocked === undefined;
  let first: string | null = null;
  const outcome = await committed(work, subject.table, () =>
    transaction(work.ctx, { ...limitsAtOnce(work), ...subject.planning }, async (client) => {
      const seen = await (simply ? deleteAndLook : deleteAndCount)(client, work, subject, sql);
      first = seen.first;
      // A trigger that keeps every row may do something else instead, such as marking them deleted anew: nothing of it stays.
      if (seen.outcome.kept > 0 && seen.outcome.deleted === 0) undo(seen.outcome);
      return seen.outcome;
    }),
  );
  if (first === null) return outcome;
  return { ...outcome, refusals: [await keptSilently(afterwards(work), work, subject, [first], outcome.kept)] };
}

/** What became of rows, and the first that a trigger has kept. */
interface Seen {
  readonly outcome: Outcome;
  readonly first: string | null;
}

/**
 * Deletes in a transaction that has begun, and looks which due rows are left. What a trigger does to other rows of the table, or to a row
 * instead of letting it go, would be left out; so there must be nothing of it.
 * @throws {Unexplained} there was, or it can't be told
 */
async function deleteAndLook(client: Transaction, work: Work, subject: BatchSubject, scope: ScopeSql): Promise<Seen> {
  const writes = writesTo(subject);
  const statements = [writes, deleteAtOnce(subject, scope), writes, keptByTrigger(subject, scope)];
  const [before, result, after, remaining] = await watched(client, work.traffic, ...statements);
  const deleted = result?.rowCount ?? 0;
  const from: number | null = before?.rows[0].writes ?? null;
  subject.ownWrites.none = from !== null && after?.rows[0].writes === from + deleted;
  const { left = 0, kept = 0, first = null }: Remaining = remaining?.rows[0] ?? {};
  if (!subject.ownWrites.none || left !== kept) throw new Unexplained();
  return { outcome: { ...NOTHING, due: deleted + kept, deleted, kept }, first };
}

/** What `keptByTrigger` tells. */
interface Remaining {
  readonly left?: number;
  readonly kept?: number;
  readonly first?: string | null;
}

/** The same with a look before as well, so that nothing is left out. */
async function deleteAndCount(client: Transaction, work: Work, subject: BatchSubject, scope: ScopeSql): Promise<Seen> {
  const seen = await deletedOf(client, work, subject, scope);
  if (seen.skipped === 0) return { outcome: seen, first: null };
  const { rows } = await client.query<Remaining>(keptByTrigger(subject, scope));
  const { kept = 0, first = null } = rows[0] ?? {};
  if (kept !== seen.skipped) throw new Unexplained();
  return { outcome: { ...seen, skipped: 0, kept }, first };
}

/** Rows that are due and stay are taken to be skipped. */
async function deletedOf(client: Transaction, work: Work, subject: BatchSubject, scope: ScopeSql): Promise<Outcome> {
  if (subject.blocked !== undefined) {
    const [result] = await watched(client, work.traffic, deleteUnblocked(subject, scope));
    return counted(result?.rows[0]);
  }
  const [before, result] = await watched(client, work.traffic, countDue(subject, scope), deleteAtOnce(subject, scope));
  const due: number = before?.rows[0].due ?? 0;
  const deleted = result?.rowCount ?? 0;
  return { ...NOTHING, due, deleted, skipped: due - deleted };
}
