// Deletes all due rows of a small table whose rows refer to each other in one statement, in the hope that none of them has to stay: in
// whatever order they are, PostgreSQL looks at its end for rows that refer to what is gone.
import { setTimeout as sleep } from 'node:timers/promises';
import { deleteInOneStep, Unexplained } from './at-once.ts';
import type { ComponentTask, PartitionTask } from './component-task.ts';
import { asUnavailable, isContention, isRefusedRow, isTooSlow } from './database-errors.ts';
import { nextXid } from './transaction.ts';
import { reportProgress, tallyOf, type Work } from './work.ts';

/** At most so many rows for each millisecond that a batch may take, and so many in all, in so many blocks. */
const ROWS_PER_MS = 80;
const MAX_ROWS = 20_000;
const MAX_BLOCKS = 8_192;
/** How soon to ask again whether others write. */
const ASK_AGAIN_MS = 10;

/** Whether it has deleted them; if not, nothing has happened. */
export async function deleteWhole(work: Work, component: ComponentTask, task: PartitionTask): Promise<boolean> {
  const { ctx } = work;
  const { subject, table, mayTry, byIndex, from } = task;
  const { oid, blocks } = subject.partition;
  const due = component.due.get(oid) ?? 0;
  const { batchTarget, maxBatchSize } = ctx.params;
  const isSmall = due <= Math.min(MAX_ROWS, maxBatchSize, batchTarget * ROWS_PER_MS) && blocks <= MAX_BLOCKS;
  if (!isSmall || !mayTry || subject.careful || byIndex || from !== undefined || due > work.remaining) return false;
  if (await isBusy(work)) return false;
  await component.rest();
  const startedAt = performance.now();
  try {
    const whole = { kind: 'blocks', from: 0, to: blocks } as const;
    const outcome = await deleteInOneStep(work, { ...subject, unreferred: { yes: true } }, whole);
    Object.assign(task, { last: { ...outcome, leftovers: [] }, settled: true });
    return true;
  } catch (error) {
    if (asUnavailable(ctx, error)) throw error;
    const hopeless = error instanceof Unexplained || isContention(ctx, error) || isRefusedRow(ctx, error);
    if (!hopeless && !isTooSlow(ctx, error)) throw error;
    return false;
  } finally {
    tallyOf(work, table).durationMs += performance.now() - startedAt;
    reportProgress(work);
  }
}

/** Whether others write, and would feel a batch of that length; asks until it is known, which takes a few hundredths of a second. */
async function isBusy({ ctx, traffic }: Work): Promise<boolean> {
  if (!ctx.params.giveWay) return false;
  for (;;) {
    if (traffic.known) return traffic.busy;
    // Without an answer nothing is known, and to take others into account is never wrong.
    const xid = await nextXid(ctx).catch(() => undefined);
    if (xid === undefined) return true;
    traffic.see(xid);
    if (!traffic.known) await sleep(ASK_AGAIN_MS, undefined, { signal: ctx.signal });
  }
}
