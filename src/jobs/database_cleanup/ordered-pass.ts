// A pass over what is left of a table whose rows refer to each other, in the order in which they can go: however deep a tree or long a
// chain is, and wherever its rows are, one such pass deletes it, where passes by position would take one for each level.
import type { PartitionTask } from './component-task.ts';
import { type PassOutcome, runPass } from './pass.ts';
import { inOrder, type LinkedRow } from './row-order.ts';
import { scopeSql } from './scope.ts';
import { readLinks } from './statements.ts';
import { transaction } from './transaction.ts';
import { countStaying, readingLimits, tallyOf, type Work } from './work.ts';

/** So many rows are kept in memory at most, here and on the server. */
const MAX_ROWS = 50_000;

/** What became of the rows, and whether all have gone that nothing holds back. */
interface OrderedOutcome {
  readonly last: PassOutcome;
  readonly settled: boolean;
}

/** Undefined when there is nothing to order, or too much. */
export async function passInOrder(
  work: Work,
  { subject, last }: PartitionTask,
  rest: () => Promise<void>,
): Promise<OrderedOutcome | undefined> {
  if (!last || last.blocked === 0 || last.blocked + last.skipped + last.kept > MAX_ROWS) return undefined;
  const whole = { kind: 'blocks', from: 0, to: subject.partition.blocks } as const;
  const statement = readLinks(subject, scopeSql(whole, work.server));
  if (statement === undefined) return undefined;
  const { rows } = await transaction(work.ctx, { ...readingLimits(work), ...subject.planning }, (client) =>
    client.query<LinkedRow>(statement),
  );
  const ctids = inOrder(rows);
  const outcome = await runPass(work, subject, { kind: 'ctids', ctids }, { again: last, ours: true, rest });
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
