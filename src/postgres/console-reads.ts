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

/** Milliseconds of the epoch. */
const ms = (column: string) => `floor(date_part('epoch', ${column}) * 1000)`;

/** Without the errors, which may be long. As one array of JSON, which is read in a tenth of the time that columns take. */
const RECENT = `json_build_array(r.name, ${STATUS}, r.reason, ${ms('r.scheduled_at')}, ${ms('r.started_at')}, ${ms('r.ended_at')}, r.duration_ms, r.namespace,
  r.shard_index, r.shard_count, r.id)`;

type RecentRow = readonly [
  name: string,
  status: RecentRun['status'],
  reason: string | null,
  scheduledAt: number,
  startedAt: number,
  endedAt: number | null,
  durationMs: number | null,
  namespace: string | null,
  index: number,
  count: number,
  runId: string,
];

function toRecent([name, status, reason, scheduledAt, startedAt, endedAt, durationMs, ...rest]: RecentRow): RecentRun {
  const [namespace, index, count, runId] = rest;
  return {
    name,
    status,
    scheduledAt: new Date(scheduledAt),
    startedAt: new Date(startedAt),
    shard: { index, count },
    runId,
    ...(reason !== null && { reason }),
    ...(endedAt !== null && { endedAt: new Date(endedAt) }),
    ...(durationMs !== null && { durationMs }),
    ...(namespace !== null && { namespace }),
  };
}

/** The newest runs of these names by their slots, at most `limit` each, the newest first. */
export async function recentRuns(
  connection: Queries,
  names: readonly string[],
  limit: number,
): Promise<Map<string, RecentRun[]>> {
  const { rows } = await connection.query<{ name: string; runs: RecentRow[] | null }>(
    `SELECT names.name, (
       SELECT json_agg(${RECENT} ORDER BY r.scheduled_at DESC) FROM (
         SELECT * FROM run_job.runs r WHERE r.name = names.name AND NOT r.dry_run ORDER BY r.scheduled_at DESC LIMIT $2
       ) AS r
     ) AS runs FROM unnest($1::text[]) AS names (name)`,
    [names, limit],
  );
  return new Map(rows.map(({ name, runs }) => [name, (runs ?? []).map(toRecent)]));
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

/** Runs of a name that began in one step of a span and ended alike, as one bar. */
export interface Bar {
  /** A running one that is dead is told as lost. */
  readonly status: RecentRun['status'];
  /** From the first beginning to the last end, in seconds after the span's beginning; what still runs ends with the span. */
  readonly from: number;
  readonly to: number;
  readonly runs: number;
}

/** When a name worked in a span of time. */
export interface Busy {
  readonly name: string;
  readonly runs: number;
  readonly busyMs: number;
  /** By status, its bars as text, "from to runs" each: of a thousand names a hundredth of what they would take as objects. */
  readonly bars: readonly { readonly status: Bar['status']; readonly text: string }[];
}

/** A span of time, cut into equal steps. */
export interface Steps {
  readonly from: Date;
  readonly to: Date;
  readonly stepMs: number;
}

/** A run that began before the span is looked for so far back: longer ones are found while they run. */
const LONGEST = `interval '6 hours'`;

/** date_part, since what EXTRACT gives is a numeric, with which to reckon takes three times as long. */
const after = (time: string) => `date_part('epoch', ${time} - $1)`;

const BUSY = `
WITH worked AS MATERIALIZED (
  SELECT r.name, ${STATUS} AS status, greatest(0, ${after('r.started_at')})::integer AS begun,
    least(${after('$2::timestamptz')}, ${after('coalesce(r.ended_at, $2)')})::integer AS ended
  FROM run_job.runs r
  WHERE r.started_at > $1::timestamptz - ${LONGEST} AND r.started_at <= $2 AND r.status NOT IN ('running', 'missed') AND NOT r.dry_run
    AND r.ended_at > $1
  UNION ALL
  SELECT r.name, ${STATUS}, greatest(0, ${after('r.started_at')})::integer, ${after('$2::timestamptz')}::integer
  FROM run_job.runs r WHERE r.status = 'running' AND NOT r.dry_run AND r.started_at <= $2
)`;

/** The names that worked in a span of time, the busiest first, and how many runs of all names worked in each of its steps. */
export async function crowding(
  connection: Queries,
  { from, to, stepMs }: Steps,
): Promise<{ readonly names: Busy[]; readonly crowd: number[] }> {
  const seconds = Math.max(1, Math.round(stepMs / 1_000));
  const { rows } = await connection.query<{
    name: string;
    status: Bar['status'];
    runs: number;
    busy: number;
    text: string;
  }>(
    `${BUSY}
     SELECT name, status, sum(runs)::float8 AS runs, sum(busy)::float8 AS busy, string_agg(concat_ws(' ', begun, ended, runs), ',' ORDER BY begun) AS text
     FROM (
       SELECT name, status, min(begun) AS begun, max(ended) AS ended, count(*) AS runs, sum(ended - begun) AS busy
       FROM worked GROUP BY name, status, begun / $3::integer
     ) AS bars
     GROUP BY name, status`,
    [from, to, seconds],
  );
  const names = [...Map.groupBy(rows, ({ name }) => name)].map(([name, own]) => ({
    name,
    runs: own.reduce((sum, { runs }) => sum + runs, 0),
    busyMs: own.reduce((sum, { busy }) => sum + busy, 0) * 1_000,
    bars: own.map(({ status, text }) => ({ status, text })),
  }));
  names.sort((a, b) => b.busyMs - a.busyMs || (a.name < b.name ? -1 : 1));
  const spans = await connection.query<{ first: number; last: number; runs: number }>(
    `${BUSY} SELECT begun / $3::integer AS first, ended / $3::integer AS last, count(*)::float8 AS runs FROM worked GROUP BY 1, 2`,
    [from, to, seconds],
  );
  const crowd = Array.from({ length: Math.ceil((to.getTime() - from.getTime()) / stepMs) }, () => 0);
  for (const { first, last, runs } of spans.rows) {
    for (let step = first; step <= Math.min(last, crowd.length - 1); step++) crowd[step] = (crowd[step] ?? 0) + runs;
  }
  return { names, crowd };
}

/** The bars of a name, the oldest first of each status. */
export const barsOf = ({ bars }: Busy): Bar[] =>
  bars.flatMap(({ status, text }) =>
    text.split(',').map((bar) => {
      const [from = 0, to = 0, runs = 0] = bar.split(' ').map(Number);
      return { status, from, to, runs };
    }),
  );

/** Runs that belong together with one: parts and other attempts of its slot, and pods of its Job; the oldest first, `limit` at most. */
export async function siblingsOf(
  connection: Queries,
  run: { readonly id: string; readonly name: string; readonly scheduledAt: Date; readonly jobUid?: string },
  limit: number,
): Promise<RecentRun[]> {
  const { rows } = await connection.query<{ run: RecentRow }>(
    `SELECT ${RECENT} AS run FROM run_job.runs r
     WHERE r.name = $1 AND r.id <> $3 AND (r.scheduled_at = $2 OR ($4::text IS NOT NULL AND r.job_uid = $4
       AND r.scheduled_at BETWEEN $2::timestamptz - interval '1 day' AND $2::timestamptz + interval '1 day'))
     ORDER BY r.started_at LIMIT $5`,
    [run.name, run.scheduledAt, run.id, run.jobUid ?? null, limit],
  );
  return rows.map(({ run }) => toRecent(run));
}

/** What a job has saved of its progress. */
export interface Checkpoint {
  readonly value: unknown;
  readonly steps: unknown;
  readonly savedAt: Date | undefined;
  readonly saves: number;
}

/** What a run's slot has saved of its progress; undefined where nothing is saved, or the schema knows no such thing. */
export async function checkpointOf(connection: Queries, run: { readonly id: string }): Promise<Checkpoint | undefined> {
  const there = await connection.query<{ there: boolean }>(
    `SELECT to_regclass('run_job.checkpoints') IS NOT NULL AS there`,
  );
  if (!there.rows[0]?.there) return undefined;
  const { rows } = await connection.query<{ value: unknown; steps: unknown; savedAt: Date | null; saves: number }>(
    `SELECT c.value, coalesce(c.steps, '[]') AS steps, c.saved_at AS "savedAt", c.saves::float8 AS saves
     FROM run_job.checkpoints c JOIN run_job.runs r USING (name, scheduled_at, shard_index, shard_count, params_digest)
     WHERE r.id = $1 AND c.saved_at IS NOT NULL`,
    [run.id],
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
