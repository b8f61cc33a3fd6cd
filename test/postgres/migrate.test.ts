// The schema's migrations: each once, in order, whoever else migrates at the same time.
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { openHistory } from '../../src/postgres/history.ts';
import { MIGRATIONS, type Migration, migrate, schemaState } from '../../src/postgres/migrate.ts';
import { SCHEMA_VERSION } from '../../src/postgres/schema-version.ts';
import { slotOf } from '../contracts/runs.ts';
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
  // Which of them applies which step is decided step by step.
  expect(
    applied
      .flat()
      .map(({ name }) => name)
      .sort(),
  ).toEqual([...NAMES].sort());
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

test('an old database keeps its history, while a run of the old version is under way', async () => {
  await using database = await createDatabase({ migrated: false });
  const server = serverAt(database.url);
  await migrate(server, MIGRATIONS.slice(0, 1));
  const columns = `id, job, scheduled_at, shard_index, shard_count, started_at, dry_run, forced, version, host, pid, lock_key`;
  const begin = (id: string, at: string) =>
    database.query(`INSERT INTO run_job.runs (${columns})
      VALUES ('${id}', 'report', '${at}', 0, 1, now(), false, false, '0.1.0', 'host', 1, 7)`);
  const end = (id: string) =>
    database.query(`UPDATE run_job.runs SET status = 'succeeded', exit_code = 0, ended_at = now() WHERE id = '${id}'`);
  const [old, running, later] = [randomUUID(), randomUUID(), randomUUID()];
  await begin(old, '2026-02-03T04:05:00Z');
  await end(old);
  await begin(running, '2026-02-03T04:06:00Z');
  await migrate(server);
  await end(running);
  // A pod of the old version that starts after the migration.
  await begin(later, '2026-02-03T04:07:00Z');
  await end(later);
  const rows = await database.query('SELECT id, name, params_digest FROM run_job.runs ORDER BY scheduled_at');
  expect(rows).toEqual([old, running, later].map((id) => ({ id, name: 'report', params_digest: '' })));
  const history = openHistory(server, { endWithinMs: 1_000 });
  try {
    const slot = slotOf('report', { index: 0, count: 1 }, new Date('2026-02-03T04:07:00Z'));
    expect(await history.succeeded(slot)).toMatchObject({ runId: later });
    expect(await history.previousRuns('report', slot.shard, 9)).toHaveLength(3);
  } finally {
    await history.close();
  }
});

test('what a run takes for the newest step is the newest', () => {
  expect(SCHEMA_VERSION).toBe(MIGRATIONS.at(-1)?.version);
});
