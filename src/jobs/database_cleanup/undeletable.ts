// Under row-level security a role may see rows that it may not delete: PostgreSQL passes over them without a word, and we don't.
import { type Count, countStatements } from './count.ts';
import type { Table } from './model.ts';
import { readTogether } from './reading.ts';
import { countStaying, mustStop, tallyOf, type Work } from './work.ts';

/** Counts the due rows that are left in a table, and of which nothing else is known, as kept by its policies. */
export async function countUndeletable(work: Work, table: Table): Promise<void> {
  if (!table.rowSecurity || work.failures.has(table.oid) || mustStop(work)) return;
  const tally = tallyOf(work, table);
  const { matched, deleted, blocked, skippedLocked, kept } = tally;
  if (matched <= deleted + blocked + skippedLocked + kept) return;
  const counts = await readTogether(work, [{ table, statements: countStatements(work, table) }]);
  const left = (counts.get(table) ?? []).reduce((total, { rows }) => total + ((rows as Count[])[0]?.ours ?? 0), 0);
  const rows = left - blocked - skippedLocked - kept;
  if (rows <= 0) return;
  const reason = `row-level security lets the role ${work.server.role} see them, and not delete them`;
  countStaying(tally, { blocked: 0, skipped: 0, kept: rows, refusals: [{ key: reason, reason, rows }] });
}
