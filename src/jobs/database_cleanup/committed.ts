// Writes down what a transaction of the job has done, once it is committed.
import type { Table } from './model.ts';
import { NOTHING, type Outcome } from './outcome.ts';
import { tellBatch } from './trace.ts';
import { nextXid } from './transaction.ts';
import { countDeleted, tallyOf, type Work } from './work.ts';

/**
 * Tells of a transaction that it was ours. One with savepoints takes an id for each, and a block with an exception handler in a trigger one
 * for each row: those can't be counted, and are left out.
 */
export async function tellOwnTransaction(
  { ctx, traffic }: Work,
  tables: readonly Table[],
  manyIds = tables.some(({ triggers }) => triggers.length > 0),
): Promise<void> {
  if (!manyIds) return traffic.ownTransaction();
  if (!ctx.params.giveWay) return;
  // Without an answer nothing is known, and the next look says more.
  const xid = await nextXid(ctx).catch(() => undefined);
  if (xid !== undefined) traffic.skipTo(xid);
}

/** Times a batch and writes down what it deleted once it is committed. */
export async function committed(
  work: Work,
  table: Table,
  run: () => Promise<Outcome>,
  { manyIds }: { manyIds?: true } = {},
): Promise<Outcome> {
  const [outcome] = await committedTogether(work, [table], async () => [await run()], manyIds);
  return outcome ?? NOTHING;
}

/**
 * The same of a batch that several tables share, which is one of each.
 * @param tables the table of each outcome; one may come several times
 */
export async function committedTogether(
  work: Work,
  tables: readonly Table[],
  run: () => Promise<readonly Outcome[]>,
  manyIds?: true,
): Promise<readonly Outcome[]> {
  const startedAt = performance.now();
  let wrote = true;
  let outcomes: readonly Outcome[];
  try {
    outcomes = await run();
    wrote = outcomes.some(({ due }) => due > 0);
  } finally {
    // What was rolled back has had its id too.
    if (wrote) await tellOwnTransaction(work, tables, manyIds);
  }
  const tookMs = performance.now() - startedAt;
  const deleted = new Map<Table, number>();
  for (const [at, table] of tables.entries())
    deleted.set(table, (deleted.get(table) ?? 0) + (outcomes[at]?.deleted ?? 0));
  for (const [table, rows] of deleted) {
    const tally = tallyOf(work, table);
    tally.batches += 1;
    tally.longestBatchMs = Math.max(tally.longestBatchMs, tookMs);
    tellBatch(work, table, rows, tookMs);
    countDeleted(work, table, rows);
  }
  return outcomes;
}
