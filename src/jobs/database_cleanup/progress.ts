// What a run keeps for the next attempt or pod of its slot: the first run's cutoff, which tables are done, and what was done to each.
//
// Batches commit without it: rows that are gone need no cursor. What the batches of the component that was being cleaned had deleted when
// the process was killed is told by the rows that are missing, since with one cutoff no further ones become due.
import type { Ctx, Table } from './model.ts';
import type { Plan, TablePlan } from './plan.ts';
import { ALL, fitting, type Progress, sum } from './saved.ts';
import { tallyOf, type Work } from './work.ts';

/** The plan of the tables that aren't done, and with it the others, in which nothing is due any more. */
export function withDone(plan: Plan, tables: readonly Table[], done: ReadonlySet<string>): Plan {
  const counted = new Map(plan.tables.map((each) => [each.table.oid, each]));
  const all = tables.flatMap((table): TablePlan[] => {
    const known = counted.get(table.oid);
    if (known) return [known];
    return done.has(table.label) ? [{ table, due: 0, effects: [] }] : [];
  });
  return { ...plan, tables: all };
}

/** Counts the rows that a killed run had deleted and not told. */
export function countUntold(work: Work, plan: Plan, saved: Progress | undefined): void {
  for (const [label, before] of Object.entries(saved?.current ?? {})) {
    const now = plan.tables.find(({ table }) => table.label === label);
    const deleted = now ? Math.max(0, before - now.due) : 0;
    if (deleted === 0) continue;
    const earlier = work.earlier.get(label) ?? { deleted: 0, batches: 0, durationMs: 0, longestBatchMs: 0 };
    work.earlier.set(label, { ...earlier, deleted: earlier.deleted + deleted });
    work.remaining -= deleted;
  }
}

/**
 * Keeps how far the run is.
 * @param current the tables that are to be cleaned next
 */
export async function keep(work: Work, plan: Plan, current: readonly Table[] = []): Promise<void> {
  const { ctx, server, earlier, done } = work;
  const partitions = new Map(
    plan.tables.flatMap(({ table }) => table.partitions.map(({ oid, name }) => [oid, name] as const)),
  );
  const tallies: Progress['tallies'] = {};
  for (const { table } of plan.tables) {
    const { deleted, batches, durationMs, longestBatchMs } = sum(earlier.get(table.label), tallyOf(work, table));
    if (batches > 0 || deleted > 0)
      tallies[table.label] = [deleted, batches, Math.round(durationMs), Math.round(longestBatchMs)];
  }
  const unnamed = earlier.get(ALL);
  if (unnamed) tallies[ALL] = [unnamed.deleted, unnamed.batches, unnamed.durationMs, unnamed.longestBatchMs];
  const progress = fitting({
    base: server.base.toISOString(),
    done: [...done],
    tallies,
    current: isAlone(ctx) ? Object.fromEntries(current.map((table) => [table.label, dueIn(plan, table)])) : {},
    resumeAt: {
      ...work.resumedAt,
      ...Object.fromEntries([...work.resumeAt].map(([oid, block]) => [partitions.get(oid) ?? oid, block])),
    },
  });
  await ctx.checkpoint.save(progress);
  work.traffic.ownTransaction();
}

/** Remembers tables in which no due row is left. Other shards may still have to leave rows that only the last of them can delete. */
export function markDone(work: Work, tables: readonly Table[]): void {
  if (!isAlone(work.ctx) || tables.some((table) => work.failures.has(table.oid))) return;
  for (const table of tables) {
    const { blocked, skippedLocked, kept } = tallyOf(work, table);
    if (blocked + skippedLocked + kept === 0) work.done.add(table.label);
  }
}

const isAlone = ({ shard }: Ctx): boolean => shard.count === 1;

const dueIn = (plan: Plan, table: Table): number => plan.tables.find((each) => each.table.oid === table.oid)?.due ?? 0;
