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
 * refers to it through a key that holds it. All others can go, those that refer to each other in cycles too.
 * @param foreseen leave out what no catalog tells: triggers, checks and missing defaults
 * @param taken rows that are gone already, and hold nothing
 */
export function staying(
  { tables, keys, params }: Model,
  foreseen = false,
  taken: ReadonlySet<string> = new Set(),
): Set<string> {
  const stays = new Set<string>();
  for (const table of tables) {
    for (const row of table.rows) {
      const refused = !foreseen && isRefused(table, row.id);
      const name = rowName(table, row);
      if ((row.age !== 'due' || table.sentinel || refused) && !taken.has(name)) stays.add(name);
    }
  }
  for (let before = -1; before < stays.size; ) {
    before = stays.size;
    for (const key of keys) {
      for (const row of key.child.rows) {
        const to = row.refs.get(key.name);
        if (to === undefined || !stays.has(rowName(key.child, row))) continue;
        const itself = key.child === key.parent && to === row.id;
        const name = rowName(key.parent, { id: to });
        if (!itself && !taken.has(name) && holds(key, row, params.allowCascade, foreseen)) stays.add(name);
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

/**
 * How many rows that aren't due each key takes or changes when the due rows of a table go, and what those take in turn, by the key's
 * name. All rows of a refused table stay, and count as rows that aren't due.
 */
export function effectsOf({ keys }: Model, table: Table): Record<string, number> {
  const effects: Record<string, number> = {};
  const taken = new Set<string>();
  const follow = (gone: readonly Row[], of: Table): void => {
    for (const key of keys.filter((each) => each.parent === of && acts(each))) {
      const found = key.child.rows.filter(
        (row) => (row.age !== 'due' || key.child.sentinel) && gone.some(({ id }) => row.refs.get(key.name) === id),
      );
      if (found.length > 0) effects[key.name] = (effects[key.name] ?? 0) + found.length;
      if (key.onDelete !== 'cascade') continue;
      const added = found.filter((row) => !taken.has(rowName(key.child, row)));
      for (const row of added) taken.add(rowName(key.child, row));
      if (added.length > 0) follow(added, key.child);
    }
  };
  const due = table.rows.filter(({ age }) => age === 'due');
  follow(due, table);
  return effects;
}

/** Whether a key does something to the row that refers to one that goes. */
function acts({ onDelete, notNull, fallback }: Key): boolean {
  if (onDelete === 'cascade') return true;
  const setsNull = onDelete === 'set null' || (onDelete === 'set default' && fallback === undefined);
  return onDelete.startsWith('set') && !(setsNull && notNull);
}

/** The rows that stay whatever cascades take: what they take holds no due row any more, which then goes with what refers to it, and so on. */
export function stayingWithCascades(model: Model): Set<string> {
  let taken = new Set<string>();
  for (;;) {
    const stays = staying(model, false, taken);
    const more = cascaded(model, stays);
    if (more.size === taken.size) return stays;
    taken = more;
  }
}

/** What can be taken by a cascade from rows that go, and from what that takes, and so on. */
function cascaded({ keys }: Model, stays: ReadonlySet<string>): Set<string> {
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
