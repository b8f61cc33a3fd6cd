// How each partition of a component is to be cleaned, as far as that is known before its first batch.
import type { ComponentTask, PartitionTask } from './component-task.ts';
import { indexPays } from './index-scan.ts';
import type { Partition, Table } from './model.ts';
import { blockedBy, cascadesQuietly, holdsBack, keysOfPartition, needsScan } from './references.ts';
import type { Work } from './work.ts';

/** The partitions of a component that have due rows. */
export const partitionTasks = (work: Work, component: ComponentTask): PartitionTask[] =>
  component.tables.flatMap((table) =>
    table.partitions
      .filter((partition) => (component.due.get(partition.oid) ?? 0) > 0)
      .map((partition) => partitionTask(work, component, table, partition)),
  );

function partitionTask(work: Work, component: ComponentTask, table: Table, partition: Partition): PartitionTask {
  const { allowCascade } = work.ctx.params;
  const referring = keysOfPartition(component.foreignKeys, partition);
  const keys = referring.filter((key) => holdsBack(key, allowCascade));
  const due = component.due.get(partition.oid) ?? 0;
  const from = component.resumeFrom.get(partition.name);
  const cascadesTo = keys.filter((key) => key.onDelete === 'cascade').map((key) => key.childOid);
  const mayKeep = table.triggers.some((trigger) => trigger.row && trigger.before);
  // A trigger that keeps one of the rows that go together keeps them all: those had better go one after another.
  const ownKeys = mayKeep ? [] : keys.filter((key) => key.childOid === table.oid);
  const mayTry =
    !mayKeep &&
    (cascadesTo.length === 0 ||
      (component.takesNone.has(table.oid) && cascadesQuietly(component.foreignKeys, table.oid)));
  return {
    table,
    subject: {
      table,
      partition: { ...partition, rowsPerBlock: Math.max(partition.rowsPerBlock, due / Math.max(1, partition.blocks)) },
      blocked: blockedBy(keys, table),
      keys,
      ownKeys,
      unreferred: { yes: mayTry && ownKeys.length === 0 && cascadesTo.length === keys.length },
      archive: component.archives.get(table.oid),
      defaultKeys: referring.filter((key) => key.onDelete === 'set default').map((key) => key.name),
      runsOthers:
        table.triggers.length > 0 ||
        referring.some((key) => key.onDelete !== 'no action' && key.onDelete !== 'restrict'),
      // PostgreSQL's own checks run under the same settings: where they have to read a table through, they had better be let.
      planning: {
        seek: keys.length > 0 && !referring.some(needsScan),
        hash: keys.some((key) => needsScan(key) || key.childOid === table.oid),
      },
      scans: keys.some(needsScan),
      mayKeep,
      ownWrites: { none: true },
      cascadesTo,
      // Each alone is seen to without a lock first; both together aren't.
      careful: mayKeep && cascadesTo.length > 0,
    },
    byIndex: indexPays(partition, due) && from === undefined,
    from,
    mayTry,
    last: undefined,
    settled: false,
  };
}
