// The database for commands that read or change it.

import { ConfigError } from '../errors.ts';
import { type Connection, withConnection } from '../postgres/connect.ts';
import { parseServer, type Server } from '../postgres/server.ts';
import { type Config, loadConfig } from './config.ts';

/** A command's way to the database. */
export interface Target {
  readonly config: Config;
  readonly server: Server;
}

/**
 * Finds the database that the environment names.
 * @param command shown in `pg_stat_activity`
 * @throws {ConfigError} the environment is invalid, or names none
 */
export function findDatabase(env: NodeJS.ProcessEnv, command: string): Target {
  const config = loadConfig(env);
  if (config.databaseUrl === undefined) {
    throw new ConfigError(
      'DATABASE_URL is not set, and locks and history are in PostgreSQL: set it to postgres://user:password@host:5432/database',
    );
  }
  return { config, server: parseServer(config.databaseUrl, { name: command }, config.connectTimeoutMs) };
}

/**
 * Works with a connection to the database that the environment names.
 * @throws {ConfigError | UnavailableError}
 */
export function withDatabase<T>(
  env: NodeJS.ProcessEnv,
  command: string,
  work: (connection: Connection, target: Target) => Promise<T>,
): Promise<T> {
  const target = findDatabase(env, command);
  return withConnection(target.server, (connection) => work(connection, target));
}
