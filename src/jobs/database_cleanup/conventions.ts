// Tables that mean something else by their column than "empty is live": refused before anything of theirs is deleted.

import type { QueryResult } from 'pg';
import { PermanentError } from '../../errors.ts';
import { counted } from './counted.ts';
import type { Table } from './model.ts';
import type { Params } from './params.ts';
import { overrideFor } from './patterns.ts';
import { identifier, literal } from './sql.ts';

/** No software that used this column can have deleted a row before that. */
const LONG_AGO = '1990-01-01';
/** Fewer rows than this may well have been deleted in the same instant. */
const SHARED_BY = 10;

/** The condition on a row that its time is before that. */
export const isAncient = (table: Table, alias: string): string =>
  `${alias}.${identifier(table.column)} < ${literal(LONG_AGO)}::${table.columnType}`;

/** What is known of a table's due rows: how many there are, and whether any is ancient. */
interface Counted {
  readonly due: number;
  readonly ancient: boolean;
}

/** What is asked of a table with due rows, and who judges the answers. */
interface Questions {
  /** Statements that have no values. */
  readonly statements: readonly string[];
  /**
   * Looks at what they found.
   * @throws {PermanentError} the rows look like live ones, or are all that the table has; with the numbers and the parameter that decides
   */
  refuse(answers: readonly QueryResult[]): void;
}

/** What tells whether a table's due rows may be live ones, or all that it has. */
export function questionConventions(params: Params, table: Table, count: Counted): Questions {
  const declared = overrideFor(params.live, table);
  const mayBeEmpty =
    params.allowLarge || overrideFor(Object.fromEntries(params.allowEmpty.map((name) => [name, true])), table);
  const sentinels = declared === null ? [] : sentinelStatements(params, table, count);
  const others = mayBeEmpty ? [] : [`select from ${table.target} as t where (${table.due('t')}) is not true limit 1`];
  return {
    statements: [...sentinels, ...others],
    refuse(answers) {
      if (sentinels.length > 0) refuseSentinels(table, count, declared !== undefined, answers);
      const left = answers[sentinels.length];
      if (others.length === 0 || (left?.rowCount ?? 0) > 0) return;
      throw new PermanentError(
        `${count.due === 1 ? `the only row of ${table.label} is` : `all ${count.due} rows of ${table.label} are`} due, which would leave it empty; if that is right, say so: --param ${shell(`allowEmpty=${table.label}`)}`,
      );
    },
  };
}

function sentinelStatements(params: Params, table: Table, { due, ancient }: Counted): string[] {
  const common = due <= params.guardAbove ? countCommon(params, table) : estimateCommon(params, table);
  return ancient ? [common, ancientRows(params, table)] : [common];
}

function refuseSentinels(
  { column, label, declares }: Table,
  { due }: Counted,
  declared: boolean,
  [commonly, anciently]: readonly QueryResult[],
): void {
  const common: Common = commonly?.rows[0] ?? { value: 'different times', rows: 0, without: 0 };
  const ancient: { value: string | null; rows: number } | undefined = anciently?.rows[0];
  const refuse = (because: string, value: string) => {
    throw new PermanentError(
      `${because}: such rows are taken for live ones, and nothing of ${label} is deleted. Say what its live rows hold: ` +
        `--param ${shell(`live={"${label}":"${value}"}`)}, or, if only rows without a time are live, --param ${shell(`live={"${label}":null}`)}`,
    );
  };
  const most = `${counted(common.rows, `of ${due} due rows holds`, `of ${due} due rows hold`)} ${common.value}`;
  if (!declared && declares.notNull) {
    refuse(`${label}.${column} is NOT NULL, so that live rows have a time as well, and ${most}`, common.value);
  }
  if (!declared && declares.byDefault !== null) {
    refuse(`${label}.${column} has the default ${declares.byDefault}, and ${most}`, common.value);
  }
  if (ancient?.value) {
    refuse(
      `${counted(ancient.rows, `row of ${label} has`, `rows of ${label} have`)} a ${column} before ${LONG_AGO}, such as ${ancient.value}`,
      ancient.value,
    );
  }
  if (common.rows >= SHARED_BY && common.rows > common.without) {
    const without = counted(common.without, 'has no time', 'have no time');
    refuse(`${common.rows} rows of ${label} hold the same ${column}, ${common.value}, and ${without}`, common.value);
  }
}

/** The most common time of due rows, how many of them hold it, and how many rows have no time. */
interface Common {
  readonly value: string;
  readonly rows: number;
  readonly without: number;
}

/** Rows without a time are counted only as far as it takes to know whether they are more. */
function countCommon(params: Params, table: Table): string {
  const column = `t.${identifier(table.column)}`;
  return `with common as materialized (
       select ${column} as value, count(*)::float8 as rows from ${table.target} as t where ${table.due('t')}
       group by 1 order by 2 desc, 1 limit 1)
     select ${asText(table, params, 'value')} as value, rows, (
         select count(*)::float8 from (
           select from ${table.target} as t where ${column} is null limit (select rows::bigint from common)) as without) as without
     from common`;
}

/** The same by what ANALYZE has found: to count the values of many rows would cost more than to delete them. */
const estimateCommon = (params: Params, table: Table): string =>
  `select ${asText(table, params, 'value')} as value, round(freq * total)::float8 as rows,
       round(null_frac * total)::float8 as without
     from (
       select t.value::text::${table.columnType} as value, t.freq, s.null_frac, greatest(c.reltuples, 0) as total
       from pg_catalog.pg_stats s
       join pg_catalog.pg_class c on c.oid = ${table.oid}::oid
       cross join lateral unnest(s.most_common_vals::text::text[], s.most_common_freqs) as t (value, freq)
       where s.schemaname = ${literal(table.schema)} and s.tablename = ${literal(table.name)}
         and s.attname = ${literal(table.column)} and s.inherited = ${table.partitioned}) as common
     where ${table.dueValue('value')} order by freq desc limit 1`;

function ancientRows(params: Params, table: Table): string {
  const column = `t.${identifier(table.column)}`;
  return `select ${asText(table, params, 'value')} as value, rows from (
       select min(${column}) as value, count(*)::float8 as rows from ${table.target} as t
       where ${table.due('t')} and ${isAncient(table, 't')}) as ancient`;
}

/** A time as the parameter `live` takes it: in the zone of the parameter `timeZone`. */
function asText({ columnType }: Table, { timeZone }: Params, value: string): string {
  const local = columnType === 'timestamptz' ? `(${value} at time zone ${literal(timeZone)})` : value;
  const format = columnType === 'date' ? 'YYYY-MM-DD' : 'YYYY-MM-DD HH24:MI:SS.US';
  return `case when isfinite(${value}) then to_char(${local}, '${format}') else ${value}::text end`;
}

/** A word of a shell's command. */
const shell = (text: string): string => (/^[\w.=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
