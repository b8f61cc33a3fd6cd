// Finds the tables to clean and what refers to them.

import { PermanentError } from '../../errors.ts';
import type { Transaction } from '../../job.ts';
import type { PartitionRow, RootRow } from './catalog.ts';
import columnsSql from './columns.sql';
import { cutoffOf, dueCondition, usualRetentionMs } from './due.ts';
import foreignKeysSql from './foreign-keys.sql';
import type { ColumnType, Ctx, Declared, ForeignKey, Partition, Server, Table } from './model.ts';
import partitionsSql from './partitions.sql';
import { means, overrideFor } from './patterns.ts';
import { obstacleOf, problemOf } from './problems.ts';
import rootsSql from './roots.sql';
import { identifier, labelOf } from './sql.ts';
import tablesSql from './tables.sql';

interface Candidate {
  readonly oid: string;
  readonly schema: string;
  readonly name: string;
  readonly partitioned: boolean;
  /** Each column of a name that may say when a row was deleted: its type, and which time it is; null when it is none. */
  readonly columns: Readonly<Record<string, { readonly type: string; readonly time: ColumnType | null }>>;
}

/** A candidate and the column that was chosen for it. */
type Chosen = Candidate & { readonly column: string; readonly columnType: ColumnType };

/** What the database looks like to the job. */
export interface Discovered {
  readonly tables: readonly Table[];
  readonly foreignKeys: readonly ForeignKey[];
}

/** A guess for a table that was never analyzed. */
const USUAL_ROWS_PER_BLOCK = 60;

/**
 * Reads the catalogs.
 * @throws {PermanentError} a schema, listed table or override means nothing that exists
 */
export async function discover(client: Transaction, ctx: Ctx, server: Server): Promise<Discovered> {
  const chosen = choose(await candidates(client, ctx), ctx);
  if (chosen.length === 0) return { tables: [], foreignKeys: [] };
  const oids = chosen.map((table) => table.oid);
  const partitions = (await client.query<PartitionRow>(partitionsSql, [oids, chosen.map((table) => table.column)]))
    .rows;
  const roots = (await client.query<RootRow>(rootsSql, [oids])).rows;
  const declared = await declarations(client, chosen);
  const members = [...new Set([...oids, ...partitions.flatMap((partition) => partition.path)])];
  const foreignKeys = await keysThatPointAt(client, members);

  const tables = chosen.map((table): Table => {
    const facts = roots.find((root) => root.oid === table.oid);
    const own = partitions.filter((partition) => partition.root === table.oid);
    const referring = foreignKeys.filter((key) => key.parentOid === table.oid);
    const retentionMs = overrideFor(ctx.params.retention, table) ?? usualRetentionMs(ctx.params);
    const cutoff = cutoffOf(server.base, retentionMs);
    const live = [overrideFor(ctx.params.live, table) ?? []].flat();
    const dueValue = dueCondition(table.columnType, cutoff, ctx.params.timeZone, live);
    const label = labelOf(table.schema, table.name);
    const whole = `${identifier(table.schema)}.${identifier(table.name)}`;
    return {
      oid: table.oid,
      schema: table.schema,
      name: table.name,
      label,
      target: table.partitioned ? whole : `only ${whole}`,
      partitioned: table.partitioned,
      column: table.column,
      columnType: table.columnType,
      cutoff,
      due: (alias) => dueValue(`${alias}.${identifier(table.column)}`),
      dueValue,
      declares: declared.get(table.oid) ?? { notNull: false, byDefault: null },
      partitions: facts
        ? own.filter((partition) => !partition.foreign).map((partition) => toPartition(partition, whole, facts, server))
        : [],
      triggers: facts?.triggers ?? [],
      obstacle: obstacleOf({ label, whole, partitions: own, referring }),
      published: own.some((partition) => partition.published),
      rowSecurity: facts?.rowSecurity === true || own.some((partition) => partition.rowSecurity),
      problem:
        facts && problemOf({ label, whole, facts, partitions: own, referring, role: server.role, params: ctx.params }),
    };
  });
  for (const partition of partitions.filter((partition) => partition.foreign)) {
    ctx.log.warn(`${partition.schema}.${partition.name} is a foreign table: its rows are left alone`);
  }
  return { tables, foreignKeys };
}

/** What is declared of the chosen columns. A default of infinity is none: it is never due, so it may well mean live. */
async function declarations(client: Transaction, chosen: readonly Chosen[]): Promise<Map<string, Declared>> {
  const { rows } = await client.query<Declared & { oid: string }>(columnsSql, [
    chosen.map((table) => table.oid),
    chosen.map((table) => table.column),
  ]);
  return new Map(
    rows.map(({ oid, notNull, byDefault }) =>
      /^'infinity'/.test(byDefault ?? '') ? [oid, { notNull: false, byDefault: null }] : [oid, { notNull, byDefault }],
    ),
  );
}

/** The foreign keys that point at these tables, at the tables that refer to them, and so on: a cascade may go that far. */
async function keysThatPointAt(client: Transaction, oids: readonly string[]): Promise<ForeignKey[]> {
  const found: ForeignKey[] = [];
  const seen = new Set<string>();
  for (let next = [...oids]; next.length > 0; ) {
    for (const oid of next) seen.add(oid);
    const { rows } = await client.query<ForeignKey>(foreignKeysSql, [next]);
    found.push(...rows);
    next = [...new Set(rows.map((key) => key.childOid))].filter((oid) => !seen.has(oid));
  }
  return found;
}

async function candidates(client: Transaction, { params }: Ctx): Promise<Candidate[]> {
  const all = params.schemas.includes('*');
  if (params.archiveSchema !== undefined && params.schemas.includes(params.archiveSchema)) {
    throw new PermanentError(
      `The schema ${params.archiveSchema} can't be cleaned and hold the archive: take it from schemas, or name another archiveSchema`,
    );
  }
  if (!all) {
    const { rows } = await client.query<{ name: string }>(
      'select u.name from unnest($1::text[]) as u (name) where to_regnamespace(quote_ident(u.name)) is null',
      [params.schemas],
    );
    if (rows[0]) throw new PermanentError(`There is no schema ${rows[0].name}; correct the parameter schemas`);
  }
  const columns = [params.column, ...Object.values(params.columns)];
  const { rows } = await client.query<Candidate>(tablesSql, [all ? null : params.schemas, columns]);
  return rows.filter((table) => table.schema !== params.archiveSchema);
}

function choose(candidates: readonly Candidate[], { params, log }: Ctx): Chosen[] {
  const withColumn: Chosen[] = [];
  const others: (Candidate & { column: string; type: string })[] = [];
  for (const table of candidates) {
    const column = overrideFor(params.columns, table) ?? params.column;
    const { type = '', time = undefined } = table.columns[column] ?? {};
    if (time) withColumn.push({ ...table, column, columnType: time });
    else if (time === null) others.push({ ...table, column, type });
  }
  const wanted = {
    tables: params.tables ?? [],
    retention: Object.keys(params.retention),
    columns: Object.keys(params.columns),
    live: Object.keys(params.live),
    allowEmpty: params.allowEmpty,
  };
  for (const [parameter, patterns] of Object.entries(wanted)) {
    // A misspelt name must not mean "the usual": an override that is never applied would delete too early.
    const idle = patterns.find((pattern) => pattern !== '*' && !withColumn.some((table) => means(pattern, table)));
    if (idle === undefined) continue;
    throw new PermanentError(
      `The parameter ${parameter} names ${idle}, and ${params.schemas.join(', ')} has no such table with a column ` +
        `${overrideFor(params.columns, { schema: '', name: idle }) ?? params.column} of type timestamp, timestamptz or date`,
    );
  }
  const isWanted = (table: Candidate): boolean =>
    (params.tables ?? ['*']).some((pattern) => means(pattern, table)) &&
    params.include.some((pattern) => means(pattern, table)) &&
    !params.exclude.some((pattern) => means(pattern, table));
  for (const { schema, name, column, type } of others.filter(isWanted)) {
    const label = labelOf(schema, name);
    log.warn(
      `${label} isn't cleaned: its column ${column} is of type ${type}, and not timestamp, timestamptz or date; ` +
        'name another column (columns), or exclude the table',
      { table: label },
    );
  }
  return withColumn.filter(isWanted);
}

function toPartition(partition: PartitionRow, whole: string, root: RootRow, server: Server): Partition {
  // Statements go to the partition itself: the plan is small and its indexes serve. They go through the table where only that is
  // granted, or where its policies or statement triggers would otherwise be passed by; and where a partition has rules, which hold only
  // for statements that name it.
  const isPartition = partition.path.length > 1;
  const through =
    isPartition &&
    (partition.missing.length > 0 ||
      partition.ruled ||
      root.rowSecurity ||
      root.triggers.some((trigger) => !trigger.row));
  return {
    oid: partition.oid,
    path: partition.path,
    name: labelOf(partition.schema, partition.name),
    target: through ? whole : `only ${identifier(partition.schema)}.${identifier(partition.name)}`,
    // By the bounds the planner leaves the other partitions out.
    only: through
      ? ` and t.tableoid = ${partition.oid}::oid${partition.bounds === null ? '' : ` and (${partition.bounds})`}`
      : '',
    blocks: partition.bytes / server.blockSize,
    rowsPerBlock: partition.rowsPerBlock ?? USUAL_ROWS_PER_BLOCK,
    indexed: partition.indexed,
  };
}
