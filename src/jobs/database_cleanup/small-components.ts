// Small components that come one after another share a checkpoint and a transaction: for a table of a few hundred rows, those and the
// way to the server cost several times what the rows do.
import { cleanOwnPart, guarded } from './clean-component.ts';
import type { ComponentTask, PartitionTask } from './component-task.ts';
import { type Pace, startPace } from './pace.ts';
import { partitionTasks } from './partition-tasks.ts';
import { cleanTogether, deletedIn, smallPartitions } from './small-partitions.ts';
import { mustStop, reportProgress, type Work } from './work.ts';

/** A transaction of several tables grows to so many times the first batch of one: what is learned of some rows may not hold for others. */
const MOST_BATCHES = 4;

/** A component, and how its partitions are to be cleaned. */
interface Member {
  readonly component: ComponentTask;
  readonly tasks: readonly PartitionTask[];
}

/** The pace of the transactions that several components share. */
export const startSharedPace = (work: Work): Pace =>
  startPace(work, {
    most: Math.min(work.ctx.params.maxBatchSize, MOST_BATCHES * work.ctx.params.batchSize),
    scans: false,
  });

/** The first of these components; with those that follow it where all together make one transaction. */
export function firstGroup(work: Work, components: readonly ComponentTask[], pace: Pace): readonly Member[] {
  const group: Member[] = [];
  for (const component of components) {
    const member = { component, tasks: partitionTasks(work, component) };
    if (group.length > 0 && !fits(work, [...group, member], pace)) break;
    group.push(member);
  }
  return group;
}

function fits(work: Work, group: readonly Member[], pace: Pace): boolean {
  if (group.some(({ component }) => component.cyclic || component.tables.some(({ oid }) => work.failures.has(oid))))
    return false;
  const { batchSize, giveWay } = work.ctx.params;
  const tasks = group.flatMap((member) => member.tasks);
  // A trigger may take any time, so that tables with one begin with no more rows together than each would by itself.
  const runsOthers = tasks.some(({ subject }) => subject.runsOthers);
  const usual = runsOthers ? batchSize : Math.max(batchSize, pace.rows);
  const mostRows = giveWay && work.traffic.busy ? Math.min(usual, pace.rows) : usual;
  return smallPartitions(work, tasks, mostRows).length === tasks.length;
}

/** Cleans the components of a group: all in one transaction where nothing is in the way, and what that leaves one after another. */
export async function cleanGroup(work: Work, group: readonly Member[], pace: Pace): Promise<void> {
  const [first] = group;
  const [table] = first?.component.tables ?? [];
  if (first && table && group.length > 1) {
    const tasks = group.flatMap((member) => member.tasks);
    await first.component.rest();
    const startedAt = performance.now();
    if (await guarded(work, table, () => cleanTogether(work, tasks))) {
      reportProgress(work);
      await pace.afterBatch(performance.now() - startedAt, deletedIn(tasks));
    }
  }
  for (const { component, tasks } of group) {
    if (mustStop(work)) return;
    await cleanOwnPart(work, component, tasks);
  }
}
