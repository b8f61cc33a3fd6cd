// How tables are looked at before anything is deleted: the trouble of one keeps no other from being looked at.
import type { QueryResult } from 'pg';
import type { Transaction } from '../../job.ts';
import { asUnavailable, tellError } from './database-errors.ts';
import type { Table } from './model.ts';
import { inOneTrip, transaction } from './transaction.ts';
import { readingLimits, type Work } from './work.ts';

/** One step that reads for a table, in a transaction of its own; undefined when the table has failed, now or before. */
export async function read<T>(
  work: Work,
  table: Table,
  step: (client: Transaction) => Promise<T>,
): Promise<T | undefined> {
  const { ctx, failures } = work;
  ctx.signal.throwIfAborted();
  if (failures.has(table.oid)) return undefined;
  try {
    return await transaction(ctx, readingLimits(work), step);
  } catch (error) {
    fail(work, table, error);
    return undefined;
  }
}

/** What is asked of a table: statements that have no values. */
export interface Question {
  readonly table: Table;
  readonly statements: readonly string[];
}

/** Asks all in one round trip; where that fails, each by itself. A table that has failed, now or before, has no answers. */
export async function readTogether(
  work: Work,
  questions: readonly Question[],
): Promise<ReadonlyMap<Table, readonly QueryResult[]>> {
  const { ctx, failures } = work;
  ctx.signal.throwIfAborted();
  const open = questions.filter(({ table, statements }) => statements.length > 0 && !failures.has(table.oid));
  const [first] = open;
  if (!first) return new Map();
  try {
    const statements = open.flatMap((question) => question.statements).map((text) => ({ text, planning: {} }));
    const results = await inOneTrip(ctx, readingLimits(work), work.traffic, statements);
    return new Map(open.map((question) => [question.table, results.splice(0, question.statements.length)] as const));
  } catch (error) {
    if (open.length === 1) {
      fail(work, first.table, error);
      return new Map();
    }
    fatal(work, error);
  }
  const answers = new Map<Table, readonly QueryResult[]>();
  for (const question of open)
    for (const [table, results] of await readTogether(work, [question])) answers.set(table, results);
  return answers;
}

/** Writes down that a table has failed; throws what is the trouble of all. */
export function fail(work: Work, table: Table, error: unknown): void {
  fatal(work, error);
  work.failures.set(table.oid, error as Error);
  work.ctx.log.error(`${table.label} can't be cleaned: ${tellError(work.ctx, error)}`, { table: table.label });
}

function fatal({ ctx }: Work, error: unknown): void {
  ctx.signal.throwIfAborted();
  const unavailable = asUnavailable(ctx, error);
  if (unavailable) throw unavailable;
}
