// Cleans the tables of one strongly connected component: pass after pass over its partitions.
import type { Shard } from '../../job.ts';
import type { ComponentTask, PartitionTask } from './component-task.ts';
import { asUnavailable, tellError } from './database-errors.ts';
import type { Table } from './model.ts';
import { canBeOrdered, passInOrder } from './ordered-pass.ts';
import { NOTHING, type Outcome, sum } from './outcome.ts';
import { startPace } from './pace.ts';
import { partitionTasks } from './partition-tasks.ts';
import { type AccessPath, type PassOptions, type PassOutcome, runPass } from './pass.ts';
import { deleteRowCycles } from './row-cycles.ts';
import { startingAt } from './scope.ts';
import { rangesOfShard, shardCondition } from './shards.ts';
import { cleanTogether, deletedIn, smallPartitions } from './small-partitions.ts';
import { deleteWhole } from './whole-table.ts';
import { mustStop, reportProgress, tallyOf, type Work } from './work.ts';

/** How often a shard looks at what the others left. */
const ROUNDS = 3;

/**
 * Deletes the shard's own part. Rows that were locked get a second look; where tables refer to themselves or each other, passes are
 * repeated as long as they get on (a tree goes from its lowest rows up); rows that refer to each other in a cycle are deleted at the
 * end.
 */
export async function cleanOwnPart(
  work: Work,
  component: ComponentTask,
  tasks: readonly PartitionTask[] = partitionTasks(work, component),
): Promise<void> {
  const moves = movesRows(component);
  const tree = moves ? undefined : ownTree(work, component, tasks);
  await firstPass(work, component, tasks, tree);
  if (tree && !mustStop(work))
    Object.assign(tree, await guarded(work, tree.table, () => passInOrder(work, component, tree)));
  let deleted = tasks.some(({ last }) => (last?.deleted ?? 0) > 0);
  for (let pass = 2; !mustStop(work); pass += 1) {
    const again = tasks.filter(({ last, settled, subject: { partition } }) => {
      if (!last || settled || work.resumeAt.has(partition.oid)) return false;
      const stays = last.blocked + last.kept > 0;
      return (pass === 2 && last.skipped > 0) || (component.cyclic && deleted && (stays || moves));
    });
    if (again.length === 0) break;
    deleted = false;
    if (moves) await measureAgain(work, again);
    for (const task of again) {
      task.last = await passAgain(work, component, task, {
        everywhere: moves,
        backwards: isBackwards(task) && pass % 2 === 1,
      });
      deleted ||= (task.last?.deleted ?? 0) > 0;
    }
  }
  if (!component.cyclic) return;
  if (moves) await measureAgain(work, tasks);
  await deleteCycles(work, component, tasks);
}

/** The one partition of a table that refers to itself, but to no other that refers to it; undefined when there is more to it. */
function ownTree(work: Work, { tables }: ComponentTask, [task, ...others]: readonly PartitionTask[]) {
  if (!task || others.length > 0 || task.table.partitions.length > 1 || tables.length > 1) return undefined;
  return task.subject.ownKeys.length === 0 || work.ctx.shard.count > 1 ? undefined : task;
}

/** Looks at each partition that nobody has looked at: at large ones batch by batch, and at small ones of a table several in a batch. */
async function firstPass(
  work: Work,
  component: ComponentTask,
  tasks: readonly PartitionTask[],
  tree: PartitionTask | undefined,
): Promise<void> {
  if (tree && (await guarded(work, tree.table, () => deleteWhole(work, component, tree)))) return;
  const pace = startPace(work, { most: work.ctx.params.maxBatchSize, scans: false });
  let apartUntil = 0;
  for (let at = 0; at < tasks.length && !mustStop(work); at += 1) {
    const task = tasks[at] as PartitionTask;
    if (task.last) continue;
    const { table } = task;
    const others = tasks.findIndex((each, index) => index > at && each.table !== table);
    const small =
      at < apartUntil ? [] : smallPartitions(work, tasks.slice(at, others === -1 ? undefined : others), pace.rows);
    if (small.length > 1) {
      await component.rest();
      const startedAt = performance.now();
      if (await guarded(work, table, () => cleanTogether(work, small))) {
        at += small.length - 1;
        reportProgress(work);
        await pace.afterBatch(performance.now() - startedAt, deletedIn(small));
        continue;
      }
      apartUntil = at + small.length;
    }
    task.last = await attempt(work, task, accessPathOf(work.ctx.shard, task), {
      ours: true,
      rest: component.rest,
      ...(tree && canBeOrdered(work, component, tree) && { until: mostStay }),
    });
  }
}

/** Where most rows are referred to by others that come later, to put them in order costs less than to look at the rest of them. */
const mostStay = ({ due, blocked }: Outcome): boolean => due >= 1_000 && blocked > due / 2;

/**
 * Deletes what is left of all shards' parts, parents whose children were in another shard's part above all. Whichever shard comes
 * last finds every child gone: so no shard waits for another, and together they delete what one would have.
 */
export async function cleanLeftovers(work: Work, component: ComponentTask): Promise<void> {
  const tasks = partitionTasks(work, component);
  // What another shard holds at this moment is passed over; a further round comes to it, or finds that it is gone.
  for (let round = 1, more = true; more && round <= ROUNDS && !mustStop(work); round += 1) {
    more = false;
    if (movesRows(component)) await measureAgain(work, tasks);
    for (const table of component.tables) {
      Object.assign(tallyOf(work, table), { blocked: 0, skippedLocked: 0, kept: 0, refusals: [] });
    }
    for (const task of tasks) {
      const { deleted, skipped } = await passOverAllShards(work, component, task);
      more ||= deleted + skipped > 0;
    }
    if (component.cyclic) await deleteCycles(work, component, tasks);
  }
}

/** Counts what stays in the own part anew. */
async function passOverAllShards(work: Work, component: ComponentTask, task: PartitionTask): Promise<Outcome> {
  const { count, index: own } = work.ctx.shard;
  const subject = { ...task.subject, careful: true };
  let total: Outcome = NOTHING;
  for (let index = 0; index < count && !mustStop(work); index += 1) {
    const path = accessPathOf({ index, count }, task);
    const options = { ours: index === own, again: NOTHING, rest: component.rest };
    total = sum(total, (await attempt(work, { ...task, subject }, path, options)) ?? NOTHING);
  }
  return total;
}

/** The access path through the part of a shard. */
function accessPathOf(shard: Shard, task: PartitionTask, backwards = isBackwards(task)): AccessPath {
  const { byIndex, from, subject } = task;
  const { oid, blocks } = subject.partition;
  if (byIndex) return { kind: 'index', condition: shardCondition(shard, oid) };
  const ranges = rangesOfShard(shard, oid, blocks);
  return {
    kind: 'blocks',
    backwards,
    ranges: from === undefined ? ranges : startingAt(backwards ? from + 1 : from, ranges),
  };
}

/**
 * Whether passes begin with the last block. In a tree rows mostly come after those that they refer to, and must go before them. Every
 * other pass goes the other way, for trees whose rows have been moved.
 */
const isBackwards = ({ subject: { keys, table } }: PartitionTask): boolean =>
  keys.some((key) => key.childOid === table.oid);

/**
 * Whether deleting rows changes due rows of the same tables (SET NULL in a tree, say). A row that is changed moves, perhaps to blocks
 * that were looked at already, or that weren't there yet.
 */
function movesRows({ tables, foreignKeys }: ComponentTask): boolean {
  const members = new Set(tables.map((table) => table.oid));
  return foreignKeys.some(
    ({ childOid, parentOid, onDelete }) =>
      members.has(childOid) && members.has(parentOid) && (onDelete === 'set null' || onDelete === 'set default'),
  );
}

/** Lets further passes come to the blocks that partitions have now. */
async function measureAgain({ ctx, server }: Work, tasks: readonly PartitionTask[]): Promise<void> {
  const { rows } = await ctx.postgres.query<{ oid: string; bytes: number }>(
    'select o as oid, pg_relation_size(o::oid)::float8 as bytes from unnest($1::text[]) as o',
    [tasks.map(({ subject }) => subject.partition.oid)],
  );
  for (const { oid, bytes } of rows) {
    const task = tasks.find(({ subject }) => subject.partition.oid === oid);
    if (!task) continue;
    task.subject = { ...task.subject, partition: { ...task.subject.partition, blocks: bytes / server.blockSize } };
  }
}

function passAgain(
  work: Work,
  component: ComponentTask,
  task: PartitionTask,
  { everywhere, backwards }: { everywhere: boolean; backwards: boolean },
): Promise<PassOutcome | undefined> {
  const { table, subject, byIndex, last } = task;
  const path: AccessPath =
    byIndex || everywhere
      ? accessPathOf(work.ctx.shard, task, backwards)
      : { kind: 'blocks', ranges: last?.leftovers ?? [], backwards };
  // Where rows were locked, or refused one by one, they may be so still.
  const careful = subject.careful || (last?.skipped ?? 0) + (last?.kept ?? 0) > 0;
  return attempt(work, { table, subject: { ...subject, careful } }, path, {
    again: last,
    ours: true,
    rest: component.rest,
  });
}

async function deleteCycles(work: Work, component: ComponentTask, tasks: readonly PartitionTask[]): Promise<void> {
  for (const { table, subject, last, settled } of tasks) {
    if (mustStop(work)) return;
    if (settled || last?.blocked === 0) continue;
    await guarded(work, table, () => deleteRowCycles(work, component, table, subject.partition));
  }
}

function attempt(
  work: Work,
  { table, subject }: Pick<PartitionTask, 'table' | 'subject'>,
  path: AccessPath,
  options: PassOptions,
): Promise<PassOutcome | undefined> {
  return guarded(work, table, () => runPass(work, subject, path, options));
}

/** One table's failure doesn't stop the others; a database that went away does. */
export async function guarded<T>(work: Work, table: Table, step: () => Promise<T>): Promise<T | undefined> {
  if (work.failures.has(table.oid) || mustStop(work)) return undefined;
  try {
    return await step();
  } catch (error) {
    const unavailable = asUnavailable(work.ctx, error);
    if (unavailable) throw unavailable;
    if (work.ctx.signal.aborted) return undefined;
    const failure = error instanceof Error ? error : new Error(String(error));
    work.failures.set(table.oid, failure);
    work.ctx.log.error(`${table.label} failed; the other tables go on: ${tellError(work.ctx, failure)}`, {
      table: table.label,
      error: failure,
    });
    return undefined;
  }
}
