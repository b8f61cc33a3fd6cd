// What deleting a table's due rows would do to other rows, known before the first batch.
import type { ClientBase } from 'pg';
import type { ForeignKey, Table } from './model.ts';
import { holdsBack, refers } from './references.ts';

/** Rows that aren't due themselves and that a delete of due rows would take or change. */
export interface Effect {
  /** The table of those rows. */
  readonly table: string;
  readonly constraint: string;
  readonly onDelete: 'cascade' | 'set null' | 'set default';
  readonly rows: number;
}

/** The tables and keys, by the object ids of their topmost tables. */
export interface Schema {
  readonly tables: ReadonlyMap<string, Table>;
  readonly foreignKeys: readonly ForeignKey[];
  readonly allowCascade: boolean;
}

/** References of references of … are followed so far. */
const DEPTH = 4;

/** Counts due rows that will stay because rows refer to them that aren't due, or that stay themselves. */
export async function countBlocked(client: ClientBase, schema: Schema, table: Table): Promise<number> {
  const stays = staysCondition(schema, table, 't', []);
  if (stays === undefined) return 0;
  const { rows } = await client.query<{ count: number }>(
    `select count(*)::float8 as count from ${table.target} as t where ${table.due('t')} and (${stays})`,
  );
  return rows[0]?.count ?? 0;
}

/** The condition that the row `alias` stays; undefined when nothing can hold it back. Cycles of references are cut. */
function staysCondition(schema: Schema, table: Table, alias: string, path: readonly string[]): string | undefined {
  const conditions = schema.foreignKeys
    .filter((key) => key.parentOid === table.oid && holdsBack(key, schema.allowCascade) && !path.includes(key.oid))
    .map((key) => {
      const child = schema.tables.get(key.childOid);
      const name = `c${path.length}`;
      const self =
        key.childOid === table.oid ? ` and (${name}.tableoid, ${name}.ctid) <> (${alias}.tableoid, ${alias}.ctid)` : '';
      const exists = (more: string) =>
        `exists (select from ${key.child} as ${name} where ${refers(key, alias, name)}${self}${more})`;
      if (!child) return exists('');
      const deeper = path.length < DEPTH ? staysCondition(schema, child, name, [...path, key.oid]) : undefined;
      return exists(` and ((${child.due(name)}) is not true${deeper ? ` or ${deeper}` : ''})`);
    });
  return conditions.length > 0 ? `(${conditions.join(' or ')})` : undefined;
}

/** Counts what the delete of a table's due rows would take through ON DELETE CASCADE, transitively, or change through SET NULL. */
export async function countEffects(client: ClientBase, schema: Schema, table: Table): Promise<Effect[]> {
  const effects: Effect[] = [];
  const follow = async (oid: string, parent: string, gone: (alias: string) => string, path: readonly string[]) => {
    for (const key of schema.foreignKeys) {
      const { onDelete } = key;
      if (key.parentOid !== oid || onDelete === 'no action' || onDelete === 'restrict') continue;
      if (key.setsNullInNotNull) continue;
      if (path.includes(key.oid) || path.length >= DEPTH) continue;
      const alive = schema.tables.get(key.childOid)?.due;
      const name = `p${path.length}`;
      const taken = (alias: string) =>
        `${alive ? `(${alive(alias)}) is not true and ` : ''}exists (
          select from ${parent} as ${name} where ${refers(key, name, alias)} and ${gone(name)})`;
      const { rows } = await client.query<{ count: number }>(
        `select count(*)::float8 as count from ${key.child} as t where ${taken('t')}`,
      );
      const count = rows[0]?.count ?? 0;
      if (count === 0) continue;
      effects.push({ table: key.childLabel, constraint: key.name, onDelete, rows: count });
      if (onDelete === 'cascade') await follow(key.childOid, key.child, taken, [...path, key.oid]);
    }
  };
  await follow(table.oid, table.target, table.due, []);
  return effects;
}
