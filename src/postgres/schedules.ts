// The schedules that are known: reads run_job.schedules, and brings it up to what a file or a run tells.
import type { Connection } from './connect.ts';
import { toJson } from './json.ts';
import type { Queries } from './queries.ts';
import { SQLSTATE, sqlStateOf } from './sqlstate.ts';
import { begin, inTransaction } from './undisturbed.ts';

/** What a run waits for: that a slot of another name has succeeded. */
export interface AfterName {
  readonly name: string;
  readonly slot: 'same' | 'latest';
  /** How long it is waited for, in milliseconds; as long as for the lock unless given. */
  readonly withinMs?: number;
}

/** What somebody tells of a name's schedule. */
export interface ScheduleTold {
  readonly name: string;
  readonly job: string;
  readonly cron: string;
  readonly timeZone: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** What run-job is called with; absent where nobody said. */
  readonly args?: readonly string[];
  readonly shards: number;
  readonly timeoutMs?: number;
  /** activeDeadlineSeconds: how long a Job with all its retries may take. */
  readonly deadlineSeconds?: number;
  /** How late Kubernetes still starts a slot; absent for no limit. */
  readonly startingDeadlineSeconds?: number;
  /** How long after its slot a run may begin without being late. */
  readonly lateAfterMs: number;
  readonly catchUp: 'latest' | 'all';
  readonly catchUpLimit: number;
  readonly pauseAfter?: number;
  /** After how many further failures in a row they are told of again. */
  readonly notifyEvery?: number;
  readonly blackouts?: {
    readonly timeZone?: string;
    readonly dates?: readonly string[];
    readonly weekly?: readonly { readonly from: string; readonly to: string }[];
  };
  readonly after: readonly AfterName[];
  /** Whether the CronJob starts nothing: such a schedule has no slots. */
  readonly suspend: boolean;
  readonly owner?: string;
  readonly runbook?: string;
  readonly tags: readonly string[];
  readonly cronJobName?: string;
  readonly namespace?: string;
}

/** A schedule, and the time in which it was in force. */
export interface Schedule extends ScheduleTold {
  readonly id: string;
  /** Who tells of it: a file's source, or `run`. */
  readonly source: string;
  readonly validFrom: Date;
  readonly validTo?: Date;
  /** All of its slots up to here are settled. */
  readonly settledTo: Date;
}

/** The source of schedules that runs bring themselves. */
export const BY_RUN = 'run';

/** What became of one name. */
export interface ScheduleChange {
  readonly name: string;
  readonly change: 'new' | 'changed' | 'unchanged' | 'retired';
  /** The source that told of it before, where that was another. */
  readonly from?: string;
}

/** Each column and the SQL that reads it under the name it has here; node-postgres gives a bigint as text. */
const COLUMNS = `
  id::text, name, job, cron, time_zone AS "timeZone", source, params, args, shards, timeout_ms::float8 AS "timeoutMs",
  deadline_seconds::float8 AS "deadlineSeconds", starting_deadline_seconds::float8 AS "startingDeadlineSeconds",
  late_after_ms::float8 AS "lateAfterMs", catch_up AS "catchUp", catch_up_limit AS "catchUpLimit", pause_after AS "pauseAfter", notify_every AS "notifyEvery", blackouts,
  after, suspend, owner, runbook, tags, cronjob_name AS "cronJobName", namespace, valid_from AS "validFrom", valid_to AS "validTo",
  settled_to AS "settledTo"`;

/** Held while somebody writes schedules, so that two files are applied one after the other. */
const WRITE_LOCK = `pg_advisory_xact_lock(hashtextextended('run-job/schedules', 0))`;

/** How long one statement of a writer may take. */
const STATEMENT_TIMEOUT_MS = 30_000;

/** The schedules in force, by name; only of these names where given. */
export async function schedulesInForce(connection: Connection, names?: readonly string[]): Promise<Schedule[]> {
  const text = `SELECT ${COLUMNS} FROM run_job.schedules WHERE valid_to IS NULL ${names ? 'AND name = ANY($1)' : ''} ORDER BY name`;
  return toSchedules(await connection.query(text, names ? [names] : []));
}

/** The schedules of a name that were in force at some time after `since`, the oldest first. */
export async function schedulesOf(connection: Connection, name: string, since: Date): Promise<Schedule[]> {
  const text = `SELECT ${COLUMNS} FROM run_job.schedules WHERE name = $1 AND (valid_to IS NULL OR valid_to > $2) ORDER BY valid_from`;
  return toSchedules(await connection.query(text, [name, since]));
}

/** The schedules in force, and those of before that may have slots that nobody has judged; by name, the oldest first. */
export async function schedulesToJudge(connection: Queries, names?: readonly string[]): Promise<Schedule[]> {
  const text = `
    SELECT ${COLUMNS} FROM run_job.schedules
    WHERE (valid_to IS NULL OR (settled_to < valid_to AND NOT suspend)) ${names ? 'AND name = ANY($1)' : ''}
    ORDER BY name, valid_from`;
  return toSchedules(await connection.query(text, names ? [[...names]] : []));
}

/**
 * Whether missed slots of a name are to be caught up with: since when, and how many at most; undefined where the schedule in force doesn't say
 * so.
 */
export async function catchUpOf(
  connection: Queries,
  name: string,
): Promise<{ readonly since: Date; readonly limit: number } | undefined> {
  const { rows } = await connection.query<{ since: Date; limit: number }>(
    `SELECT coalesce(
       (SELECT max(valid_to) FROM run_job.schedules WHERE name = $1 AND valid_to IS NOT NULL AND catch_up <> 'all'),
       (SELECT min(valid_from) FROM run_job.schedules WHERE name = $1)
     ) AS since, catch_up_limit AS limit
     FROM run_job.schedules WHERE name = $1 AND valid_to IS NULL AND catch_up = 'all'`,
    [name],
  );
  return rows[0];
}

/** How schedules are applied. */
export interface ApplyOptions {
  readonly dryRun?: boolean;
  /** Looks through all that would be in force, while nobody else writes; what it throws undoes everything. */
  readonly check?: (schedules: readonly ScheduleTold[]) => void;
}

/**
 * Brings what is known up to what `source` tells: what is new begins, what has changed ends and begins anew, and what this source told of
 * before and doesn't any more ends. All or nothing; who writes at the same time waits.
 */
export async function applySchedules(
  connection: Connection,
  source: string,
  told: readonly ScheduleTold[],
  options: ApplyOptions = {},
): Promise<ScheduleChange[]> {
  try {
    return await applyOnce(connection, source, told, options);
  } catch (error) {
    if (sqlStateOf(error) !== SQLSTATE.uniqueViolation) throw error;
    // A run has told of a new name at the same moment: now that is seen.
    return applyOnce(connection, source, told, options);
  }
}

async function applyOnce(
  connection: Connection,
  source: string,
  told: readonly ScheduleTold[],
  { dryRun = false, check }: ApplyOptions,
): Promise<ScheduleChange[]> {
  const apply = async () => {
    await connection.query(`SELECT ${WRITE_LOCK}`);
    const current = new Map((await schedulesInForce(connection)).map((schedule) => [schedule.name, schedule]));
    const changes: ScheduleChange[] = told.map((schedule) => changeOf(schedule, source, current.get(schedule.name)));
    const names = new Set(told.map(({ name }) => name));
    for (const { name, source: of } of current.values()) {
      if (of === source && !names.has(name)) changes.push({ name, change: 'retired' });
    }
    const others = [...current.values()].filter((other) => other.source !== source && !names.has(other.name));
    check?.([...told, ...others]);
    const ending = changes.filter(({ change }) => change === 'changed' || change === 'retired');
    const beginning = changes.filter(({ change }) => change === 'new' || change === 'changed').map(({ name }) => name);
    // The clock is read when the lock is held, so that what waited begins after what it waited for.
    await connection.query(END, [ending.map(({ name }) => name)]);
    for (const schedule of told.filter(({ name }) => beginning.includes(name))) {
      await connection.query(BEGIN, [source, ...valuesOf(schedule)]);
    }
    return changes.sort((a, b) => (a.name < b.name ? -1 : 1));
  };
  return inTransaction(connection, begin(STATEMENT_TIMEOUT_MS), apply, dryRun ? 'ROLLBACK' : 'COMMIT');
}

/**
 * Tells of a schedule as a run does: it begins where nobody tells of the name, and takes the place of what a run told before; one that was
 * applied stays. Of many runs that do so at once, one does it. Which CronJob it is of makes no other schedule: two clusters may share a name.
 */
export async function bringSchedule(connection: Queries, told: ScheduleTold): Promise<void> {
  await connection.query(
    `UPDATE run_job.schedules SET valid_to = ${ENDS}
     WHERE name = $1 AND valid_to IS NULL AND source = '${BY_RUN}' AND (job, cron, time_zone, shards) IS DISTINCT FROM ($2, $3, $4, $5)`,
    [told.name, told.job, told.cron, told.timeZone, told.shards],
  );
  await connection.query(
    `${BEGIN} ON CONFLICT (name) WHERE valid_to IS NULL
     DO UPDATE SET cronjob_name = excluded.cronjob_name, namespace = excluded.namespace WHERE schedules.source = '${BY_RUN}'`,
    [BY_RUN, ...valuesOf(told)],
  );
}

/** Now; of one that began while the clock was ahead, when it began: nothing was in force for less than no time. */
const ENDS = 'greatest(clock_timestamp(), valid_from)';

const END = `UPDATE run_job.schedules SET valid_to = ${ENDS} WHERE name = ANY($1) AND valid_to IS NULL`;

const WRITTEN = [
  'name',
  'job',
  'cron',
  'time_zone',
  'params',
  'args',
  'shards',
  'timeout_ms',
  'deadline_seconds',
  'starting_deadline_seconds',
  'late_after_ms',
  'catch_up',
  'catch_up_limit',
  'pause_after',
  'notify_every',
  'blackouts',
  'after',
  'suspend',
  'owner',
  'runbook',
  'tags',
  'cronjob_name',
  'namespace',
] as const;

const BEGIN = `
INSERT INTO run_job.schedules (source, ${WRITTEN.join()}, valid_from, settled_to)
SELECT $1, ${WRITTEN.map((_, index) => `$${index + 2}`).join()}, clock.now, clock.now FROM (SELECT clock_timestamp() AS now) AS clock`;

function changeOf(told: ScheduleTold, source: string, current: Schedule | undefined): ScheduleChange {
  const { name } = told;
  if (current === undefined) return { name, change: 'new' };
  const same = JSON.stringify(comparable(told)) === JSON.stringify(comparable(current)) && current.source === source;
  if (same) return { name, change: 'unchanged' };
  return { name, change: 'changed', ...(current.source !== source && { from: current.source }) };
}

/** All that is told, in one order; jsonb keeps its own order of keys. */
function comparable(told: ScheduleTold): unknown {
  return valuesOf(told).map((value) =>
    typeof value === 'string' && /^[[{]/.test(value) ? sorted(JSON.parse(value)) : value,
  );
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]));
}

/** In the order of WRITTEN. */
function valuesOf(told: ScheduleTold): (string | number | boolean | readonly string[] | null)[] {
  return [
    told.name,
    told.job,
    told.cron,
    told.timeZone,
    toJson(told.params),
    toJson(told.args),
    told.shards,
    told.timeoutMs ?? null,
    told.deadlineSeconds ?? null,
    told.startingDeadlineSeconds ?? null,
    told.lateAfterMs,
    told.catchUp,
    told.catchUpLimit,
    told.pauseAfter ?? null,
    told.notifyEvery ?? null,
    toJson(told.blackouts),
    toJson(told.after),
    told.suspend,
    told.owner ?? null,
    told.runbook ?? null,
    told.tags,
    told.cronJobName ?? null,
    told.namespace ?? null,
  ];
}

/** Rows whose columns have our names already; null is what isn't there. */
function toSchedules({ rows }: { rows: readonly object[] }): Schedule[] {
  return rows.map((row) => Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)) as Schedule);
}
