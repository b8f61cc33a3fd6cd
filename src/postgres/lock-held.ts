// Whether a run's lock is held and the run is to go on, asked from outside the run: for the watchdog, while the run itself can't ask.
import type { Cancellation } from '../runner/decisions.ts';
import { withConnection } from './connect.ts';
import { CANCELLED } from './decisions-sql.ts';
import { ADVISORY_LOCKS, LOCK_KEY } from './holder.ts';
import { runKey } from './keys.ts';
import type { Server } from './server.ts';
import { SQLSTATE, sqlStateOf } from './sqlstate.ts';

const HELD = `SELECT EXISTS (SELECT FROM ${ADVISORY_LOCKS} AND ${LOCK_KEY} = $2::bigint) AS held, ${CANCELLED} AS cancellation`;

/** What can be seen of a run from outside. */
export interface Seen {
  /** Whether its lock is held; undefined when the server is there and has no connection to give. */
  readonly held: boolean | undefined;
  readonly cancellation?: Cancellation | undefined;
}

/**
 * Asks over a short-lived connection of its own.
 * @throws {UnavailableError | ConfigError} it can't be reached
 */
export async function lockHeld(server: Server, runId: string): Promise<Seen> {
  try {
    return await withConnection(server, async (connection) => {
      const { rows } = await connection.ask(HELD, [runId, runKey(runId)], server.connectTimeoutMs);
      const [row] = rows as { held: boolean; cancellation: Cancellation | null }[];
      return { held: row?.held === true, cancellation: row?.cancellation ?? undefined };
    });
  } catch (error) {
    if (sqlStateOf(error) === SQLSTATE.tooManyConnections) return { held: undefined };
    if (sqlStateOf((error as Error).cause) === SQLSTATE.tooManyConnections) return { held: undefined };
    throw error;
  }
}
