// Archive tables: where deleted rows are copied to, in the transaction that deletes them.
import { PermanentError } from '../../errors.ts';
import type { Transaction } from '../../job.ts';
import { alteration, type Column, columnsOf, keeps } from './archive-columns.ts';
import { mayBeThere, tellError } from './database-errors.ts';
import type { Ctx, Table } from './model.ts';
import { identifier, literal, withoutOnly } from './sql.ts';
import type { Archive } from './statements.ts';
import { transaction } from './transaction.ts';
import { readingLimits, type Work } from './work.ts';

/** The archive's own column, which says when a row was deleted; where its table has one of that name itself, the other. */
const STAMP = 'archived_at';
const OTHER_STAMP = 'run_job_archived_at';
/** Tells the archive's own column from one that its table got later. */
const STAMP_COMMENT = 'When run-job deleted the row from its table';

/**
 * Creates what is missing, but not in a dry run, and returns the archive of each table by its oid. A table whose archive can't take its rows
 * has failed.
 * @throws {PermanentError} two tables would share an archive, or cascades would pass it by
 */
export async function prepareArchives(work: Work, tables: readonly Table[]): Promise<Map<string, Archive>> {
  const { archiveSchema, allowCascade } = work.ctx.params;
  const archives = new Map<string, Archive>();
  if (archiveSchema === undefined) return archives;
  if (allowCascade) {
    throw new PermanentError(
      'archiveSchema and allowCascade exclude each other: rows taken by a cascade are not archived',
    );
  }
  const twin = tables.find((table) => tables.some((other) => other !== table && other.name === table.name));
  if (twin) {
    throw new PermanentError(
      `Two schemas have a table ${twin.name}, and ${archiveSchema} has room for one; clean them in runs with an archiveSchema each`,
    );
  }
  for (const table of tables) {
    try {
      const limits = work.ctx.dryRun ? readingLimits(work) : work.limits;
      const archive = await transaction(work.ctx, limits, (client) => prepare(work.ctx, client, archiveSchema, table));
      archives.set(table.oid, archive);
    } catch (error) {
      work.failures.set(table.oid, error as Error);
      work.ctx.log.error(`${table.label} has no archive: ${tellError(work.ctx, error)}`, { table: table.label });
    }
  }
  return archives;
}

async function prepare(ctx: Ctx, client: Transaction, schema: string, table: Table): Promise<Archive> {
  const target = `${identifier(schema)}.${identifier(table.name)}`;
  const columns = await columnsOf(client, withoutOnly(table.target));
  const stamp = columns.some((column) => column.name === STAMP) ? OTHER_STAMP : STAMP;
  if (!ctx.dryRun) await createIfMissing(ctx, client, schema, table, target, stamp);
  const archived = await columnsOf(client, target);
  const of = (name: string) => archived.find((column) => column.name === name);
  const taken = columns.find(({ name }) => of(name)?.comment === STAMP_COMMENT);
  if (taken) {
    const name = identifier(taken.name);
    throw new PermanentError(
      `${table.label} has got a column ${taken.name}, and that of the archive ${target} holds the time of the delete; ` +
        `run: ALTER TABLE ${target} RENAME COLUMN ${name} TO ${identifier(OTHER_STAMP)}`,
    );
  }
  const lacking = archived.length === 0 ? [] : columns.filter((column) => !of(column.name));
  const different = columns.filter((column) => {
    const other = of(column.name);
    return other && !keeps(other, column);
  });
  if (lacking.length + different.length > 0) {
    const because = [
      lacking.length > 0 && `lacks columns of ${table.label}`,
      different.length > 0 &&
        `has other types (${different.map((column) => tellTypes(column, of(column.name))).join(', ')})`,
    ].filter(Boolean);
    const alterations = [...different, ...lacking].map((column) => alteration(of(column.name), column));
    throw new PermanentError(
      `the archive ${target} ${because.join(' and ')}, and would not hold what is deleted; run: ALTER TABLE ${target} ${alterations.join(', ')}`,
    );
  }
  return {
    target,
    columns: columns.map((column) => identifier(column.name)),
    stampColumn: of(stamp) && identifier(stamp),
  };
}

const tellTypes = (column: Column, archived: Column | undefined): string =>
  `${column.name}: ${archived?.type}${archived?.collate} for ${column.type}${column.collate}`;

/** Without constraints: an archive takes what its table held at any time. */
async function createIfMissing(
  ctx: Ctx,
  client: Transaction,
  schema: string,
  table: Table,
  target: string,
  stamp: string,
): Promise<void> {
  const exists = async () =>
    (await client.query<{ there: boolean }>('select to_regclass($1) is not null as there', [target])).rows[0]?.there;
  if (await exists()) return;
  await client.query('savepoint creation');
  try {
    const { rows } = await client.query('select from pg_catalog.pg_namespace where nspname = $1', [schema]);
    if (rows.length === 0) await client.query(`create schema if not exists ${identifier(schema)}`);
    await client.query(
      `create table if not exists ${target} as select *, now() as ${identifier(stamp)} from ${table.target} with no data`,
    );
    await client.query(`comment on column ${target}.${identifier(stamp)} is ${literal(STAMP_COMMENT)}`);
  } catch (error) {
    // Perhaps another shard came first.
    if (!mayBeThere(ctx, error)) throw error;
    await client.query('rollback to savepoint creation');
    if (!(await exists())) throw error;
  }
}
