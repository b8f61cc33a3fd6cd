// The SQL that writes records of runs, and reads them for the runner.
import { ADVISORY_LOCKS, LOCK_KEY } from './holder.ts';

/** A statement and its values. */
export interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/**
 * Whether the run of the row `r` lives: somebody holds its lock. A standby knows its own locks only, and can't judge.
 * A row may be read as running a moment before its run ends and frees its lock: who only reads has to look twice.
 */
export const ALIVE = `(pg_is_in_recovery() OR r.lock_key IN (SELECT ${LOCK_KEY} FROM ${ADVISORY_LOCKS}))`;

const LOST_ERROR = JSON.stringify({
  name: 'LostError',
  message:
    'The process ended without a word: it was killed, ran out of memory, or its node was lost. The next run found it.',
});

/**
 * Closes the dead runs of the name $3 that aren't the run $1. Only rows that are still running when they are locked are
 * updated, so that a run that ends at this moment isn't touched.
 */
export const CLOSE_LOST = `lost AS (
  UPDATE run_job.runs r
  SET status = 'lost', exit_code = 137, ended_at = now(), error = '${LOST_ERROR.replaceAll("'", "''")}'
  WHERE r.name = $3 AND r.status = 'running' AND r.id <> $1 AND NOT ${ALIVE}
  RETURNING r.id
)`;

/** Inserts a record; when it is there already, this statement has been run twice. */
export function insert(columns: Record<string, unknown>): Statement {
  const names = Object.keys(columns);
  const places = names.map((_, index) => `$${index + 1}`);
  return {
    text: `INSERT INTO run_job.runs (${names.join()}) VALUES (${places.join()}) ON CONFLICT (id) DO NOTHING`,
    values: Object.values(columns),
  };
}

/** Updates the record `id`, whatever it says now; the run itself knows best. */
export function update(id: string, columns: Record<string, unknown>): Statement {
  const assignments = Object.keys(columns).map((name, index) => `${name} = $${index + 2}`);
  return {
    text: `UPDATE run_job.runs SET ${assignments.join()} WHERE id = $1`,
    values: [id, ...Object.values(columns)],
  };
}

/** Whether a record ended more than `days` ago. */
export function outdated(days: string): string {
  const before = `now() - make_interval(days => ${days})`;
  return `started_at < ${before} AND coalesce(ended_at, deadline) < ${before}`;
}

/** A record of before there were digests stands for any parameters. */
export const SUCCEEDED = `
SELECT id, ended_at FROM run_job.runs
WHERE name = $1 AND scheduled_at = $2 AND shard_index = $3 AND shard_count = $4 AND params_digest IN ($5, '')
  AND status = 'succeeded' AND NOT forced AND NOT dry_run
ORDER BY ended_at
LIMIT 1`;

export const PREVIOUS = `
SELECT id, scheduled_at, result FROM run_job.runs
WHERE name = $1 AND shard_index = $2 AND shard_count = $3 AND status = 'succeeded' AND NOT dry_run
ORDER BY scheduled_at DESC, started_at DESC
LIMIT $4`;

/** The update that changes nothing is what makes the row of another transaction be waited for, and returned. */
export const SCHEDULED_TIME = `
INSERT INTO run_job.job_times (job_uid, scheduled_at) VALUES ($1, $2)
ON CONFLICT (job_uid) DO UPDATE SET job_uid = excluded.job_uid
RETURNING scheduled_at`;

export const PRUNE_TIMES = 'DELETE FROM run_job.job_times WHERE created_at < now() - make_interval(days => $1)';

/**
 * Deletes $2 records that ended more than $1 days ago; a record without an end ended at its deadline at the latest.
 * SKIP LOCKED, since many runs may prune at once.
 */
export const PRUNE = {
  batch: 1_000,
  text: `
DELETE FROM run_job.runs WHERE id IN (
  SELECT id FROM run_job.runs
  WHERE ${outdated('$1')}
  ORDER BY started_at
  LIMIT $2
  FOR UPDATE SKIP LOCKED
)`,
};
