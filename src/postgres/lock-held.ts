// Whether a run's lock is held, asked from outside the run: for the watchdog, while the run itself can't ask.
import { withConnection } from './connect.ts';
import { ADVISORY_LOCKS, LOCK_KEY } from './holder.ts';
import { runKey } from './keys.ts';
import type { Server } from './server.ts';
import { SQLSTATE, sqlStateOf } from './sqlstate.ts';

const HELD = `SELECT EXISTS (SELECT FROM ${ADVISORY_LOCKS} AND ${LOCK_KEY} = $1::bigint) AS held`;

/**
 * Asks over a short-lived connection of its own. Undefined when the server is there and has no connection to give.
 * @throws {UnavailableError | ConfigError} it can't be reached
 */
export async function lockHeld(server: Server, runId: string): Promise<boolean | undefined> {
  try {
    return await withConnection(server, async (connection) => {
      const { rows } = await connection.ask(HELD, [runKey(runId)], server.connectTimeoutMs);
      return (rows as { held: boolean }[])[0]?.held === true;
    });
  } catch (error) {
    if (sqlStateOf(error) === SQLSTATE.tooManyConnections) return undefined;
    if (sqlStateOf((error as Error).cause) === SQLSTATE.tooManyConnections) return undefined;
    throw error;
  }
}
