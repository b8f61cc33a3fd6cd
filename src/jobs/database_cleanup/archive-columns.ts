// Whether an archive's columns hold what their table's columns hold, unchanged; else the statement that makes them.
import type { Transaction } from '../../job.ts';
import { identifier } from './sql.ts';

/** A column of a table or of its archive. */
export interface Column {
  readonly name: string;
  /** The type as SQL, with its modifier. */
  readonly type: string;
  /** ` COLLATE …`, or nothing for the type's own. */
  readonly collate: string;
  readonly collation: string;
  /** The types that a value has: the column's own and, for a domain, those that it is over, outermost first. */
  readonly chain: readonly { readonly type: string; readonly modifier: number }[];
  readonly isEnum: boolean;
  readonly comment: string | null;
}

const SQL = `
  select a.attname as name, format_type(a.atttypid, a.atttypmod) as type, a.attcollation::text as collation,
    case when a.attcollation <> t.typcollation
      then format(' COLLATE %I.%I', cn.nspname, c.collname) else '' end as collate,
    t.typtype = 'e' as "isEnum",
    col_description(a.attrelid, a.attnum) as comment,
    (with recursive chain as (
       select t.oid, t.typtype, t.typbasetype, t.typtypmod, a.atttypmod as modifier, 1 as step
       union all
       select b.oid, b.typtype, b.typbasetype, b.typtypmod, chain.typtypmod, chain.step + 1
       from chain join pg_catalog.pg_type b on b.oid = chain.typbasetype where chain.typtype = 'd')
     select json_agg(json_build_object('type', chain.oid::regtype::text, 'modifier', chain.modifier) order by step) from chain) as chain
  from pg_catalog.pg_attribute a
  join pg_catalog.pg_type t on t.oid = a.atttypid
  left join pg_catalog.pg_collation c on c.oid = a.attcollation
  left join pg_catalog.pg_namespace cn on cn.oid = c.collnamespace
  where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped order by a.attnum`;

/** The columns of a table, which is named as SQL. */
export async function columnsOf(client: Transaction, target: string): Promise<Column[]> {
  return (await client.query<Column>(SQL, [target])).rows;
}

/** What takes any value of a type without a change. */
const WIDER: Readonly<Record<string, readonly string[]>> = {
  smallint: ['integer', 'bigint', 'numeric'],
  integer: ['bigint', 'numeric'],
  bigint: ['numeric'],
  real: ['double precision'],
  'character varying': ['text'],
};

/** Whether the archive's column keeps every value of the table's: the same type with the same modifier or none, or a wider one. */
export function keeps(archived: Column, column: Column): boolean {
  const [own] = archived.chain;
  if (!own) return false;
  // A column of another type than text has no collation: 0.
  if (archived.collation !== column.collation) return false;
  return column.chain.some(
    ({ type, modifier }) =>
      (own.type === type && (own.modifier === modifier || own.modifier === -1)) ||
      (own.modifier === -1 && WIDER[type]?.includes(own.type)),
  );
}

/** The part of an ALTER TABLE that gives the archive's column the type of the table's. */
export function alteration(archived: Column | undefined, column: Column): string {
  const name = identifier(column.name);
  const type = `${column.type}${column.collate}`;
  if (!archived) return `ADD COLUMN ${name} ${type}`;
  const value = archived.isEnum || column.isEnum ? `${name}::text` : name;
  return `ALTER COLUMN ${name} TYPE ${type} USING ${value}::${column.type}`;
}
