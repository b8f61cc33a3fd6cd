// What deleting a table's due rows would do to rows that aren't due, known before the first batch.
import type { Transaction } from '../../job.ts';
import { type Budget, findRows, foundAs, isSpent, refersExactly, type Schema, usualBudget } from './closure.ts';
import type { ForeignKey, Table } from './model.ts';
import { type FoundRow, RowSet } from './row-set.ts';

/** Rows that aren't due themselves and that a delete of due rows would take or change. */
export interface Effect {
  /** The table of those rows. */
  readonly table: string;
  readonly constraint: string;
  readonly onDelete: 'cascade' | 'set null' | 'set default';
  readonly rows: number;
  /** Set where there may be more: no further rows were looked at. */
  readonly atLeast?: true;
}

/** The actions that do something to other rows, those that take them first. */
const ACTIONS = ['cascade', 'set null', 'set default'] as const;
type Acting = ForeignKey & { readonly onDelete: Effect['onDelete'] };
const acts = (key: ForeignKey): key is Acting =>
  (ACTIONS as readonly string[]).includes(key.onDelete) && !key.setsNullInNotNull;

/** Whether to delete rows of the table may take or change others at all. */
export const actsOnOthers = ({ foreignKeys }: Schema, table: Table): boolean =>
  foreignKeys.some((key) => key.parentOid === table.oid && acts(key));

/** Rows that go, all of one table: a condition on the alias `p`, or a list of them. */
interface Gone {
  readonly oid: string;
  readonly sources: () => Iterable<{ from: string; condition: string; values: readonly unknown[] }>;
}

/** Counts what the delete of a table's due rows would take through ON DELETE CASCADE, transitively, or change through SET NULL. */
export async function countEffects(client: Transaction, schema: Schema, table: Table): Promise<Effect[]> {
  const budget = usualBudget();
  const taken = new RowSet();
  const counts = new Map<Acting, number>();
  let next: Gone[] = [
    { oid: table.oid, sources: () => [{ from: `${table.target} as p`, condition: table.due('p'), values: [] }] },
  ];
  while (next.length > 0 && !isSpent(budget)) {
    const level = next;
    next = [];
    for (const gone of level) {
      for (const key of schema.foreignKeys.filter(acts).filter((each) => each.parentOid === gone.oid)) {
        const { rows, found } = await affected(client, schema, budget, key, gone);
        if (rows > 0) counts.set(key, (counts.get(key) ?? 0) + rows);
        const added = taken.add(found);
        if (added.length === 0) continue;
        next.push({ oid: key.childOid, sources: () => foundAs('p', added, schema, key.child) });
      }
    }
  }
  const cut = isSpent(budget);
  return [...counts]
    .map(
      ([{ childLabel, name, onDelete }, rows]): Effect => ({
        ...{ table: childLabel, constraint: name, onDelete, rows },
        ...(cut && { atLeast: true }),
      }),
    )
    .sort((a, b) => ACTIONS.indexOf(a.onDelete) - ACTIONS.indexOf(b.onDelete));
}

/** How many rows a key takes or changes as these go, and which it takes. A row refers to one row by a key: no row is counted twice. */
async function affected(client: Transaction, schema: Schema, budget: Budget, key: Acting, gone: Gone) {
  const child = schema.tables.get(key.childOid);
  const alive = child ? `(${child.due('t')}) is not true and ` : '';
  const found: FoundRow[] = [];
  let rows = 0;
  for (const { from, condition, values } of gone.sources()) {
    if (isSpent(budget)) break;
    const source = `${key.child} as t where ${alive}exists (
      select from ${from} where ${refersExactly(schema, key, 'p', 't')} and ${condition})`;
    if (key.onDelete === 'cascade') {
      const some = await findRows(client, budget, source, values);
      rows += some.length;
      found.push(...some);
    } else {
      budget.statements -= 1;
      const counted = await client.query<{ count: number }>(`select count(*)::float8 as count from ${source}`, [
        ...values,
      ]);
      rows += counted.rows[0]?.count ?? 0;
    }
  }
  return { rows, found };
}
