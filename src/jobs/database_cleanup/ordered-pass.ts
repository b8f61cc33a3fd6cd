// A pass over what is left of a table whose rows refer to each other, in the order in which they can go: however deep a tree or long a
// chain is, and wherever its rows are, one such pass deletes it, where passes by position would take one for each level.
import type { ComponentTask, PartitionTask } from './component-task.ts';
import { type PassOutcome, runPass } from './pass.ts';
import { inOrder, type LinkedRow } from './row-order.ts';
import { scansRanges, scopeSql } from './scope.ts';
import { readLinks } from './statements.ts';
import { transaction } from './transaction.ts';
import { countStaying, readingLimits, tallyOf, type Work } from './work.ts';

/** So many rows are kept in memory at most, here and on the server. */
const MAX_ROWS = 200_000;

/** What became of the rows, and whether all have gone that nothing holds back. */
interface OrderedOutcome {
  readonly last: PassOutcome;
  readonly settled: boolean;
}

/** Whether the due rows that are left aren't too many to be put in order. */
export const canBeOrdered = (work: Work, { due }: ComponentTask, { subject, last }: PartitionTask): boolean =>
  scansRanges(work.server) && (due.get(subject.partition.oid) ?? 0) - (last?.deleted ?? 0) <= MAX_ROWS;

/** Undefined when there is nothing to order, or too much. */
export async function passInOrder(
  work: Work,
  component: ComponentTask,
  task: PartitionTask,
): Promise<OrderedOutcome | undefined> {
  const { subject, last } = task;
  if (!last || last.blocked === 0 || work.resumeAt.has(subject.partition.oid)) return undefined;
  if (!canBeOrdered(work, component, task)) return undefined;
  const whole = { kind: 'blocks', from: 0, to: subject.partition.blocks } as const;
  const statement = readLinks(subject, scopeSql(whole, work.server));
  if (statement === undefined) return undefined;
  const { rows } = await transaction(work.ctx, { ...readingLimits(work), ...subject.planning }, (client) =>
    client.query<LinkedRow>(statement),
  );
  const ctids = inOrder(rows);
  // By now it is known who refers to whom.
  const known = { ...subject, unreferred: { yes: true } };
  const outcome = await runPass(
    work,
    known,
    { kind: 'ctids', ctids },
    { again: last, ours: true, rest: component.rest },
  );
  const held = rows.length - ctids.length;
  countStaying(tallyOf(work, subject.table), { blocked: held, skipped: 0, kept: 0, refusals: [] });
  return {
    last: {
      ...outcome,
      deleted: last.deleted + outcome.deleted,
      blocked: outcome.blocked + held,
      leftovers: last.leftovers,
    },
    settled: outcome.deleted === ctids.length,
  };
}
