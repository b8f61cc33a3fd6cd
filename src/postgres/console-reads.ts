// What the console reads besides what every command reads: what has changed since it looked last, and the runs of many names at once.

import { ADVISORY_LOCKS, LOCK_KEY } from './holder.ts';
import { placeKeys } from './keys.ts';
import type { Queries } from './queries.ts';
import { ALIVE } from './run-sql.ts';
import type { RunOfSlot } from './slots.ts';

/** How often records of a name have come to say a status, ever. */
export interface Total {
  readonly name: string;
  /** Empty where its runs have none. */
  readonly namespace: string;
  /** A status, or `dry_run`. */
  readonly status: string;
  readonly runs: number;
}

/** What tells whether anything has changed, but for what runs. */
export interface Pulse {
  /** By the database's clock. */
  readonly now: Date;
  /** A standby knows its own locks only: whether a run lives isn't known there. */
  readonly standby: boolean;
  readonly totals: readonly Total[];
  /** Changes with every schedule that begins or ends. */
  readonly schedules: string;
  /** Changes with every pause that somebody makes, changes or ends. */
  readonly pauses: string;
}

const FACTS = `
SELECT clock_timestamp() AS now, pg_is_in_recovery() AS standby,
  (SELECT concat_ws(' ', count(*), max(id), max(valid_to)) FROM run_job.schedules) AS schedules,
  (SELECT concat_ws(' ', count(*), count(ended_at), max(since), max(ended_at), md5(string_agg(concat(name, until, why), '' ORDER BY name, since) FILTER (WHERE ended_at IS NULL)))
    FROM run_job.pauses) AS pauses`;

/** Looks whether anything has changed; a few milliseconds for a thousand names. */
export async function readPulse(connection: Queries): Promise<Pulse> {
  const { rows } = await connection.query<Omit<Pulse, 'totals'>>(FACTS);
  const [facts] = rows;
  if (facts === undefined) throw new Error('PostgreSQL gave no answer to the question for its clock.');
  const totals = await connection.query<{ name: string; namespace: string; status: string; runs: number }>(
    'SELECT name, namespace, status, runs::float8 AS runs FROM run_job.totals',
  );
  return { ...facts, totals: totals.rows };
}

/** Whether our role may record slots that were missed, and settle schedules; nobody may on a standby. */
export async function mayRecord(connection: Queries): Promise<boolean> {
  const { rows } = await connection.query<{ may: boolean }>(
    `SELECT NOT pg_is_in_recovery() AND has_table_privilege('run_job.runs', 'INSERT') AND has_table_privilege('run_job.schedules', 'UPDATE')
       AND has_table_privilege('run_job.statistics', 'INSERT') AS may`,
  );
  return rows[0]?.may ?? false;
}

/** One of the newest runs of a name, without what only one page shows. */
export interface RecentRun extends RunOfSlot {
  readonly endedAt?: Date;
  readonly durationMs?: number;
  readonly namespace?: string;
}

/** A running one that is dead is told as lost. */
const STATUS = `CASE WHEN r.status = 'running' AND NOT ${ALIVE} THEN 'lost' ELSE r.status END`;

/** Without the errors, which may be long. */
const RECENT_COLUMNS = `r.name, r.scheduled_at AS "scheduledAt", ${STATUS} AS status,
  r.reason, r.started_at AS "startedAt", r.ended_at AS "endedAt", r.duration_ms::float8 AS "durationMs", r.namespace,
  r.shard_index AS index, r.shard_count AS count, r.id AS "runId"`;

type RecentRow = Omit<RecentRun, 'shard'> & { readonly index: number; readonly count: number };

const toRecent = ({ index, count, ...row }: RecentRow): RecentRun => ({
  ...(Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)) as Omit<RecentRun, 'shard'>),
  shard: { index, count },
});

/** The newest runs of these names by their slots, at most `limit` each, the newest first. */
export async function recentRuns(
  connection: Queries,
  names: readonly string[],
  limit: number,
): Promise<Map<string, RecentRun[]>> {
  const { rows } = await connection.query<RecentRow>(
    `SELECT recent.* FROM unnest($1::text[]) AS names (name) CROSS JOIN LATERAL (
       SELECT ${RECENT_COLUMNS} FROM run_job.runs r
       WHERE r.name = names.name AND NOT r.dry_run ORDER BY r.scheduled_at DESC LIMIT $2
     ) AS recent`,
    [names, limit],
  );
  return Map.groupBy(rows.map(toRecent), ({ name }) => name);
}

/** How many slots of a day ended alike. */
export interface DayCount {
  /** As `2026-02-03`, of UTC. */
  readonly day: string;
  /** Of the newest run of the slot or its part; a running one that is dead is told as lost. */
  readonly status: RecentRun['status'];
  readonly slots: number;
}

/** How the slots of a name ended since an instant, by day. */
export async function daysOf(connection: Queries, name: string, since: Date): Promise<DayCount[]> {
  const { rows } = await connection.query<DayCount>(
    `SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day, status, count(*)::float8 AS slots
     FROM (
       SELECT DISTINCT ON (r.scheduled_at, r.shard_index) r.scheduled_at AS at, ${STATUS} AS status FROM run_job.runs r
       WHERE r.name = $1 AND NOT r.dry_run AND r.scheduled_at >= $2
       ORDER BY r.scheduled_at DESC, r.shard_index, r.started_at DESC
     ) AS slots
     GROUP BY 1, 2`,
    [name, since],
  );
  return rows;
}

/** A slot that nobody has begun. */
export interface MissedRecord {
  readonly at: Date;
  readonly reason: string | null;
}

/** The newest slots of a name that are recorded as missed and for which nobody has begun since, the newest first. */
export async function missedOf(connection: Queries, name: string, limit: number): Promise<MissedRecord[]> {
  const { rows } = await connection.query<MissedRecord>(
    `SELECT m.scheduled_at AS at, m.reason FROM run_job.runs m
     WHERE m.name = $1 AND m.status = 'missed' AND NOT EXISTS (
       SELECT FROM run_job.runs r
       WHERE r.name = m.name AND r.scheduled_at = m.scheduled_at AND r.status <> 'missed' AND NOT r.dry_run
     )
     ORDER BY m.scheduled_at DESC LIMIT $2`,
    [name, limit],
  );
  return rows;
}

/** How busy a name was in a span of time. */
export interface Busy {
  readonly name: string;
  readonly runs: number;
  readonly busyMs: number;
}

/** A span of time, cut into equal steps. */
export interface Steps {
  readonly from: Date;
  readonly to: Date;
  readonly stepMs: number;
}

/** A run that began before the span is looked for so far back: longer ones are found while they run. */
const LONGEST = `interval '6 hours'`;

const IN_SPAN = `started_at > $1::timestamptz - ${LONGEST} AND started_at <= $2 AND status NOT IN ('running', 'missed') AND NOT dry_run AND ended_at > $1`;

/** The names that worked in a span of time, the busiest first, and how many runs of all names worked in each of its steps. */
export async function crowding(
  connection: Queries,
  { from, to, stepMs }: Steps,
): Promise<{ readonly names: Busy[]; readonly crowd: number[] }> {
  const names = await connection.query<{ name: string; runs: number; busyMs: number }>(
    `SELECT name, count(*)::float8 AS runs,
       sum(extract(epoch FROM least(ended_at, $2) - greatest(started_at, $1)) * 1000)::float8 AS "busyMs"
     FROM run_job.runs WHERE ${IN_SPAN} GROUP BY name ORDER BY 3 DESC, name`,
    [from, to],
  );
  const { rows } = await connection.query<{ first: number; last: number; runs: number }>(
    `SELECT greatest(0, floor(extract(epoch FROM started_at - $1) * 1000 / $3))::integer AS first,
       floor(extract(epoch FROM least(ended_at, $2) - $1) * 1000 / $3)::integer AS last, count(*)::float8 AS runs
     FROM run_job.runs WHERE ${IN_SPAN} GROUP BY 1, 2`,
    [from, to, stepMs],
  );
  const crowd = Array.from({ length: Math.ceil((to.getTime() - from.getTime()) / stepMs) }, () => 0);
  for (const { first, last, runs } of rows) {
    for (let step = first; step <= Math.min(last, crowd.length - 1); step++) crowd[step] = (crowd[step] ?? 0) + runs;
  }
  return { names: names.rows, crowd };
}

/** Runs of a name that began in one step of a span and ended alike, as one bar. */
export interface Bar {
  readonly name: string;
  /** A running one that is dead is told as lost. */
  readonly status: RecentRun['status'];
  /** From the first beginning to the last end; what still runs ends with the span. */
  readonly from: Date;
  readonly to: Date;
  readonly runs: number;
}

/** When these names worked in a span of time: of each no more bars than there are steps and statuses, however often it runs; the oldest first. */
export async function barsOf(
  connection: Queries,
  names: readonly string[],
  { from, to, stepMs }: Steps,
): Promise<Map<string, Bar[]>> {
  const { rows } = await connection.query<Bar>(
    `SELECT r.name, r.status, min(greatest(r.started_at, $2)) AS from, max(coalesce(r.ended_at, $3)) AS to, count(*)::float8 AS runs
     FROM unnest($1::text[]) AS names (name) CROSS JOIN LATERAL (
       SELECT r.name, r.started_at, r.ended_at, ${STATUS} AS status FROM run_job.runs r
       WHERE r.name = names.name AND NOT r.dry_run AND r.status <> 'missed' AND r.started_at > $2::timestamptz - ${LONGEST} AND r.started_at <= $3
         AND (r.ended_at IS NULL OR r.ended_at > $2)
     ) AS r
     GROUP BY r.name, r.status, floor(extract(epoch FROM greatest(r.started_at, $2) - $2) * 1000 / $4)
     ORDER BY 3`,
    [names, from, to, stepMs],
  );
  return Map.groupBy(rows, ({ name }) => name);
}

/** Runs that belong together with one: parts and other attempts of its slot, and pods of its Job; the oldest first, `limit` at most. */
export async function siblingsOf(
  connection: Queries,
  run: { readonly id: string; readonly name: string; readonly scheduledAt: Date; readonly jobUid?: string },
  limit: number,
): Promise<RecentRun[]> {
  const { rows } = await connection.query<RecentRow>(
    `SELECT ${RECENT_COLUMNS} FROM run_job.runs r
     WHERE r.name = $1 AND r.id <> $3 AND (r.scheduled_at = $2 OR ($4::text IS NOT NULL AND r.job_uid = $4
       AND r.scheduled_at BETWEEN $2::timestamptz - interval '1 day' AND $2::timestamptz + interval '1 day'))
     ORDER BY r.started_at LIMIT $5`,
    [run.name, run.scheduledAt, run.id, run.jobUid ?? null, limit],
  );
  return rows.map(toRecent);
}

/** What a job has saved of its progress. */
export interface Checkpoint {
  readonly value: unknown;
  readonly steps: unknown;
  readonly savedAt: Date | undefined;
  readonly saves: number;
}

/** What a run's slot has saved of its progress; undefined where nothing is saved, or the schema knows no such thing. */
export async function checkpointOf(
  connection: Queries,
  run: { readonly id: string; readonly name: string; readonly scheduledAt: Date },
): Promise<Checkpoint | undefined> {
  const there = await connection.query<{ there: boolean }>(
    `SELECT to_regclass('run_job.checkpoints') IS NOT NULL AS there`,
  );
  if (!there.rows[0]?.there) return undefined;
  const { rows } = await connection.query<{ value: unknown; steps: unknown; savedAt: Date | null; saves: number }>(
    `SELECT value, steps, saved_at AS "savedAt", saves::float8 AS saves FROM run_job.checkpoints
     WHERE name = $1 AND scheduled_at = $2 AND run_id = $3`,
    [run.name, run.scheduledAt, run.id],
  );
  const [row] = rows;
  return row && { ...row, savedAt: row.savedAt ?? undefined };
}

/** How many of the places are taken. */
export async function placesTaken(connection: Queries, limit: number): Promise<number> {
  const { rows } = await connection.query<{ taken: number }>(
    `SELECT count(*)::integer AS taken FROM (SELECT DISTINCT ${LOCK_KEY} AS key FROM ${ADVISORY_LOCKS}) AS held WHERE key = ANY($1::bigint[])`,
    [placeKeys(limit).map(String)],
  );
  return rows[0]?.taken ?? 0;
}

/** A pause of the past or the present. */
export interface PauseRecord {
  readonly since: Date;
  readonly until?: Date;
  readonly why: string;
  readonly by?: string;
  readonly endedAt?: Date;
  readonly endedBy?: string;
}

/** The pauses of a name, the newest first, ten at most. */
export async function pausesOf(connection: Queries, name: string): Promise<PauseRecord[]> {
  const { rows } = await connection.query(
    `SELECT since, until, why, paused_by AS by, ended_at AS "endedAt", ended_by AS "endedBy" FROM run_job.pauses
     WHERE name = $1 ORDER BY since DESC LIMIT 10`,
    [name],
  );
  return rows.map((row) =>
    Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)),
  ) as unknown as PauseRecord[];
}
