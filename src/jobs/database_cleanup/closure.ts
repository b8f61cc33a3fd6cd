// Rows that follow from rows along foreign keys, found level by level: each statement follows one key, so what it costs depends on the
// key's two tables and never on how many ways lead through the schema. Bounded in rows and in statements.
import type { Transaction } from '../../job.ts';
import type { ForeignKey, Table } from './model.ts';
import { refers } from './references.ts';
import { chunksOf, type FoundRow } from './row-set.ts';
import { ctidArray } from './scope.ts';

/** The tables and keys, by the object ids of their topmost tables. */
export interface Schema {
  /** The tables whose due rows will be deleted. */
  readonly tables: ReadonlyMap<string, Table>;
  readonly foreignKeys: readonly ForeignKey[];
  readonly allowCascade: boolean;
}

/** What may still be looked at; whoever meets its end says "at least". */
export interface Budget {
  rows: number;
  statements: number;
}

/** So many rows are kept in memory at most, and so many statements are run. */
export const usualBudget = (): Budget => ({ rows: 100_000, statements: 10_000 });

/** Whether nothing more may be looked at. */
export const isSpent = (budget: Budget): boolean => budget.rows <= 0 || budget.statements <= 0;

/** Runs a query for rows under the budget. */
export async function findRows(
  client: Transaction,
  budget: Budget,
  from: string,
  values: readonly unknown[] = [],
): Promise<FoundRow[]> {
  budget.statements -= 1;
  const { rows } = await client.query<FoundRow>(
    `select t.tableoid::text as rel, t.ctid::text as at from ${from} limit ${Math.max(0, budget.rows)}`,
    [...values],
  );
  budget.rows -= rows.length;
  return rows;
}

/** The rows that were found, in lists of one table or partition: as SQL under an alias, with the list as $1. */
export function* foundAs(
  alias: string,
  rows: readonly FoundRow[],
  schema: Schema,
  usualTarget: string,
): Generator<{ from: string; condition: string; values: [string] }> {
  for (const { rel, ctids } of chunksOf(rows)) {
    yield {
      from: `${targetOf(schema, rel) ?? usualTarget} as ${alias}`,
      // ARRAY(SELECT …) hides the list's length from the planner, as in scope.ts.
      condition: `${alias}.ctid = any (array(select unnest($1::tid[]))) and ${alias}.tableoid = ${rel}::oid`,
      values: [ctidArray(ctids)],
    };
  }
}

/** What statements go to for the rows of a partition of our own tables. */
function targetOf({ tables }: Schema, rel: string): string | undefined {
  for (const table of tables.values()) {
    const partition = table.partitions.find((each) => each.oid === rel);
    if (partition) return partition.target;
  }
  return undefined;
}

/** `refers`, and that the parent's row is in a partition that the key points at. */
export function refersExactly({ tables }: Schema, key: ForeignKey, parent: string, child: string): string {
  const condition = refers(key, parent, child);
  if (key.parentExactOid === key.parentOid) return condition;
  const oids = tables
    .get(key.parentOid)
    ?.partitions.filter((partition) => partition.path.includes(key.parentExactOid))
    .map((partition) => `${partition.oid}::oid`);
  return oids ? `${condition} and ${parent}.tableoid in (${oids.join(', ') || '0'})` : condition;
}
