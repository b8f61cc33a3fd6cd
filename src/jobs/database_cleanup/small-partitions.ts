// Cleans several small partitions of one table in one transaction and one round trip: hundreds of commits would cost more than the rows.

import { deleteTogether } from './at-once.ts';
import type { BatchSubject } from './batch-subject.ts';
import type { PartitionTask } from './component-task.ts';
import { asUnavailable, isContention, isRefusedRow, isTooSlow } from './database-errors.ts';
import type { Outcome } from './outcome.ts';
import { mustStop, type Work } from './work.ts';

/** The first of these partitions, as many as make a batch of so many rows together; none when it takes more than a statement each. */
export function smallPartitions(work: Work, tasks: readonly PartitionTask[], mostRows: number): BatchSubject[] {
  const small: BatchSubject[] = [];
  let rows = 0;
  for (const { table, subject, byIndex, from } of tasks) {
    rows += subject.partition.blocks * subject.partition.rowsPerBlock;
    const { careful, mayKeep, cascadesTo, scans } = subject;
    const simple = !careful && !mayKeep && cascadesTo.length === 0 && !scans && !byIndex && from === undefined;
    if (!simple || table !== tasks[0]?.table || rows > mostRows) break;
    small.push(subject);
  }
  const limited = Number.isFinite(work.remaining) || work.ctx.shard.count > 1;
  return limited || small.length < 2 ? [] : small;
}

/**
 * What became of each partition; undefined when a row or a lock was in the way, and each is to be done by itself.
 * @throws {Error} PostgreSQL's error, when doing each by itself can't mend it
 */
export async function cleanTogether(work: Work, subjects: readonly BatchSubject[]): Promise<Outcome[] | undefined> {
  if (mustStop(work)) return undefined;
  const { ctx } = work;
  try {
    return await deleteTogether(work, subjects);
  } catch (error) {
    if (asUnavailable(ctx, error) || !(isContention(ctx, error) || isRefusedRow(ctx, error) || isTooSlow(ctx, error)))
      throw error;
    return undefined;
  }
}
