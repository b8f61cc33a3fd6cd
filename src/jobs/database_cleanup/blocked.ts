// Which due rows will stay because others refer to them: known in a dry run, before anything is deleted.
import type { Shard, Transaction } from '../../job.ts';
import { type Budget, findRows, foundAs, isSpent, refersExactly, type Schema, usualBudget } from './closure.ts';
import type { ForeignKey, Table } from './model.ts';
import { holdsBack } from './references.ts';
import { type FoundRow, RowSet } from './row-set.ts';
import { isOfShard } from './shards.ts';

/** How many due rows of a table will stay. */
export interface Blocked {
  readonly rows: number;
  /** Whether more may stay than were looked at. */
  readonly atLeast: boolean;
}

/** Runs a step that reads for this table; undefined when it failed, which is written down. */
export type Reader = <T>(table: Table, step: (client: Transaction) => Promise<T>) => Promise<T | undefined>;

/**
 * Counts, by table, the due rows of this shard that rows refer to which aren't due, or which stay themselves. What refers to each other
 * in a cycle and is due as a whole isn't blocked: it goes together.
 */
export async function countBlocked(schema: Schema, due: readonly Table[], shard: Shard, read: Reader) {
  const budget = usualBudget();
  const known = new RowSet();
  const counts = new Map<string, number>();
  let incomplete = false;
  const keep = (table: Table, rows: readonly FoundRow[]): FoundRow[] => {
    const added = known.add(rows);
    const ours = added.filter((row) => isOfShard(shard, row.rel, row.at)).length;
    counts.set(table.oid, (counts.get(table.oid) ?? 0) + ours);
    return added;
  };
  /** One level: the rows that the keys lead to, by the oid of their table. */
  const level = async (
    follows: (key: ForeignKey) => boolean,
    find: (client: Transaction, table: Table, key: ForeignKey) => Promise<FoundRow[]>,
  ) => {
    const found = new Map<string, FoundRow[]>();
    for (const table of due) {
      const keys = schema.foreignKeys.filter((key) => key.parentOid === table.oid && follows(key));
      if (keys.length === 0) continue;
      const rows = await read(table, async (client) => {
        const all: FoundRow[] = [];
        for (const key of keys) {
          incomplete ||= isSpent(budget);
          if (!incomplete) all.push(...keep(table, await find(client, table, key)));
        }
        return all;
      });
      if (rows && rows.length > 0) found.set(table.oid, rows);
    }
    return found;
  };

  let newest = await level(
    (key) => holdsBack(key, schema.allowCascade),
    (client, table, key) => directlyBlocked(client, schema, budget, table, key),
  );
  while (newest.size > 0 && !incomplete) {
    const last = newest;
    newest = await level(
      // A cascade fails where it meets a row that has to stay.
      (key) => last.has(key.childOid) && holdsBack(key, false),
      (client, table, key) => blockedBy(client, schema, budget, table, key, last.get(key.childOid) ?? []),
    );
  }
  incomplete ||= isSpent(budget);
  return new Map(
    due.map((table): [string, Blocked] => {
      const mayBeMore = incomplete && schema.foreignKeys.some((key) => key.parentOid === table.oid);
      return [table.oid, { rows: counts.get(table.oid) ?? 0, atLeast: mayBeMore }];
    }),
  );
}

/** Due rows that a row refers to which isn't due, or is in a table that isn't cleaned. */
async function directlyBlocked(client: Transaction, schema: Schema, budget: Budget, table: Table, key: ForeignKey) {
  const child = schema.tables.get(key.childOid);
  const stays = child ? ` and (${child.due('c')}) is not true` : '';
  return findRows(
    client,
    budget,
    `${table.target} as t where ${table.due('t')}
       and exists (select from ${key.child} as c where ${refersExactly(schema, key, 't', 'c')}${stays})`,
  );
}

/** Due rows that rows refer to which are known to stay. */
async function blockedBy(
  client: Transaction,
  schema: Schema,
  budget: Budget,
  table: Table,
  key: ForeignKey,
  children: readonly FoundRow[],
): Promise<FoundRow[]> {
  const found: FoundRow[] = [];
  for (const { from, condition, values } of foundAs('c', children, schema, key.child)) {
    if (isSpent(budget)) break;
    const source = `${table.target} as t where ${table.due('t')}
      and exists (select from ${from} where ${refersExactly(schema, key, 't', 'c')} and ${condition})`;
    found.push(...(await findRows(client, budget, source, values)));
  }
  return found;
}
