// Brings the schema run_job up to date: plain SQL files in order, each once, safe when many programs do it at the same time.

import { ConfigError } from '../errors.ts';
import { type Connection, withConnection } from './connect.ts';
import runs from './migrations/001_runs.sql';
import identity from './migrations/002_identity.sql';
import output from './migrations/003_output.sql';
import fence from './migrations/004_fence.sql';
import schedules from './migrations/005_schedules.sql';
import controls from './migrations/006_controls.sql';
import checkpoints from './migrations/007_checkpoints.sql';
import notifications from './migrations/008_notifications.sql';
import console from './migrations/009_console.sql';
import statistics from './migrations/010_statistics.sql';
import live from './migrations/011_live.sql';
import monitors from './migrations/012_monitors.sql';
import bulk from './migrations/013_bulk.sql';
import untold from './migrations/014_untold.sql';
import type { Server } from './server.ts';
import { SQLSTATE } from './sqlstate.ts';
import { inTransaction } from './undisturbed.ts';

/** One step of the schema. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
  /** Programs that only know earlier steps can't work with the schema after this one. */
  readonly breaking?: boolean;
}

export const MIGRATIONS: readonly Migration[] = [
  { version: 1, name: '001_runs', sql: runs },
  { version: 2, name: '002_identity', sql: identity },
  { version: 3, name: '003_output', sql: output },
  { version: 4, name: '004_fence', sql: fence },
  { version: 5, name: '005_schedules', sql: schedules },
  { version: 6, name: '006_controls', sql: controls },
  { version: 7, name: '007_checkpoints', sql: checkpoints },
  { version: 8, name: '008_notifications', sql: notifications },
  { version: 9, name: '009_console', sql: console },
  { version: 10, name: '010_statistics', sql: statistics },
  { version: 11, name: '011_live', sql: live },
  { version: 12, name: '012_monitors', sql: monitors },
  { version: 13, name: '013_bulk', sql: bulk },
  { version: 14, name: '014_untold', sql: untold },
];

/** How far a database's schema is. */
export interface SchemaState {
  /** The newest step that has been applied; 0 when there is no schema. */
  readonly version: number;
  /** What this version of run-job would apply. */
  readonly pending: readonly Migration[];
  /** Whether a newer run-job has changed the schema in a way that this version can't work with. */
  readonly tooNew: boolean;
}

/** Held while one program migrates. Not one of the keys that runs take, which are made of SHA-256. */
const MIGRATION_LOCK = `pg_advisory_xact_lock(hashtextextended('run-job/migrate', 0))`;

/** The others that migrate are waited for as long as they need; a job's long transaction isn't, since it blocks all behind us. */
const BEGIN = `
BEGIN ISOLATION LEVEL READ COMMITTED;
SET LOCAL statement_timeout = 0;
SET LOCAL lock_timeout = 0;
SELECT ${MIGRATION_LOCK};
SET LOCAL lock_timeout = '10s'`;

const MIGRATIONS_TABLE = `
CREATE TABLE IF NOT EXISTS run_job.migrations (
  version    integer     PRIMARY KEY,
  name       text        NOT NULL,
  breaking   boolean     NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now()
)`;

/**
 * Applies what is missing, each step in a transaction of its own, and returns it.
 * @throws {UnavailableError | ConfigError}
 */
export async function migrate(server: Server, migrations: readonly Migration[] = MIGRATIONS): Promise<Migration[]> {
  return withConnection(server, async (connection) => {
    const applied: Migration[] = [];
    for (const migration of (await readState(connection, migrations)).pending) {
      if (await apply(connection, migration).catch(mayNotChange)) applied.push(migration);
    }
    return applied;
  });
}

/**
 * Says how far the schema is, without a change.
 * @throws {UnavailableError | ConfigError}
 */
export async function schemaState(server: Server, migrations: readonly Migration[] = MIGRATIONS): Promise<SchemaState> {
  return withConnection(server, (connection) => readState(connection, migrations));
}

/** How far the schema is, as this connection sees it. */
export async function readState(connection: Connection, migrations: readonly Migration[]): Promise<SchemaState> {
  const applied = (await exists(connection, `to_regclass('run_job.migrations')`))
    ? await connection.query<{ version: number; breaking: boolean }>('SELECT version, breaking FROM run_job.migrations')
    : { rows: [] };
  const versions = applied.rows.map(({ version }) => version);
  const known = Math.max(0, ...migrations.map(({ version }) => version));
  return {
    version: Math.max(0, ...versions),
    pending: migrations.filter(({ version }) => !versions.includes(version)),
    tooNew: applied.rows.some(({ version, breaking }) => breaking && version > known),
  };
}

/** Applies one step, unless somebody else did while we waited for the lock. */
async function apply(connection: Connection, { version, name, breaking, sql }: Migration): Promise<boolean> {
  return inTransaction(connection, BEGIN, async () => {
    // Only when it is missing: even with IF NOT EXISTS it asks for the right to create schemas.
    if (!(await exists(connection, `to_regnamespace('run_job')`))) await connection.query('CREATE SCHEMA run_job');
    await connection.query(MIGRATIONS_TABLE);
    const { rowCount } = await connection.query(
      'INSERT INTO run_job.migrations (version, name, breaking) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
      [version, name, breaking ?? false],
    );
    if (rowCount === 1) await connection.query(sql);
    return rowCount === 1;
  });
}

async function exists(connection: Connection, lookup: string): Promise<boolean> {
  const { rows } = await connection.query<{ there: boolean }>(`SELECT ${lookup} IS NOT NULL AS there`);
  return rows[0]?.there ?? false;
}

/** A run that has too few rights needs a GRANT; a migration needs another role. */
function mayNotChange(error: Error & { code?: string }): never {
  if (error.code !== SQLSTATE.insufficientPrivilege) throw error;
  throw new ConfigError(
    `this role may not change the schema run_job (${error.message}); migrate as its owner, or as a role that may CREATE in the database`,
    { cause: error },
  );
}
