// Cleans several small partitions in one transaction and one round trip: hundreds of commits would cost more than the rows.

import { deleteTogether } from './at-once.ts';
import type { PartitionTask } from './component-task.ts';
import { asUnavailable, isContention, isRefusedRow, isTooSlow } from './database-errors.ts';
import type { Outcome } from './outcome.ts';
import type { PassOutcome } from './pass.ts';
import { countStaying, mustStop, tallyOf, type Work } from './work.ts';

/** Each takes some locks on the server, and all transactions together have room for a few thousand. */
const MOST_PARTITIONS = 100;

/** The first of these partitions, as many as make a batch of so many rows together; those that take more than a statement make none. */
export function smallPartitions(work: Work, tasks: readonly PartitionTask[], mostRows: number): PartitionTask[] {
  // Of a limit each batch must know what the one before has left, and a shard has but a part of each partition.
  if (Number.isFinite(work.remaining) || work.ctx.shard.count > 1) return [];
  let rows = 0;
  const end = tasks.findIndex((task, at) => {
    rows += rowsOf(task);
    return at === MOST_PARTITIONS || rows > mostRows || !takesOneStatement(task);
  });
  return end === -1 ? [...tasks] : tasks.slice(0, end);
}

/** The rows that a partition has in all. */
export const rowsOf = ({ subject: { partition } }: PartitionTask): number => partition.blocks * partition.rowsPerBlock;

/** How many rows the last pass over these partitions deleted. */
export const deletedIn = (tasks: readonly PartitionTask[]): number =>
  tasks.reduce((total, { last }) => total + (last?.deleted ?? 0), 0);

function takesOneStatement({ subject, byIndex, from }: PartitionTask): boolean {
  const { careful, mayKeep, cascadesTo, scans } = subject;
  return !careful && !mayKeep && cascadesTo.length === 0 && !scans && !byIndex && from === undefined;
}

/**
 * Looks at each of these partitions once; whether that has been done. If not, a row or a lock was in the way, nothing has happened, and
 * each is to be done by itself.
 * @throws {Error} PostgreSQL's error, when doing each by itself can't mend it
 */
export async function cleanTogether(work: Work, tasks: readonly PartitionTask[]): Promise<boolean> {
  if (mustStop(work)) return false;
  const startedAt = performance.now();
  const outcomes = await deletedTogether(work, tasks);
  const tookMs = performance.now() - startedAt;
  const rows = tasks.reduce((total, task) => total + rowsOf(task), 0);
  for (const [at, task] of tasks.entries()) {
    const outcome = outcomes?.[at];
    const tally = tallyOf(work, task.table);
    tally.durationMs += (tookMs * rowsOf(task)) / Math.max(1, rows);
    if (!outcome) continue;
    countStaying(tally, outcome);
    task.last = wholePass(task, outcome);
  }
  return outcomes !== undefined;
}

async function deletedTogether(work: Work, tasks: readonly PartitionTask[]): Promise<readonly Outcome[] | undefined> {
  const { ctx } = work;
  const tables = new Set(tasks.map(({ table }) => table));
  try {
    return await deleteTogether(
      work,
      tasks.map(({ subject }) => subject),
    );
  } catch (error) {
    if (asUnavailable(ctx, error) || ctx.signal.aborted) throw error;
    // Whatever it is, it concerns one of several tables, and by itself each tells its own.
    if (tables.size > 1 || isContention(ctx, error) || isRefusedRow(ctx, error) || isTooSlow(ctx, error)) {
      ctx.log.debug('small partitions are cleaned one by one', { error: String(error) });
      return undefined;
    }
    throw error;
  }
}

function wholePass({ subject }: PartitionTask, outcome: Outcome): PassOutcome {
  const stays = outcome.blocked + outcome.skipped + outcome.kept > 0;
  return { ...outcome, leftovers: stays ? [{ kind: 'blocks', from: 0, to: subject.partition.blocks }] : [] };
}
