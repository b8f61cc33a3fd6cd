// Asks a run to end, from outside the run, and looks what becomes of it.
import type { Connection } from './connect.ts';
import { ALIVE, LOST } from './run-sql.ts';

/** Of two who ask, the first is the one that is told. */
const REQUEST = `
INSERT INTO run_job.cancellations (run_id, requested_by, why, job_uid, shard_index, shard_count)
SELECT $1, $2, $3, r.job_uid, r.shard_index, r.shard_count
FROM (SELECT) AS one LEFT JOIN run_job.runs r ON r.id = $1
ON CONFLICT (run_id) DO NOTHING`;

/** Only a run that has never been seen: one that has a record keeps its request. */
const WITHDRAW = `
DELETE FROM run_job.cancellations c WHERE run_id = $1 AND NOT EXISTS (SELECT FROM run_job.runs r WHERE r.id = c.run_id)`;

/** Only where it still says running, since it may end at this moment. */
const CLOSE_DEAD = `
UPDATE run_job.runs r
SET status = 'lost', exit_code = ${LOST.exitCode}, ended_at = now(), error = $2
WHERE r.id = $1 AND r.status = 'running' AND NOT ${ALIVE}`;

/** Asks the run to end. */
export async function requestCancellation(
  connection: Connection,
  id: string,
  { by, why }: { readonly by: string; readonly why: string | undefined },
): Promise<void> {
  await connection.query(REQUEST, [id, by, why ?? null]);
}

/** Takes the request back, where no run of this id has ever been recorded. */
export async function withdrawCancellation(connection: Connection, id: string): Promise<void> {
  await connection.query(WITHDRAW, [id]);
}

/** Closes the record of a run whose lock nobody holds as lost; returns whether it was such a run. */
export async function closeDead(connection: Connection, id: string): Promise<boolean> {
  const { rowCount } = await connection.query(CLOSE_DEAD, [id, JSON.stringify(LOST.error)]);
  return rowCount === 1;
}
