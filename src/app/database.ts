// The database that locks and records runs, put together from PostgreSQL's adapter.

import type { Server } from '../postgres/server.ts';
import { STEP_LIMITS } from '../runner/conclude.ts';
import type { Database } from '../runner/request.ts';
import type { Config } from './config.ts';

const postgres = () => import('../postgres/postgres.ts');

/**
 * Where the database is.
 * @throws {ConfigError} the URL can't be read
 */
export async function locate(
  databaseUrl: string,
  config: Config,
  run: { job: string; runId: string },
): Promise<Server> {
  const { parseServer } = await postgres();
  return parseServer(databaseUrl, run, config.connectTimeoutMs);
}

/** A database that has begun to connect; what goes wrong shows when it is first used. */
export async function openDatabase(server: Server, config: Config): Promise<Database> {
  const { createLocks, openHistory } = await postgres();
  const history = openHistory(server, { endWithinMs: STEP_LIMITS.record });
  const locks = createLocks(server, { checkMs: config.lockCheckMs, warm: true });
  const { host, port, database } = server.config;
  return {
    attributes: {
      'db.system.name': 'postgresql',
      'db.namespace': database,
      'server.address': host,
      'server.port': port,
    },
    locks,
    history,
    async close() {
      await Promise.all([locks.close(), history.close()]);
    },
  };
}
