// The schema's migrations: each once, in order, whoever else migrates at the same time.
import { expect, test } from 'vitest';
import { MIGRATIONS, type Migration, migrate, schemaState } from '../../src/postgres/migrate.ts';
import { createDatabase } from '../support/database.ts';
import { serverAt } from './server-at.ts';

const LATEST = MIGRATIONS.at(-1)?.version ?? 0;
const NAMES = MIGRATIONS.map(({ name }) => name);

/** A step that some later version might bring. */
const later = (given: Partial<Migration> = {}): Migration => ({
  version: LATEST + 1,
  name: 'later',
  sql: 'CREATE TABLE run_job.later (id integer)',
  ...given,
});

test('a new database is migrated once, and then there is nothing to do', async () => {
  await using database = await createDatabase({ migrated: false });
  const server = serverAt(database.url);
  expect(await schemaState(server)).toMatchObject({ version: 0, pending: MIGRATIONS, tooNew: false });
  expect((await migrate(server)).map(({ name }) => name)).toEqual(NAMES);
  expect(await migrate(server)).toEqual([]);
  expect(await schemaState(server)).toEqual({ version: LATEST, pending: [], tooNew: false });
});

test('of ten programs that migrate at once, all succeed and each step is applied once', async () => {
  await using database = await createDatabase({ migrated: false });
  const applied = await Promise.all(Array.from({ length: 10 }, () => migrate(serverAt(database.url))));
  expect(applied.flat().map(({ name }) => name)).toEqual(NAMES);
  expect(await database.query('SELECT version FROM run_job.migrations ORDER BY version')).toEqual(
    MIGRATIONS.map(({ version }) => ({ version })),
  );
});

test('a step that fails leaves nothing of itself, and everything before it', async () => {
  await using database = await createDatabase({ migrated: false });
  const broken = later({ sql: 'CREATE TABLE run_job.half (id integer); SELECT 1 / 0' });
  await expect(migrate(serverAt(database.url), [...MIGRATIONS, broken])).rejects.toThrow('division by zero');
  expect(await schemaState(serverAt(database.url))).toMatchObject({ version: LATEST, pending: [] });
  expect(await database.query("SELECT to_regclass('run_job.half') AS half")).toEqual([{ half: null }]);
});

test('a schema that a newer version has changed is fine, unless the change breaks this version', async () => {
  await using database = await createDatabase();
  const server = serverAt(database.url);
  await migrate(server, [...MIGRATIONS, later()]);
  expect(await schemaState(server)).toEqual({ version: LATEST + 1, pending: [], tooNew: false });
  const breaking = later({ version: LATEST + 2, sql: 'SELECT 1', breaking: true });
  await migrate(server, [...MIGRATIONS, later(), breaking]);
  expect(await schemaState(server)).toEqual({ version: LATEST + 2, pending: [], tooNew: true });
});

test('a role that may not create in the database is told who may', async () => {
  await using database = await createDatabase({ migrated: false });
  const role = `${database.name}_app`;
  await database.query(`CREATE ROLE ${role} LOGIN PASSWORD 'app'`);
  try {
    const url = Object.assign(new URL(database.url), { username: role, password: 'app' }).href;
    await expect(migrate(serverAt(url))).rejects.toMatchObject({
      code: 'ERR_RUN_JOB_CONFIG',
      message: expect.stringContaining('may CREATE in the database'),
    });
  } finally {
    await database.query(`DROP ROLE ${role}`);
  }
});

test('the owner of the schema needs no right to create others', async () => {
  await using database = await createDatabase({ migrated: false });
  const role = `${database.name}_app`;
  await database.query(`CREATE ROLE ${role} LOGIN PASSWORD 'app'`);
  try {
    await database.query(`CREATE SCHEMA run_job AUTHORIZATION ${role}`);
    const url = Object.assign(new URL(database.url), { username: role, password: 'app' }).href;
    expect((await migrate(serverAt(url))).map(({ name }) => name)).toEqual(NAMES);
    await database.query(`DROP OWNED BY ${role}`);
  } finally {
    await database.query(`DROP ROLE ${role}`);
  }
});
