// What a run keeps for the next attempt or pod of its slot: the first run's cutoff, which tables are done, and what was done to each.
//
// Batches commit without it: rows that are gone need no cursor. What the batches of the components that were being cleaned had deleted when
// the process was killed is told by the rows that are missing, since with one cutoff no further ones become due.
import type { ComponentTask } from './component-task.ts';
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

/** What is kept after so much time is written anew before the next tables, however few they are, in milliseconds. */
const SAVED_ANEW_MS = 1_000;
/** Else what is kept is good for so many of the tables, counted by those before them: to write it for each would take the square of them. */
const PART = 1 / 20;

/**
 * Keeps how far the run is, before the components from `at` to `end` of these are cleaned: for each while they are few or take their time,
 * else for some at once.
 */
export function startKeeping(work: Work, plan: Plan, components: readonly ComponentTask[]) {
  let keptTo = 0;
  let keptAt = 0;
  return async (at: number, end: number): Promise<void> => {
    if (end <= keptTo && performance.now() - keptAt < SAVED_ANEW_MS) return;
    keptTo = Math.max(end, at + Math.floor(at * PART));
    await keep(
      work,
      plan,
      components.slice(at, keptTo).flatMap(({ tables }) => tables),
    );
    keptAt = performance.now();
  };
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
  const dueIn = new Map<Table, number>();
  for (const { table, due } of plan.tables) {
    dueIn.set(table, due);
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
    current: isAlone(ctx) ? Object.fromEntries(current.map((table) => [table.label, dueIn.get(table) ?? 0])) : {},
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
