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
 * Whether what a cascade from this table would do, table after table, has no effect on anybody once it is undone. A trigger might have
 * told the world.
 */
export function cascadesQuietly(keys: readonly ForeignKey[], oid: string): boolean {
  const acting = keys.filter(({ onDelete }) => onDelete !== 'no action' && onDelete !== 'restrict');
  const seen = new Set([oid]);
  for (const parent of seen) {
    for (const key of acting.filter(({ parentOid }) => parentOid === parent)) {
      if (!key.quiet) return false;
      if (key.onDelete === 'cascade') seen.add(key.childOid);
    }
  }
  return true;
}

/** To read a table of so many bytes through costs no more than to look up a few rows by an index. */
const SMALL_TABLE_BYTES = 64 * 1024;

/** Whether the rows that refer to one row are only found by reading a table through that isn't small. */
export const needsScan = (key: ForeignKey): boolean => !key.indexed && key.childBytes > SMALL_TABLE_BYTES;

/**
 * The condition that the row `alias` of the table is still referred to through one of the keys, by any row but itself.
 *
 * With an index on the child the lookup is a scalar subquery, which the planner can't turn into a join: it looks up one row at a
 * time, where a join might scan the whole child table in every batch. Where no index finds them and the child isn't small, `scanned`
 * says it for all rows of a batch at once.
 * @param but the condition on a referring row `c` of the same table that it doesn't count: that it is the row itself, unless said
 */
export function blockedCondition(
  keys: readonly ForeignKey[],
  table: Table,
  alias: string,
  but: string | undefined = undefined,
): string {
  const conditions = keys.map((key) => {
    const from = `from ${key.child} as c where ${refers(key, alias, 'c')}${butOwn(key, table, but ?? itself(alias))}`;
    return key.indexed ? `(select true ${from} limit 1) is not null` : `exists (select ${from})`;
  });
  return conditions.length === 0 ? 'false' : conditions.map((condition) => `(${condition})`).join(' or ');
}

const butOwn = (key: ForeignKey, table: Table, but: string): string =>
  key.childOid === table.oid ? ` and (${but}) is not true` : '';

const itself = (alias: string): string => `c.tableoid = ${alias}.tableoid and c.ctid = ${alias}.ctid`;

/** How to tell which rows of a batch others refer to. */
export interface Blocked {
  /** The condition on the row `t` that says so for keys by which rows can be looked up. */
  readonly condition: string;
  /** What `referred` needs of `t`, as columns of a select list that begin with a comma. */
  readonly columns: string;
  /** Selects from the rows `d` of the CTE `name`, which have `columns`, the `at` of those that are referred to through any other key. */
  readonly referred: ((name: string) => string) | undefined;
}

/**
 * Undefined when no key holds any row of the table.
 * @param but the condition on a row `c` of the same table that may go with those that it refers to; that it is the row itself, unless said
 */
export function blockedBy(
  keys: readonly ForeignKey[],
  table: Table,
  but: string | undefined = undefined,
): Blocked | undefined {
  if (keys.length === 0) return undefined;
  const scanned = keys.filter(needsScan);
  const looked = keys.filter((key) => !needsScan(key));
  const condition = blockedCondition(looked, table, 't', but);
  if (scanned.length === 0) return { condition, columns: '', referred: undefined };
  const parts = scanned.flatMap((key) => key.parentColumns);
  const referredBy = (key: ForeignKey) => {
    const matches = key.parentColumns.map(
      (column, at) =>
        `d.part_${parts.indexOf(column)} ${key.operators[at]} c.${identifier(key.childColumns[at] as string)}`,
    );
    const own = butOwn(key, table, but ?? 'c.tableoid = d.rel and c.ctid = d.at');
    return `exists (select from ${key.child} as c where ${matches.join(' and ')}${own})`;
  };
  return {
    condition,
    columns: `, t.tableoid as rel${parts.map((column, at) => (parts.indexOf(column) === at ? `, t.${identifier(column)} as part_${at}` : '')).join('')}`,
    // One semi-join for each key, which the planner can do by hashing: the child is read once for the whole batch.
    referred: (name) => scanned.map((key) => `select d.at from ${name} as d where ${referredBy(key)}`).join(' union '),
  };
}
