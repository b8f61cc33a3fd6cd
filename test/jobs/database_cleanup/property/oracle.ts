// What a cleanup has to do, found slowly and plainly: row by row, until nothing changes any more.
import { isRefused, type Key, type Model, type Row, type Table } from './model.ts';

/** A row of a table, as text: `table/id`. */
export const rowName = (table: Table, row: Pick<Row, 'id'>): string => `${table.name}/${row.id}`;

export interface Expected {
  /** The rows that stay. */
  readonly stays: ReadonlySet<string>;
}

/**
 * The rows that stay. A row stays when it isn't due, when its trigger refuses, when its table is refused; and when a row that stays
 * refers to it through a key that holds it. All others can go, those that refer to each other in circles too.
 * @param foreseen leave out what no catalog tells: triggers, checks and missing defaults
 */
export function staying({ tables, keys, params }: Model, foreseen = false): Set<string> {
  const stays = new Set<string>();
  for (const table of tables) {
    for (const row of table.rows) {
      const refused = !foreseen && isRefused(table, row.id);
      if (row.age !== 'due' || table.sentinel || refused) stays.add(rowName(table, row));
    }
  }
  for (let before = -1; before < stays.size; ) {
    before = stays.size;
    for (const key of keys) {
      for (const row of key.child.rows) {
        const to = row.refs.get(key.name);
        if (to === undefined || !stays.has(rowName(key.child, row))) continue;
        const itself = key.child === key.parent && to === row.id;
        if (!itself && holds(key, row, params.allowCascade, foreseen)) stays.add(rowName(key.parent, { id: to }));
      }
    }
  }
  return stays;
}

/** Whether the row that `row` refers to has to stay as long as `row` does. */
function holds(key: Key, row: Row, allowCascade: boolean, foreseen: boolean): boolean {
  if (key.onDelete === 'no action' || key.onDelete === 'restrict') return true;
  if (key.onDelete === 'cascade') return !allowCascade;
  if (key.onDelete === 'set default' && key.fallback !== undefined) return !foreseen && key.fallback === 999;
  return key.notNull || (!foreseen && key.checked && row.id % 2 === 1);
}

/** What can be taken by a cascade from rows that go, and from what that takes, and so on. */
export function cascaded({ keys }: Model, stays: ReadonlySet<string>): Set<string> {
  const taken = new Set<string>();
  for (let before = -1; before < taken.size; ) {
    before = taken.size;
    for (const key of keys.filter(({ onDelete }) => onDelete === 'cascade')) {
      for (const row of key.child.rows) {
        const to = row.refs.get(key.name);
        if (to === undefined) continue;
        const parent = rowName(key.parent, { id: to });
        if (!stays.has(parent) || taken.has(parent)) taken.add(rowName(key.child, row));
      }
    }
  }
  return taken;
}
