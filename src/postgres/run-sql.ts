// The SQL that writes records of runs, and reads them for the runner.
import type { CheckpointOwner } from '../runner/ports.ts';
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

/** What is told of a run whose record says running although nobody holds the run's lock: no more than is known. */
export const LOST = {
  exitCode: 137,
  error: {
    name: 'LostError',
    message:
      "Nobody holds this run's lock any more, and its record was never closed: the process was killed, ran out of memory, or lost its node or its way to the database. How far it got isn't known.",
  },
} as const;

/**
 * Closes the dead runs of the name $3 that aren't the run $1. Only rows that are still running when they are locked are
 * updated, so that a run that ends at this moment isn't touched.
 */
const CLOSE_LOST = `lost AS (
  ${closeLostWhere('r.name = $3 AND r.id <> $1')}
)`;

/** Closes the dead runs of all names. */
export const CLOSE_ALL_LOST = closeLostWhere('true');

function closeLostWhere(condition: string): string {
  return `UPDATE run_job.runs r
  SET status = 'lost', exit_code = ${LOST.exitCode}, ended_at = now(), error = '${JSON.stringify(LOST.error).replaceAll("'", "''")}'
  WHERE ${condition} AND r.status = 'running' AND NOT ${ALIVE}
  RETURNING r.id`;
}

/**
 * The next fence: larger than every one that has been committed. Microseconds, so that it grows even where a failover to a standby that
 * lagged behind, or a restored backup, has forgotten the last ones; they fit into a number of JavaScript's until the year 2255.
 */
const NEXT_FENCE = `greatest(
  (SELECT max(fence) FROM run_job.runs WHERE fence IS NOT NULL) + 1,
  (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
)`;

/**
 * Begins a record, and closes those of dead runs of the name; run twice, it changes nothing and answers the same.
 * @param checkIn the id that the run's Job checks in by, if it does
 */
export function startRun(
  columns: Record<string, unknown>,
  keepDays: number | undefined,
  checkIn: string | undefined,
): Statement {
  const { text, values } = insert(columns, { fence: NEXT_FENCE });
  const days = `$${values.length + 1}::integer`;
  const id = `$${values.length + 2}`;
  const names = Object.keys(columns);
  const of = (name: string) => `$${names.indexOf(name) + 1}`;
  const telling = checkIn === undefined ? undefined : beginCheckIn(id, of);
  // The id is the statement's first value, the name its third; then come digest, scheduled time and shard.
  return {
    text: `WITH ${CLOSE_LOST}, begun AS (${text} RETURNING fence)${telling?.cte ?? ''}
    SELECT ARRAY(SELECT id FROM lost) AS lost,
      coalesce((SELECT fence FROM begun), (SELECT fence FROM run_job.runs WHERE id = $1)) AS fence,
      EXISTS (SELECT FROM run_job.runs WHERE ${outdated(days)}) AS outdated,
      EXISTS (
        SELECT FROM run_job.checkpoints
        WHERE name = $3 AND params_digest = $4 AND scheduled_at = $5 AND shard_index = $6 AND shard_count = $7
      ) AS checkpointed,
      (SELECT json_strip_nulls(json_build_object('source', source, 'cron', cron, 'timeZone', time_zone, 'job', job, 'shards', shards,
          'cronJobName', cronjob_name, 'namespace', namespace, 'settledTo', settled_to))
        FROM run_job.schedules WHERE name = $3 AND valid_to IS NULL) AS schedule${telling?.columns ?? ''}`,
    values: [...values, keepDays, ...(checkIn === undefined ? [] : [checkIn])],
  };
}

/**
 * The first run of a Job to begin tells so. The update that changes nothing is what makes another's insert be waited for, and its row be seen:
 * shards begin at the same time.
 */
const beginCheckIn = (id: string, of: (column: string) => string) => ({
  cte: `, checked_in AS (
    INSERT INTO run_job.check_ins (id, run_id) VALUES (${id}, $1) ON CONFLICT (id) DO UPDATE SET id = excluded.id RETURNING run_id
  )`,
  columns: `,
      (SELECT run_id = $1 FROM checked_in) AS first_of_job,
      run_job.failed_pods($1, $3, ${of('scheduled_at')}, ${of('job_uid')}, ${of('shard_index')}, ${of('shard_count')}) AS failed_pods`,
});

/**
 * Inserts a record; when it is there already, this statement has been run twice.
 * @param computed columns whose values are SQL
 */
export function insert(columns: Record<string, unknown>, computed: Readonly<Record<string, string>> = {}): Statement {
  const names = [...Object.keys(columns), ...Object.keys(computed)];
  const places = [...Object.keys(columns).map((_, index) => `$${index + 1}`), ...Object.values(computed)];
  return {
    text: `INSERT INTO run_job.runs (${names.join()}) VALUES (${places.join()}) ON CONFLICT (id) DO NOTHING`,
    values: Object.values(columns),
  };
}

/** Of a record: whether it is still its run's own to close. One that says lost is somebody's guess, and the run knows better. */
const OWN = `status IN ('running', 'lost')`;

/** Updates the record `id` where it is still its run's own. */
export function updateOwn(id: string, columns: Record<string, unknown>): Statement {
  const { text, values } = update(id, columns);
  return { text: `${text} AND ${OWN}`, values };
}

/** The same statement, which also deletes the checkpoint of a slot that has succeeded. */
export function withoutCheckpoint({ text, values }: Statement, { slot, fence }: CheckpointOwner): Statement {
  const { name, scheduledAt, shard, paramsDigest } = slot;
  const of = [name, scheduledAt, shard.index, shard.count, paramsDigest, fence];
  const [n, s, i, c, d, f] = of.map((_, index) => `$${values.length + index + 1}`);
  return {
    text: `WITH done AS (
      DELETE FROM run_job.checkpoints
      WHERE name = ${n} AND scheduled_at = ${s} AND shard_index = ${i} AND shard_count = ${c} AND params_digest = ${d} AND fence <= ${f}
    ) ${text}`,
    values: [...values, ...of],
  };
}

/** Writes a whole record in one step; where its start has been committed although nobody was told, that is closed. */
export function recordRun(columns: Record<string, unknown>, ends: readonly string[]): Statement {
  const { text, values } = insert(columns);
  const closed = ends.map((name) => `${name} = excluded.${name}`).join();
  return { text: text.replace(/DO NOTHING$/, `DO UPDATE SET ${closed} WHERE runs.${OWN}`), values };
}

/** Updates the record `id`. */
export function update(id: string, columns: Record<string, unknown>): Statement {
  const assignments = Object.keys(columns).map((name, index) => `${name} = $${index + 2}`);
  return {
    text: `UPDATE run_job.runs SET ${assignments.join()} WHERE id = $1`,
    values: [id, ...Object.values(columns)],
  };
}

/** Whether a record ended more than `days` ago. */
function outdated(days: string): string {
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

const previous = (ended: string) => `
SELECT id, scheduled_at, result FROM run_job.runs
WHERE name = $1 AND shard_index = $2 AND shard_count = $3 AND ${ended} AND NOT dry_run
ORDER BY scheduled_at DESC, started_at DESC
LIMIT $4`;

/** Earlier runs by how they ended; of those that didn't succeed, those that have something to tell. */
export const PREVIOUS = {
  succeeded: previous(`status = 'succeeded'`),
  anyhow: previous(`(status = 'succeeded' OR ended_at IS NOT NULL AND result IS NOT NULL)`),
} as const;

/** The update that changes nothing is what makes the row of another transaction be waited for, and returned. */
export const SCHEDULED_TIME = `
INSERT INTO run_job.job_times (job_uid, scheduled_at) VALUES ($1, $2)
ON CONFLICT (job_uid) DO UPDATE SET job_uid = excluded.job_uid
RETURNING scheduled_at`;

/** What isn't a record and is of no use any more: what is older than records are, and statistics of before the last 30 days. */
export const PRUNE_OTHERS = `
WITH old AS (DELETE FROM run_job.statistics WHERE day < (now() AT TIME ZONE 'UTC')::date - 31),
cancellations AS (DELETE FROM run_job.cancellations WHERE requested_at < now() - make_interval(days => $1)),
pauses AS (DELETE FROM run_job.pauses WHERE coalesce(ended_at, until) < now() - make_interval(days => $1)),
told AS (DELETE FROM run_job.check_ins WHERE created_at < now() - make_interval(days => $1)),
silent AS (DELETE FROM run_job.live WHERE told_at < now() - make_interval(days => $1)),
notified AS (DELETE FROM run_job.notifications WHERE created_at < now() - make_interval(days => $1))
DELETE FROM run_job.job_times WHERE created_at < now() - make_interval(days => $1)`;

/** A checkpoint is kept for as long as the record of the run that saved it; one that a run goes on from now, until that has ended. */
export const PRUNE_CHECKPOINTS = `
DELETE FROM run_job.checkpoints c
WHERE coalesce(saved_at, created_at) < now() - make_interval(days => $1)
  AND NOT EXISTS (SELECT FROM run_job.runs r WHERE r.id = c.run_id AND r.status = 'running')`;

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
