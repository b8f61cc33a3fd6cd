// Writes down what a transaction of the job has done, once it is committed.
import type { Table } from './model.ts';
import type { Outcome } from './outcome.ts';
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
  const startedAt = performance.now();
  let wrote = true;
  let outcome: Outcome;
  try {
    outcome = await run();
    wrote = outcome.due > 0;
  } finally {
    // What was rolled back has had its id too.
    if (wrote) await tellOwnTransaction(work, [table], manyIds);
  }
  const tally = tallyOf(work, table);
  tally.batches += 1;
  const tookMs = performance.now() - startedAt;
  tally.longestBatchMs = Math.max(tally.longestBatchMs, tookMs);
  tellBatch(work, table, outcome.deleted, tookMs);
  countDeleted(work, table, outcome.deleted);
  return outcome;
}
