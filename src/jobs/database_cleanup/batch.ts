// One batch: deletes what is due in one scope, in a transaction of its own, and tries again where somebody was in the way.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Transaction } from '../../job.ts';
import { deleteInOneStep, Unexplained } from './at-once.ts';
import type { BatchSubject, Groups } from './batch-subject.ts';
import { committed } from './committed.ts';
import { asUnavailable, isContention, isRefusedRow, isTooSlow } from './database-errors.ts';
import { deleteInGroups, inGroups } from './groups.ts';
import { NOTHING, type Outcome, sum } from './outcome.ts';
import { afterwards, heldBack, keptSilently, refusalOf } from './refusals.ts';
import { halves, mostRows, type Scope, scopeSql } from './scope.ts';
import { deleteLocked, lock } from './statements.ts';
import { transaction, undo, watched } from './transaction.ts';
import { mustStop, type Work } from './work.ts';

const MAX_TRIES = 5;
const FIRST_WAIT_MS = 100;
/** A row alone that takes longer than a statement may is tried so often, and then kept; with more such rows in a pass it isn't the row. */
const SLOW_TRIES = 2;
const MAX_SLOW_ROWS = 3;
/** So many rows are locked for groups at once. */
const MOST_IN_GROUPS = 1_000;

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
      if (!careful) return await deleteInOneStep(work, subject, scope);
      return await (subject.groups
        ? deleteGroups(work, subject, scope, subject.groups)
        : lockThenDelete(work, subject, scope));
    } catch (error) {
      const unavailable = asUnavailable(ctx, error);
      if (unavailable) throw unavailable;
      if (ctx.signal.aborted) throw error;
      if (!careful && (error instanceof Unexplained || isContention(ctx, error) || isRefusedRow(ctx, error))) {
        careful = true;
        if (subject.unreferred && !isContention(ctx, error)) subject.unreferred.yes = false;
        continue;
      }
      const parts = isTooSlow(ctx, error) ? halves(scope, work.server) : undefined;
      if (parts) return sum(await runBatch(work, subject, parts[0]), await runBatch(work, subject, parts[1]));
      if (isTooSlow(ctx, error) && scope.kind === 'ctids' && tries === SLOW_TRIES && work.slowRows < MAX_SLOW_ROWS) {
        return keepSlowRow(work, subject, scope.ctids[0] as string, error);
      }
      if (tries >= MAX_TRIES || !(isContention(ctx, error) || isTooSlow(ctx, error))) throw error;
      ctx.log.debug('batch tried again', { table: subject.table.label, tries, error: String(error) });
      await sleep(FIRST_WAIT_MS * 2 ** tries * Math.random(), undefined, { signal: ctx.signal });
    }
  }
}

/** One row takes too long, by its trigger or by what refers to it: it doesn't hold up the others. */
async function keepSlowRow(work: Work, subject: BatchSubject, ctid: string, error: unknown): Promise<Outcome> {
  work.slowRows += 1;
  const refusal = await refusalOf(afterwards(work), work, subject, ctid, error);
  return { ...NOTHING, due: 1, kept: 1, refusals: [refusal] };
}

async function lockThenDelete(work: Work, subject: BatchSubject, scope: Scope): Promise<Outcome> {
  const { table, mayKeep } = subject;
  let seen: Outcome | undefined;
  let held: readonly string[] = [];
  try {
    const outcome = await committed(work, table, () =>
      transaction(work.ctx, { ...work.limits, ...subject.planning }, async (client) => {
        const rows = await lockRows(client, work, subject, scope);
        ({ seen, held } = rows);
        if (held.length === 0) return rows.seen;
        const result = await client.query<{ deleted: number }>(
          deleteLocked(subject, scopeSql({ kind: 'ctids', ctids: held }, work.server)),
        );
        const deleted = result.rows[0]?.deleted ?? 0;
        const stayed = held.length - deleted;
        const outcome = {
          ...rows.seen,
          deleted,
          blocked: rows.seen.blocked + (mayKeep ? 0 : heldBack(table, stayed)),
          kept: mayKeep ? stayed : 0,
        };
        // A trigger that keeps every row may do something else instead, such as marking them deleted anew: nothing of it stays.
        if (deleted === 0) undo(outcome);
        return outcome;
      }),
    );
    if (outcome.kept === 0) return outcome;
    return { ...outcome, refusals: [await keptSilently(afterwards(work), work, subject, held, outcome.kept)] };
  } catch (error) {
    if (!isRefusedRow(work.ctx, error) || !seen) throw error;
    return sum(seen, await withoutRefused(work, subject, held));
  }
}

/** Locks the rows of a scope that may go, and counts those that may not. */
async function lockRows(client: Transaction, work: Work, subject: BatchSubject, scope: Scope) {
  const limited = work.remaining < mostRows(scope, work.server);
  const statement = lock(subject, scopeSql(scope, work.server), limited ? work.remaining : undefined);
  const [locked] = await watched(client, work.traffic, statement);
  const {
    due = 0,
    blocked = 0,
    held = [],
  } = (locked?.rows[0] ?? {}) as { due?: number; blocked?: number; held?: string[] };
  const tried = Math.min(due - blocked, work.remaining);
  return { seen: { ...NOTHING, due, blocked, skipped: tried - held.length }, held: inOrderOf(scope, held) };
}

/** Rows of a scope in the order of its list: those of a tree are to go before the rows that they hang from. */
function inOrderOf(scope: Scope, ctids: readonly string[]): readonly string[] {
  if (scope.kind === 'blocks') return ctids;
  const some = new Set(ctids);
  return scope.ctids.filter((ctid) => some.has(ctid));
}

/** Some of these rows are refused, by a constraint that sees what we don't or by a trigger: the others are deleted in groups. */
async function withoutRefused(work: Work, subject: BatchSubject, held: readonly string[]): Promise<Outcome> {
  const groups = inGroups(subject.ownKeys.length > 0 ? held.toReversed() : held);
  let outcome = NOTHING;
  while (groups.rest.length > 0 && !mustStop(work) && !work.resumeAt.has(subject.partition.oid)) {
    const ctids = groups.rest.splice(0, MOST_IN_GROUPS);
    outcome = sum(outcome, await runBatch(work, { ...subject, careful: true, groups }, { kind: 'ctids', ctids }));
  }
  return { ...outcome, due: 0 };
}

/** Deletes rows of a scope in groups, as many as the time of a batch allows. */
function deleteGroups(work: Work, subject: BatchSubject, scope: Scope, groups: Groups): Promise<Outcome> {
  const run = () =>
    transaction(work.ctx, { ...work.limits, ...subject.planning }, async (client) => {
      // What is deferred to the commit would refuse all groups for one row.
      await client.query('SET CONSTRAINTS ALL IMMEDIATE');
      const { seen, held } = await lockRows(client, work, subject, scope);
      return sum({ ...seen, due: seen.due - held.length }, await deleteInGroups(client, work, subject, groups, held));
    });
  return committed(work, subject.table, run, { manyIds: true });
}
