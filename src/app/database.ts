// The database that locks and records runs, put together from PostgreSQL's adapter, which is loaded only where there is one.
import type { Server } from '../postgres/server.ts';
import type { Database, Ports } from '../runner/request.ts';
import type { Config } from './config.ts';

/** A database that has begun to connect, or what is wrong with its URL. What goes wrong later shows when it is first used. */
export interface OpenedDatabase {
  readonly server?: Server;
  readonly database?: Database;
  readonly openCheckpoints?: NonNullable<Ports['openCheckpoints']>;
  readonly problem?: unknown;
}

/**
 * Where the database is.
 * @throws {ConfigError} the URL can't be read
 */
export async function locate(
  databaseUrl: string,
  config: Config,
  run: { name: string; runId: string },
): Promise<Server> {
  const { parseServer } = await import('../postgres/postgres.ts');
  return parseServer(databaseUrl, run, config.connectTimeoutMs);
}

/** Begins to connect. Never throws. */
export async function openDatabase(
  databaseUrl: string,
  config: Config,
  run: { name: string; runId: string },
): Promise<OpenedDatabase> {
  const { createLocks, openHistory, SCHEMA_VERSION, Session } = await import('../postgres/postgres.ts');
  let server: Server;
  try {
    server = await locate(databaseUrl, config, run);
  } catch (problem) {
    return { problem };
  }
  // One connection from the start to the end: what locks lends it to what records, and gets it back.
  const session = new Session(server);
  const history = openHistory(server, { endWithinMs: config.recordMs }, session);
  const locks = createLocks(server, { checkMs: config.lockCheckMs, session, schemaVersion: SCHEMA_VERSION });
  const { host, port, database } = server.config;
  return {
    server,
    openCheckpoints: async () => (await import('../postgres/checkpoints.ts')).openCheckpoints(session),
    database: {
      attributes: {
        'db.system.name': 'postgresql',
        'db.namespace': database,
        'server.address': host,
        'server.port': port,
      },
      locks,
      history,
      rest: () => session.rest(),
      close: () => session.close(),
    },
  };
}
