// The SQL that asks what is decided of a name and of a run: part of the message that takes the locks, and of what proves that they are held.
import { escapeLiteral } from 'pg';
import type { Cancellation, Decisions, Dependency, Pause } from '../runner/decisions.ts';
import { ALIVE } from './run-sql.ts';

/** Whom the decisions are asked of. */
export interface DecidedFor {
  readonly runId: string;
  readonly name: string;
  readonly jobUid?: string | undefined;
  /** Of the run's part of the work. */
  readonly shardIndex: number;
}

/** What `decisionColumns` answer. Times come as text, in the format of JSON whatever `DateStyle` is. */
export interface DecisionsRow {
  readonly pause: (Omit<Pause, 'since' | 'until'> & { readonly since: string; readonly until?: string }) | null;
  readonly cancellation: Cancellation | null;
  readonly rules: {
    readonly blackouts?: unknown;
    readonly timeZone: string;
    readonly after: readonly Dependency[];
    readonly pauseAfter?: number;
  } | null;
}

/** A pause that is in force now: nobody has ended it, and it hasn't by itself. */
export const IN_FORCE = '(ended_at IS NULL AND (until IS NULL OR until > now()))';

/** A pause as JSON. */
export const PAUSE = `json_strip_nulls(json_build_object('since', since, 'until', until, 'why', why, 'by', paused_by, 'failures', failures))`;

const CANCELLATION = `json_strip_nulls(json_build_object('by', requested_by, 'why', why))`;

/** The columns by which all of it is asked, each through an index. A new pod of a Job goes on with work that was cancelled. */
export function decisionColumns({ runId, name, jobUid, shardIndex }: DecidedFor): string {
  const ofName = `name = ${escapeLiteral(name)}`;
  const ofJob = jobUid === undefined ? '' : ` OR (job_uid = ${escapeLiteral(jobUid)} AND shard_index = ${shardIndex})`;
  return `(SELECT ${PAUSE} FROM run_job.pauses WHERE ${ofName} AND ${IN_FORCE}) AS pause,
  (SELECT ${CANCELLATION} FROM run_job.cancellations WHERE run_id = ${escapeLiteral(runId)}${ofJob} LIMIT 1) AS cancellation,
  (SELECT json_strip_nulls(json_build_object('blackouts', blackouts, 'timeZone', time_zone, 'after', after, 'pauseAfter', pause_after))
    FROM run_job.schedules WHERE ${ofName} AND valid_to IS NULL) AS rules`;
}

/** Of a row of `decisionColumns`. */
export function toDecisions({ pause, cancellation, rules }: DecisionsRow): Decisions {
  return {
    ...(pause && { pause: toPause(pause) }),
    ...(cancellation && { cancellation }),
    ...(rules && { rules }),
  };
}

export function toPause({ since, until, ...pause }: NonNullable<DecisionsRow['pause']>): Pause {
  return { ...pause, since: new Date(since), ...(until !== undefined && { until: new Date(until) }) };
}

/** Where the look is undone, so that the transaction that holds the locks keeps no lock of the tables that it has looked into. */
const LOOK = 'run_job_look';

/** How long the look may wait for a table that somebody has locked. */
const LOOK_LOCK_TIMEOUT = '1s';

/** Whether the run is cancelled, asked in the transaction that holds its locks: the third statement answers. */
export const lookForCancellation = (runId: string): string => `SAVEPOINT ${LOOK};
SET LOCAL lock_timeout = '${LOOK_LOCK_TIMEOUT}';
SELECT ${CANCELLATION} AS cancellation FROM run_job.cancellations WHERE run_id = ${escapeLiteral(runId)};
${UNDO_LOOK}`;

/** What undoes a look, also one that failed. */
export const UNDO_LOOK = `ROLLBACK TO SAVEPOINT ${LOOK}; RELEASE SAVEPOINT ${LOOK}`;

/** Whether the run $1 is cancelled, asked from elsewhere. */
export const CANCELLED = `(SELECT ${CANCELLATION} FROM run_job.cancellations WHERE run_id = $1)`;

/** What of the name $1 counts for the circuit breaker since it was resumed last: each run by itself, the parts of a sharded one together. */
const UNITS = `
recent AS (
  SELECT r.id, r.status, r.scheduled_at, r.shard_index, r.shard_count, r.started_at,
    (r.status = 'lost' OR (r.status = 'running' AND NOT ${ALIVE})) AS dead
  FROM run_job.runs r
  WHERE r.name = $1 AND NOT r.dry_run AND NOT (r.status = 'rejected' AND r.cronjob_name IS NULL)
    AND r.started_at > (SELECT coalesce(max(coalesce(ended_at, until)), '-infinity') FROM run_job.pauses WHERE name = $1)
  ORDER BY r.started_at DESC
  LIMIT 1000
), units AS (
  SELECT max(started_at) AS at,
    count(DISTINCT shard_index) FILTER (WHERE status = 'succeeded') = max(shard_count) AS succeeded,
    bool_or(dead OR status NOT IN ('running', 'succeeded', 'skipped', 'cancelled', 'continued', 'interrupted', 'missed')) AS failed,
    (array_agg(dead ORDER BY started_at DESC))[1] AS dead
  FROM recent
  GROUP BY CASE WHEN shard_count > 1 THEN scheduled_at::text ELSE id::text END
)`;

/**
 * Pauses the name $1 where its newest $2 units of work have failed, and, with $3, where the newest died without a word: others have looked
 * for themselves at their end.
 */
export const PAUSE_AFTER = `
WITH ${UNITS}, failures AS (
  SELECT count(*)::integer AS failures, coalesce((array_agg(dead ORDER BY at DESC))[1], false) AS newest_dead
  FROM units
  WHERE failed AND NOT succeeded AND at > (SELECT coalesce(max(at), '-infinity') FROM units WHERE succeeded)
)
INSERT INTO run_job.pauses (name, why, failures)
SELECT $1, CASE failures WHEN 1 THEN 'a run has failed' ELSE failures || ' runs in a row have failed' END, failures FROM failures
WHERE failures >= $2 AND (newest_dead OR NOT $3::boolean)
ON CONFLICT DO NOTHING
RETURNING ${PAUSE} AS pause`;

/** The schedule of the name $1 that is in force. */
export const SCHEDULE = `SELECT cron, time_zone, valid_from FROM run_job.schedules WHERE name = $1 AND valid_to IS NULL`;

/** What has become of the slot $2 of the name $1, or of its newest recorded one that isn't later than $3. */
export const STANDING = `
WITH slot AS (
  SELECT coalesce($2::timestamptz, (
    SELECT scheduled_at FROM run_job.runs WHERE name = $1 AND scheduled_at <= $3 AND NOT dry_run ORDER BY scheduled_at DESC LIMIT 1
  )) AS at
)
SELECT slot.at,
  EXISTS (
    SELECT FROM run_job.runs r
    WHERE r.name = $1 AND r.scheduled_at = slot.at AND r.status = 'succeeded' AND NOT r.dry_run
    GROUP BY r.shard_count
    HAVING count(DISTINCT r.shard_index) = r.shard_count
  ) AS succeeded,
  (
    SELECT r.status || coalesce(' (' || r.reason || ')', '') FROM run_job.runs r
    WHERE r.name = $1 AND r.scheduled_at = slot.at AND NOT r.dry_run
    ORDER BY r.started_at DESC LIMIT 1
  ) AS status
FROM slot
WHERE slot.at IS NOT NULL`;
