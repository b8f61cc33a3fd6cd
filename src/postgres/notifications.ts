// The outbox of notifications: what is due to be sent, and what has become of it. The rows are written by triggers (008_notifications.sql).
import type { ErrorInfo } from '../runner/outcome.ts';
import type { Queries } from './queries.ts';
import { CLOSE_ALL_LOST } from './run-sql.ts';

/** What has changed. */
export type NotificationKind = 'failed' | 'lost' | 'recovered' | 'missed' | 'overdue' | 'paused';

/** A notification, with what is known of its run and its name. */
export interface DueNotification {
  /** The same for the same change. */
  readonly key: string;
  readonly kind: NotificationKind;
  readonly name: string;
  readonly createdAt: Date;
  /** What time it is by the database's clock. */
  readonly now: Date;
  readonly runId: string | null;
  readonly scheduledAt: Date | null;
  readonly details: { readonly failures?: number; readonly since?: string | null; readonly reason?: string };
  /** Digests of the addresses that have it. */
  readonly sentTo: readonly string[];
  readonly job: string | null;
  readonly status: string | null;
  readonly exitCode: number | null;
  readonly attempts: number | null;
  readonly error: ErrorInfo | null;
  readonly traceId: string | null;
  readonly podName: string | null;
  readonly namespace: string | null;
  /** Which of the Job's pods it was, and how many Kubernetes starts at most; null outside of Kubernetes. */
  readonly pod: number | null;
  readonly pods: number | null;
  readonly owner: string | null;
  readonly runbook: string | null;
}

/** Nobody else sends what somebody has taken for so long, in seconds; doubled with each try, up to an hour. */
const LEASE_SECONDS = 60;
const LONGEST_LEASE_SECONDS = 3_600;

/** What couldn't be sent for so long is no news any more. */
const NEWS = "interval '24 hours'";

/** What waits for longer than anything may was written while the clock was ahead. */
const DUE = `(next_try_at <= clock_timestamp() OR next_try_at > clock_timestamp() + ${LONGEST_LEASE_SECONDS} * interval '1 second')`;

/**
 * Takes what is due, the oldest first. What is taken and never settled, since its taker was killed, is due again a minute later.
 */
export async function takeDue(connection: Queries, limit: number): Promise<DueNotification[]> {
  const { rows } = await connection.query<DueNotification>(
    `WITH due AS (
       UPDATE run_job.notifications
       SET tries = tries + 1, next_try_at = clock_timestamp() + least(${LEASE_SECONDS} * 2 ^ least(tries, 6), ${LONGEST_LEASE_SECONDS}) * interval '1 second'
       WHERE key IN (
         SELECT key FROM run_job.notifications
         WHERE done_at IS NULL AND ${DUE} AND created_at > clock_timestamp() - ${NEWS}
         ORDER BY created_at LIMIT $1
         FOR UPDATE SKIP LOCKED
       )
       RETURNING *
     )
     SELECT due.key, due.kind, due.name, due.created_at AS "createdAt", clock_timestamp() AS now, due.run_id AS "runId", due.scheduled_at AS "scheduledAt", due.details,
       due.sent_to AS "sentTo", coalesce(r.job, s.job) AS job, r.status, r.exit_code AS "exitCode", r.attempts, r.error, r.trace_id AS "traceId",
       r.pod_name AS "podName", coalesce(r.namespace, s.namespace) AS namespace,
       CASE WHEN r.job_uid IS NOT NULL THEN 1 + run_job.failed_pods(r.id, r.name, r.scheduled_at, r.job_uid, r.shard_index, r.shard_count) END AS pod,
       CASE WHEN r.job_uid IS NOT NULL THEN 1 + r.retries END AS pods, s.owner, s.runbook
     FROM due
     LEFT JOIN run_job.runs r ON r.id = due.run_id
     LEFT JOIN run_job.schedules s ON s.name = due.name AND s.valid_to IS NULL
     ORDER BY due.created_at, due.key`,
    [limit],
  );
  return rows;
}

/** Writes down which addresses have a notification now; `done` when these are all. */
export async function settleSent(
  connection: Queries,
  key: string,
  sentTo: readonly string[],
  done: boolean,
): Promise<void> {
  await connection.query(
    `UPDATE run_job.notifications
     SET sent_to = ARRAY(SELECT DISTINCT unnest(sent_to || $2::text[])), done_at = CASE WHEN $3 THEN clock_timestamp() ELSE done_at END
     WHERE key = $1`,
    [key, sentTo, done],
  );
}

/** Closes the records of all dead runs, which write their notifications by that; returns their ids. */
export async function closeLost(connection: Queries): Promise<string[]> {
  const { rows } = await connection.query<{ id: string }>(CLOSE_ALL_LOST);
  return rows.map(({ id }) => id);
}

/** Notes slots that nobody has begun in time, and that may still be started. */
export async function noteOverdue(
  connection: Queries,
  late: readonly { readonly name: string; readonly at: Date }[],
): Promise<void> {
  if (late.length === 0) return;
  await connection.query(
    `SELECT run_job.note_absence('overdue', name, at, NULL) FROM unnest($1::text[], $2::timestamptz[]) AS late (name, at) ORDER BY name`,
    [late.map(({ name }) => name), late.map(({ at }) => at)],
  );
}

/** What our role may do about what is due; on a standby nobody may do anything. */
export interface NotifyRights {
  readonly role: string;
  /** Take what is due and send it. */
  readonly send: boolean;
  /** Close records of dead runs. */
  readonly close: boolean;
}

export async function notifyRights(connection: Queries): Promise<NotifyRights> {
  const { rows } = await connection.query<NotifyRights>(
    `SELECT quote_ident(current_user) AS role, NOT pg_is_in_recovery() AND has_table_privilege('run_job.notifications', 'UPDATE') AS send,
       NOT pg_is_in_recovery() AND has_column_privilege('run_job.runs', 'status', 'UPDATE') AS close`,
  );
  return rows[0] ?? { role: '', send: false, close: false };
}
