// Which rows can't go because others refer to them, as conditions of SQL.
import type { ForeignKey, Partition, Table } from './model.ts';
import { identifier } from './sql.ts';

/**
 * Whether a row that is still referred to through this key has to stay. ON DELETE CASCADE counts like NO ACTION: due children are
 * deleted in their own right, before their parents, so a child that is still there isn't due, and taking it would lose live data.
 * SET NULL and SET DEFAULT lose no row: the schema's author said what becomes of the reference, and it does, unless the column is
 * NOT NULL: then PostgreSQL refuses to delete the parent.
 */
export function holdsBack(key: ForeignKey, allowCascade: boolean): boolean {
  if (key.onDelete === 'cascade') return !allowCascade;
  return key.onDelete === 'no action' || key.onDelete === 'restrict' || key.setsNullInNotNull;
}

/** `parent` and `child` are aliases; the condition says that child refers to parent, by the constraint's own operators. */
export function refers(key: ForeignKey, parent: string, child: string): string {
  return key.parentColumns
    .map((column, at) => {
      const childColumn = `${child}.${identifier(key.childColumns[at] as string)}`;
      return `${parent}.${identifier(column)}${key.collations[at]} ${key.operators[at]} ${childColumn}`;
    })
    .join(' and ');
}

/** The keys that point at rows of this partition: at its table, at itself, or at a partition in between. */
export const keysOfPartition = (keys: readonly ForeignKey[], partition: Partition): ForeignKey[] =>
  keys.filter((key) => partition.path.includes(key.parentExactOid));

/**
 * The condition that the row `alias` of the table is still referred to through one of the keys, by any row but itself.
 *
 * With an index on the child the lookup is a scalar subquery, which the planner can't turn into a join: it looks up one row at a
 * time, where a join might scan the whole child table in every batch. Without an index one scan a batch (a hashed EXISTS) is the
 * best there is; PostgreSQL's own check of the constraint then scans once a row, which is why its index is hinted at.
 */
export function blockedCondition(keys: readonly ForeignKey[], table: Table, alias: string): string {
  const conditions = keys.map((key) => {
    const self =
      key.childOid === table.oid ? ` and not (c.tableoid = ${alias}.tableoid and c.ctid = ${alias}.ctid)` : '';
    const from = `from ${key.child} as c where ${refers(key, alias, 'c')}${self}`;
    return key.indexed ? `(select true ${from} limit 1) is not null` : `exists (select ${from})`;
  });
  return conditions.length === 0 ? 'false' : conditions.map((condition) => `(${condition})`).join(' or ');
}
