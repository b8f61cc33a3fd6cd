// Ends the sessions that hold a name's lock: for a run that hangs where nobody can reach it.
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError } from '../errors.ts';
import type { Connection } from './connect.ts';
import { ADVISORY_LOCKS, findSessions, type HoldingSession, LOCK_KEY } from './holder.ts';
import { nameKey } from './keys.ts';
import { SQLSTATE } from './sqlstate.ts';

/** How long a session may take to end. */
const END_TIMEOUT_MS = 5_000;
const POLL_MS = 20;

/** Only while it still holds the lock: its process number may be somebody else's by now. */
const TERMINATE = `
SELECT pg_terminate_backend(pid) FROM ${ADVISORY_LOCKS} AND pid = $1 AND (${LOCK_KEY}) = $2`;

/** The sessions that hold the lock of a name, or of its shards. */
export function sessionsOf(connection: Connection, name: string, timeoutMs: number): Promise<HoldingSession[]> {
  return findSessions(connection, [nameKey(name)], timeoutMs);
}

/**
 * Ends these sessions, and waits until the lock is free of them.
 * @returns those that still hold it
 * @throws {ConfigError} the role may not end them
 */
export async function endSessions(
  connection: Connection,
  name: string,
  sessions: readonly HoldingSession[],
  timeoutMs: number,
): Promise<HoldingSession[]> {
  for (const { backendPid } of sessions) {
    await connection.query(TERMINATE, [backendPid, String(nameKey(name))]).catch(mayNotEnd);
  }
  const until = Date.now() + END_TIMEOUT_MS;
  for (;;) {
    const left = (await sessionsOf(connection, name, timeoutMs)).filter((session) =>
      sessions.some(({ backendPid }) => backendPid === session.backendPid),
    );
    if (left.length === 0 || Date.now() > until) return left;
    await sleep(POLL_MS);
  }
}

function mayNotEnd(error: Error & { code?: string }): never {
  if (error.code !== SQLSTATE.insufficientPrivilege) throw error;
  throw new ConfigError(
    'this role may not end the session that holds the lock; connect as the role that the run uses, or GRANT pg_signal_backend to this one',
    { cause: error },
  );
}
