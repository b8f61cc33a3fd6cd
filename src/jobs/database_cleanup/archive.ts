// Archive tables: where deleted rows are copied to, in the transaction that deletes them.
import type { ClientBase } from 'pg';
import { PermanentError } from '../../errors.ts';
import { sqlState } from './database-errors.ts';
import type { Table } from './model.ts';
import { identifier } from './sql.ts';
import type { Archive } from './statements.ts';
import { transaction } from './transaction.ts';
import type { Work } from './work.ts';

const STAMP = 'archived_at';

/**
 * Creates what is missing and returns the archive of each table by its oid. A table whose archive can't take its rows has failed.
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
      const archive = await transaction(work.ctx.postgres, work.limits, (client) =>
        prepare(client, archiveSchema, table),
      );
      archives.set(table.oid, archive);
    } catch (error) {
      work.failures.set(table.oid, error as Error);
      work.ctx.log.error(`${table.label} has no archive: ${(error as Error).message}`, { table: table.label });
    }
  }
  return archives;
}

async function prepare(client: ClientBase, schema: string, table: Table): Promise<Archive> {
  const target = `${identifier(schema)}.${identifier(table.name)}`;
  await createIfMissing(client, schema, table, target);
  const columns = await columnsOf(client, table.target.replace('only ', ''));
  const archived = await columnsOf(client, target);
  const missing = columns.filter((column) => !archived.some((other) => other.name === column.name));
  if (missing.length > 0) {
    const additions = missing.map((column) => `ADD COLUMN ${identifier(column.name)} ${column.type}`);
    throw new Error(`the archive ${target} lacks columns; run: ALTER TABLE ${target} ${additions.join(', ')}`);
  }
  const stamped = !columns.some((column) => column.name === STAMP) && archived.some((column) => column.name === STAMP);
  return {
    target,
    columns: columns.map((column) => identifier(column.name)),
    stampColumn: stamped ? STAMP : undefined,
  };
}

/** Without constraints: an archive takes what its table held at any time. */
async function createIfMissing(client: ClientBase, schema: string, table: Table, target: string): Promise<void> {
  const exists = async () =>
    (await client.query<{ there: boolean }>('select to_regclass($1) is not null as there', [target])).rows[0]?.there;
  if (await exists()) return;
  await client.query('savepoint creation');
  try {
    const { rows } = await client.query('select from pg_catalog.pg_namespace where nspname = $1', [schema]);
    if (rows.length === 0) await client.query(`create schema if not exists ${identifier(schema)}`);
    await client.query(
      `create table if not exists ${target} as select *, now() as ${STAMP} from ${table.target} with no data`,
    );
  } catch (error) {
    // Another shard came first: unique_violation in the catalog, duplicate_table or duplicate_schema.
    if (!['23505', '42P07', '42P06'].includes(sqlState(error) ?? '')) throw error;
    await client.query('rollback to savepoint creation');
    if (!(await exists())) throw error;
  }
}

async function columnsOf(client: ClientBase, target: string): Promise<{ name: string; type: string }[]> {
  const { rows } = await client.query<{ name: string; type: string }>(
    `select attname as name, format_type(atttypid, atttypmod) as type from pg_catalog.pg_attribute
     where attrelid = to_regclass($1) and attnum > 0 and not attisdropped order by attnum`,
    [target],
  );
  return rows;
}
