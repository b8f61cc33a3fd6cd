// The slots of schedules in the history: which runs stand for them, and the records of those that nobody started.
import type { ErrorInfo } from '../runner/outcome.ts';
import type { Queries } from './queries.ts';
import type { RunRecord } from './records.ts';
import { ALIVE } from './run-sql.ts';

/** A span of time of a name: after one instant, up to and with another. */
export interface NameSpan {
  readonly name: string;
  readonly after: Date;
  readonly to: Date;
}

/** A slot that passed without a run. */
export interface MissedSlot {
  readonly name: string;
  readonly job: string;
  readonly at: Date;
}

/** A run that stands for a slot. A run that is dead is told as lost. */
export interface RunOfSlot {
  readonly name: string;
  readonly scheduledAt: Date;
  readonly status: RunRecord['status'];
  readonly reason?: string;
  readonly startedAt: Date;
  readonly shard: { readonly index: number; readonly count: number };
  readonly runId: string;
  readonly error?: ErrorInfo;
}

/** The scheduled times in these spans for which there are runs that aren't dry, by name, each once. */
export async function startedSlots(
  connection: Queries,
  spans: readonly NameSpan[],
): Promise<Map<string, ReadonlySet<number>>> {
  if (spans.length === 0) return new Map();
  const { rows } = await connection.query<{ name: string; slots: Date[] }>(
    `SELECT span.name, ARRAY(
       SELECT DISTINCT r.scheduled_at FROM run_job.runs r
       WHERE r.name = span.name AND r.scheduled_at > span.after AND r.scheduled_at <= span.upto AND r.status <> 'missed' AND NOT r.dry_run
     ) AS slots
     FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[]) AS span (name, after, upto)`,
    [spans.map(({ name }) => name), spans.map(({ after }) => after), spans.map(({ to }) => to)],
  );
  const found = new Map<string, Set<number>>();
  for (const { name, slots } of rows) {
    const all = found.get(name) ?? new Set();
    for (const slot of slots) all.add(slot.getTime());
    found.set(name, all);
  }
  return found;
}

/** The runs, and the records that say missed, of these slots of a name, the oldest first. */
export async function runsOfSlots(connection: Queries, name: string, slots: readonly Date[]): Promise<RunOfSlot[]> {
  const { rows } = await connection.query<Omit<RunOfSlot, 'shard'> & { index: number; count: number }>(
    `SELECT r.name, r.scheduled_at AS "scheduledAt", CASE WHEN r.status = 'running' AND NOT ${ALIVE} THEN 'lost' ELSE r.status END AS status,
       r.reason, r.started_at AS "startedAt", r.shard_index AS index, r.shard_count AS count, r.id AS "runId", r.error
     FROM run_job.runs r
     WHERE r.name = $1 AND r.scheduled_at = ANY($2) AND NOT r.dry_run
     ORDER BY r.started_at`,
    [name, slots],
  );
  return rows.map(({ index, count, ...row }) => ({
    ...(Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)) as Omit<RunOfSlot, 'shard'>),
    shard: { index, count },
  }));
}

/** The scheduled times of the newest records of a name, the newest first, as many as `limit` at most. */
export async function recordedSlots(connection: Queries, name: string, limit: number): Promise<Date[]> {
  const { rows } = await connection.query<{ at: Date }>(
    `WITH RECURSIVE slots (at) AS (
       (SELECT scheduled_at FROM run_job.runs WHERE name = $1 AND NOT dry_run ORDER BY scheduled_at DESC LIMIT 1)
       UNION ALL
       SELECT (
         SELECT r.scheduled_at FROM run_job.runs r WHERE r.name = $1 AND NOT r.dry_run AND r.scheduled_at < slots.at
         ORDER BY r.scheduled_at DESC LIMIT 1
       ) FROM slots WHERE slots.at IS NOT NULL
     )
     SELECT at FROM slots WHERE at IS NOT NULL LIMIT $2`,
    [name, limit],
  );
  return rows.map(({ at }) => at);
}

/** Which missed slots of a name to look for. */
export interface MissedFilter {
  readonly after: Date;
  readonly before: Date;
  /** How many at most. */
  readonly limit: number;
  /** The part of the work that no run has begun. */
  readonly shard: { readonly index: number; readonly count: number };
}

/**
 * Runs that left their slot to another: they have saved their progress, or couldn't begin, for want of the lock, of a place or of what they
 * need, or since their pod was ended while they waited. One that was skipped with 0 found the slot done, or somebody had decided that it shall
 * not be.
 */
const LEFT_TO_ANOTHER = `(r.status = 'continued' OR r.attempts = 0 AND r.status IN ('skipped', 'unavailable', 'interrupted') AND r.exit_code <> 0)`;

/**
 * The slots of a name that were missed and that no run has tried yet, or only begun, the oldest first. What was missed because the name was paused isn't
 * among them: somebody has decided that it shall not be done.
 */
export async function missedSlots(
  connection: Queries,
  name: string,
  { after, before, limit, shard }: MissedFilter,
): Promise<Date[]> {
  const { rows } = await connection.query<{ at: Date }>(
    `SELECT m.scheduled_at AS at FROM run_job.runs m
     WHERE m.name = $1 AND m.status = 'missed' AND m.reason <> 'paused' AND m.scheduled_at > $2 AND m.scheduled_at < $3 AND NOT EXISTS (
       SELECT FROM run_job.runs r
       WHERE r.name = m.name AND r.scheduled_at = m.scheduled_at AND r.status <> 'missed' AND NOT r.dry_run
         AND r.shard_index = $4 AND r.shard_count = $5 AND NOT ${LEFT_TO_ANOTHER}
     )
     ORDER BY m.scheduled_at LIMIT $6`,
    [name, after, before, shard.index, shard.count, limit],
  );
  return rows.map(({ at }) => at);
}

/** Until when a run r worked: one that is dead, or was taken for lost, until its deadline at the latest. */
export const WORKED_UNTIL = `coalesce(CASE WHEN r.status IN ('running', 'lost') THEN least(r.ended_at, r.deadline) ELSE r.ended_at END, 'infinity')`;

/** With its grace no run takes longer: what began before needn't be looked for among the records of what was missed since. */
const LONGEST_RUN = '25 days';

/** Runs that worked, which keep a CronJob from starting another. */
const WORKED = `r.status NOT IN ('skipped', 'missed')`;

/**
 * The places of those slots during which a run of their name was under way: one that had begun before the first of them, or since. Found once
 * for all slots of a name, since the records of those that were missed lie in between.
 */
const BUSY = `
spans AS (SELECT name, min(at) AS first, max(at) AS last FROM slots GROUP BY name),
works AS (
  SELECT spans.name, work.*
  FROM spans CROSS JOIN LATERAL (
    (SELECT r.started_at, ${WORKED_UNTIL} AS until FROM run_job.runs r
     WHERE r.name = spans.name AND r.started_at <= spans.first AND r.started_at > spans.first - interval '${LONGEST_RUN}' AND ${WORKED}
     ORDER BY r.started_at DESC LIMIT 1)
    UNION ALL
    (SELECT r.started_at, ${WORKED_UNTIL} FROM run_job.runs r
     WHERE r.name = spans.name AND r.started_at > spans.first AND r.started_at <= spans.last AND ${WORKED})
  ) AS work
),
busy AS (
  SELECT slots.place FROM slots JOIN works ON works.name = slots.name AND works.started_at <= slots.at AND works.until > slots.at
)`;

/** The reason for a missed slot, as far as the database tells: the name was paused, a run of it was under way, or nobody knows. */
const REASON = `CASE
  WHEN EXISTS (
    SELECT FROM run_job.pauses p WHERE p.name = slots.name AND p.since <= slots.at
      AND (p.ended_at IS NULL OR p.ended_at > slots.at) AND (p.until IS NULL OR p.until > slots.at)
  ) THEN 'paused'
  WHEN place IN (SELECT place FROM busy) THEN 'previous_running'
  ELSE 'unknown'
END`;

/**
 * Records slots that passed without a run, each once, however many do so at the same moment; a slot for which a run has begun meanwhile is
 * left out. Returns how many records are new.
 */
export async function recordMissed(
  connection: Queries,
  slots: readonly MissedSlot[],
  version: string,
): Promise<number> {
  if (slots.length === 0) return 0;
  // In one order, so that two who record the same slots wait for each other and not in a circle.
  const sorted = [...slots].sort((a, b) =>
    a.name === b.name ? a.at.getTime() - b.at.getTime() : a.name < b.name ? -1 : 1,
  );
  const { rowCount } = await connection.query(
    // Reasons are looked for before the first record is written: between the inserts, the rows just written would be walked for each.
    `WITH slots AS MATERIALIZED (
       SELECT slot.* FROM unnest($1::text[], $2::text[], $3::timestamptz[]) WITH ORDINALITY AS slot (name, job, at, place)
       WHERE NOT EXISTS (
         SELECT FROM run_job.runs r WHERE r.name = slot.name AND r.scheduled_at = slot.at AND r.status <> 'missed' AND NOT r.dry_run
       )
     ), ${BUSY}, judged AS MATERIALIZED (
       SELECT slots.*, ${REASON} AS reason FROM slots
     ), ordered AS MATERIALIZED (SELECT * FROM judged ORDER BY place)
     INSERT INTO run_job.runs (id, job, name, scheduled_at, shard_index, shard_count, status, reason, started_at, ended_at, dry_run, forced,
       version, host, pid, lock_key)
     SELECT gen_random_uuid(), job, name, at, 0, 1, 'missed', reason, at, clock_timestamp(), false, false, $4, '', 0, 0
     FROM ordered
     ON CONFLICT (name, scheduled_at) WHERE status = 'missed' DO NOTHING`,
    [sorted.map(({ name }) => name), sorted.map(({ job }) => job), sorted.map(({ at }) => at), version],
  );
  return rowCount ?? 0;
}

/** Says that all slots of these schedules up to an instant are settled; one that somebody else is at is left to them. */
export async function settle(connection: Queries, settled: readonly { id: string; to: Date }[]): Promise<void> {
  if (settled.length === 0) return;
  await connection.query(
    `UPDATE run_job.schedules s SET settled_to = done.upto
     FROM unnest($1::bigint[], $2::timestamptz[]) AS done (id, upto)
     WHERE s.id = done.id AND s.settled_to < done.upto
       AND s.id IN (SELECT id FROM run_job.schedules WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE SKIP LOCKED)`,
    [settled.map(({ id }) => id), settled.map(({ to }) => to)],
  );
}
