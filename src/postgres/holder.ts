// Who holds a lock: the session that PostgreSQL names, and the run whose record has that session's run lock.
import type { Holder } from '../runner/ports.ts';
import type { Connection } from './connect.ts';
import { placeOf, type RunRow } from './rows.ts';

/** A session that holds a lock. */
export interface HoldingSession extends Holder {
  /** The server's process, for pg_terminate_backend. */
  readonly backendPid: number;
  readonly applicationName: string;
}

/** The key of an advisory lock as we take it (one bigint), from the two halves that pg_locks shows. */
export const LOCK_KEY = '(classid::bigint << 32) | objid::bigint';

/** The advisory locks of this database that are taken with one bigint, by whoever. */
export const ADVISORY_LOCKS = `pg_locks
  WHERE locktype = 'advisory' AND objsubid = 1 AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

const SESSIONS = `
WITH held AS MATERIALIZED (SELECT pid, ${LOCK_KEY} AS key FROM ${ADVISORY_LOCKS})
SELECT a.pid AS backend_pid, a.application_name, a.xact_start, held_run.*
FROM (SELECT DISTINCT pid FROM held WHERE key = ANY ($1::bigint[]) AND pid <> pg_backend_pid()) AS holder
JOIN pg_stat_activity a USING (pid)
LEFT JOIN LATERAL (
  SELECT r.id, r.started_at, r.host, r.pid, r.pod_name, r.job_name, r.job_uid, r.cronjob_name, r.namespace, r.node_name
  FROM held JOIN run_job.runs r ON r.lock_key = held.key AND r.status = 'running'
  WHERE held.pid = a.pid
  LIMIT 1
) AS held_run ON true
ORDER BY a.xact_start NULLS LAST`;

type Row = { backend_pid: number; application_name: string; xact_start: Date | null } & (RunRow | { id: null });

/** The sessions that hold one of these locks, the oldest first. */
export async function findSessions(
  connection: Connection,
  keys: readonly bigint[],
  timeoutMs: number,
): Promise<HoldingSession[]> {
  const { rows } = await connection.ask(SESSIONS, [keys.map(String)], timeoutMs);
  return (rows as Row[]).map((row) => {
    const runId = row.id ?? idIn(row.application_name);
    const since = row.id === null ? row.xact_start : row.started_at;
    return {
      backendPid: row.backend_pid,
      applicationName: row.application_name,
      ...(runId !== undefined && { runId }),
      ...(row.id !== null && { place: placeOf(row) }),
      ...(since !== null && { since }),
    };
  });
}

/** The oldest of them. */
export async function findHolder(
  connection: Connection,
  keys: readonly bigint[],
  timeoutMs: number,
): Promise<Holder | undefined> {
  const [session] = await findSessions(connection, keys, timeoutMs);
  if (session === undefined) return undefined;
  const { backendPid: _, applicationName: __, ...holder } = session;
  return holder;
}

/** A run that has its lock and not yet its record has its id in the session's name. */
function idIn(applicationName: string): string | undefined {
  return /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.exec(applicationName)?.[0];
}
