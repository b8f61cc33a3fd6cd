// Builds the database of a seed, cleans it, and compares what is left with what the oracle says.

import { deepStrictEqual, ok } from 'node:assert';
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { resultOf } from '../../../../src/errors.ts';
import type { Result } from '../../../../src/jobs/database_cleanup/result.ts';
import { identifier, labelOf, literal } from '../../../../src/jobs/database_cleanup/sql.ts';
import { type CleanupOptions, runCleanup } from '../support.ts';
import { columnsOf, ddlOf } from './ddl.ts';
import { generate } from './generate.ts';
import { groupOf, type Key, type Model, type Row, type Table } from './model.ts';
import { effectsOf, rowName, staying, stayingWithCascades } from './oracle.ts';

/** One row as the database has it. */
type Found = Record<string, number | string | null> & { readonly id: number };

/**
 * Runs the properties of one seed on a database of the pool, in schemas of its own, which stay: to drop them takes longer than to drop
 * the database.
 * @throws {Error} what doesn't hold, with the seed and its DDL
 */
export async function checkSeed(pool: pg.Pool, seed: number): Promise<void> {
  const model = generate(seed);
  const schema = `seed_${seed}`;
  const ddl = ddlOf(model, schema);
  const client = await pool.connect();
  try {
    await client.query(ddl);
    await check(model, schema, pool, client);
  } catch (error) {
    throw new Error(
      `seed ${seed}: ${(error as Error).message}\n${JSON.stringify(model.params)}, ${model.shards} shards\n${ddl}`,
      {
        cause: error,
      },
    );
  } finally {
    await client.query('reset search_path');
    client.release();
  }
}

async function check(model: Model, schema: string, pool: pg.Pool, client: pg.ClientBase): Promise<void> {
  const before = await read(client, model, schema);
  const dry = await clean(model, schema, pool, { dryRun: true });
  deepStrictEqual(await read(client, model, schema), before, 'a dry run changes nothing');
  checkEffects(model, schema, dry);
  const results: Result[] = [];
  for (let index = 0; index < model.shards; index += 1) {
    results.push(await clean(model, schema, pool, { shard: { index, count: model.shards } }));
  }
  const after = await read(client, model, schema);
  if (model.params.allowCascade) return checkCascades(model, after);
  checkRows(model, after);
  checkNumbers(model, schema, dry, results);
  await checkArchive(model, before, after, client);
  await checkLog(model, schema, after, client);
  // What holds for one in three holds for all, and each takes time.
  if (model.seed % 3 !== 0) return;
  const again = await clean(model, schema, pool, {});
  deepStrictEqual(again.totals.deleted, 0, 'a second run finds nothing that it may delete');
}

async function clean(model: Model, schema: string, pool: pg.Pool, options: CleanupOptions): Promise<Result> {
  const given = { schemas: [schema], allowLarge: true, live: {}, ...model.params };
  const refused = model.tables.some(({ sentinel }) => sentinel);
  try {
    const result = await runCleanup(pool, { ...options, params: given, runId: randomUUID() });
    ok(!refused, 'a table with a sentinel is refused');
    return result;
  } catch (error) {
    const told = resultOf(error);
    if (!refused || !told) throw error;
    const { failures } = told as Result;
    deepStrictEqual(
      Object.keys(failures ?? {}).toSorted(),
      model.tables
        .filter(({ sentinel }) => sentinel)
        .map((table) => labelOf(schema, table.name))
        .toSorted(),
      'only tables with a sentinel fail',
    );
    return told as Result;
  }
}

/** No live row is gone, no due row that can go stays, and no reference is lost but those to rows that went. */
function checkRows(model: Model, after: Map<Table, Found[]>): void {
  const stays = staying(model);
  for (const table of model.tables) {
    const left = new Map(after.get(table)?.map((row) => [row.id, row]));
    const expected = table.rows.filter((row) => stays.has(rowName(table, row)));
    deepStrictEqual(
      [...left.keys()].toSorted((a, b) => a - b),
      expected.map(({ id }) => id),
      `rows of ${table.name} that are left`,
    );
    for (const key of model.keys.filter(({ child }) => child === table)) {
      for (const row of expected) checkReference(key, row, left.get(row.id) as Found, stays);
    }
  }
}

function checkReference(key: Key, row: Row, found: Found, stays: ReadonlySet<string>): void {
  const to = row.refs.get(key.name);
  if (to === undefined) return;
  const expected = stays.has(rowName(key.parent, { id: to })) ? to : (key.fallback ?? null);
  const values = columnsOf(key).map((column) => found[column]);
  const group = expected === null ? null : groupOf(expected);
  deepStrictEqual(
    values,
    key.shape === 'single' ? [expected] : [group, expected],
    `what ${rowName(key.child, row)} refers to through ${key.name}`,
  );
}

/** The dry run tells what becomes of rows that aren't due. */
function checkEffects(model: Model, schema: string, dry: Result): void {
  for (const table of model.tables.filter(({ column, sentinel }) => column && !sentinel)) {
    const told = dry.tables[labelOf(schema, table.name)]?.effects ?? [];
    deepStrictEqual(
      Object.fromEntries(told.map(({ constraint, rows }) => [constraint, rows]).toSorted()),
      Object.fromEntries(Object.entries(effectsOf(model, table)).toSorted()),
      `what the delete of the due rows of ${table.name} does to others, by the dry run`,
    );
  }
}

/** With cascades allowed more than due rows go: those that a cascade takes, due ones that these had held, and no others. */
function checkCascades(model: Model, after: Map<Table, Found[]>): void {
  const stays = stayingWithCascades(model);
  for (const table of model.tables) {
    const left = new Set(after.get(table)?.map(({ id }) => id));
    for (const row of table.rows) {
      const name = rowName(table, row);
      ok(left.has(row.id) || !stays.has(name), `${name} is gone, and nothing takes it`);
    }
  }
}

/** What the dry run counts is what the run does, where the catalog tells all. */
function checkNumbers(model: Model, schema: string, dry: Result, results: readonly Result[]): void {
  const stays = staying(model);
  const foreseen = staying(model, true);
  for (const table of model.tables) {
    const label = labelOf(schema, table.name);
    if (!table.column || table.sentinel) continue;
    const due = table.rows.filter(({ age }) => age === 'due');
    const told = dry.tables[label] ?? { matched: 0, blocked: 0 };
    const done = results.map(
      (result) => result.tables[label] ?? { matched: 0, deleted: 0, blocked: 0, kept: 0, skippedLocked: 0 },
    );
    const sum = (of: (result: (typeof done)[0]) => number) => done.reduce((total, result) => total + of(result), 0);
    const staysNow = due.filter((row) => stays.has(rowName(table, row))).length;
    deepStrictEqual(told.matched, due.length, `due rows of ${table.name}, by the dry run`);
    const blocked = due.filter((row) => foreseen.has(rowName(table, row))).length;
    ok(told.blocked === blocked, `blocked rows of ${table.name}: ${told.blocked} by the dry run, and ${blocked} are`);
    deepStrictEqual(
      sum(({ deleted }) => deleted),
      due.length - staysNow,
      `deleted rows of ${table.name}, by the run`,
    );
    deepStrictEqual(
      sum(({ skippedLocked }) => skippedLocked),
      0,
      `locked rows of ${table.name}`,
    );
    if (model.shards > 1) continue;
    deepStrictEqual(
      sum(({ matched }) => matched),
      due.length,
      `due rows of ${table.name}, by the run`,
    );
    deepStrictEqual(
      sum(({ blocked, kept }) => blocked + kept),
      staysNow,
      `blocked and kept rows of ${table.name}`,
    );
  }
}

/** The archive has what went, as it was. */
async function checkArchive(
  model: Model,
  before: Map<Table, Found[]>,
  after: Map<Table, Found[]>,
  client: pg.ClientBase,
): Promise<void> {
  const { archiveSchema } = model.params;
  if (archiveSchema === undefined) return;
  const there = await client.query<{ name: string }>(
    'select relname as name from pg_class where relnamespace = to_regnamespace($1)',
    [archiveSchema],
  );
  const archived = model.tables.filter(({ name }) => there.rows.some((row) => row.name === name));
  const found = await read(client, { ...model, tables: archived }, archiveSchema);
  for (const table of model.tables) {
    const left = new Set(after.get(table)?.map(({ id }) => id));
    const gone = before.get(table)?.filter(({ id }) => !left.has(id)) ?? [];
    // In a cycle a row may lose a reference through SET NULL before it goes itself.
    const lost = model.keys.filter(({ child, onDelete }) => child === table && onDelete.startsWith('set'));
    const columns = new Set(['archived_at', ...lost.flatMap(columnsOf)]);
    const content = (rows: readonly Found[]) =>
      rows
        .map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => !columns.has(name))))
        .toSorted((a, b) => (a.id as number) - (b.id as number));
    deepStrictEqual(content(found.get(table) ?? []), content(gone), `the archive of ${table.name}`);
  }
}

/** A trigger that writes down each delete has fired for what went, and for nothing that was rolled back. */
async function checkLog(
  model: Model,
  schema: string,
  after: Map<Table, Found[]>,
  client: pg.ClientBase,
): Promise<void> {
  const logging = model.tables.filter(({ trigger }) => trigger === 'log');
  if (logging.length === 0) return;
  const { rows } = await client.query<{ tbl: string; id: number }>(`select tbl, id from ${schema}.logged order by id`);
  for (const table of logging) {
    const left = new Set(after.get(table)?.map(({ id }) => id));
    deepStrictEqual(
      rows.filter(({ tbl }) => tbl === table.name).map(({ id }) => id),
      table.rows.filter(({ id }) => !left.has(id)).map(({ id }) => id),
      `what the trigger of ${table.name} wrote down`,
    );
  }
}

/** All rows of all tables, in one query. */
async function read(
  client: pg.ClientBase,
  { tables }: Pick<Model, 'tables'>,
  schema: string,
): Promise<Map<Table, Found[]>> {
  if (tables.length === 0) return new Map();
  const each = tables.map(
    ({ name }) =>
      `${literal(name)}, (select coalesce(json_agg(t order by id), '[]') from ${schema}.${identifier(name)} t)`,
  );
  const { rows } = await client.query<{ found: Record<string, Found[]> }>(
    `select json_build_object(${each.join(', ')}) as found`,
  );
  return new Map(tables.map((table) => [table, rows[0]?.found[table.name] ?? []]));
}
