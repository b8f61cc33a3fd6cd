// Reads how each name is doing: its last run, its last success, what runs now, how often it has failed since, and what was missed.
import type { ErrorInfo } from '../runner/outcome.ts';
import type { Connection } from './connect.ts';
import { RUN_COLUMNS, type RunRecord, read, readOnly } from './records.ts';
import { ALIVE } from './run-sql.ts';

/** How a name is doing. A sharded run is one run with a record for each part. */
export interface NameOverview {
  readonly name: string;
  /**
   * The parts of the newest run that was neither skipped nor a dry run, each as its newest record tells it; without parameters, result and
   * error.
   */
  readonly lastRun: readonly RunRecord[];
  /** When a run last succeeded, in all its parts. */
  readonly lastSuccess?: { readonly scheduledAt: Date; readonly endedAt: Date };
  /** What runs now. */
  readonly running: readonly RunRecord[];
  /** Runs that failed since the last success; the parts of one sharded run count once. Of the newest 1,000 runs at most. */
  readonly consecutiveFailures: number;
  /** Runs since then that didn't get the lock or a place, of the same. */
  readonly skips: number;
  /** What the newest of those failures said. */
  readonly error?: ErrorInfo;
  /** Slots since then that passed without a run. */
  readonly missed: number;
  /** The first of them. */
  readonly missedSince?: Date;
}

/** How many runs of a name are looked at for its failures: more of them say no more. */
const MOST = 1_000;

/** Every name of which there is a record; found by jumping from name to name through the index. */
const ALL_NAMES = `
names (name) AS (
  (SELECT name FROM run_job.runs ORDER BY name LIMIT 1)
  UNION ALL
  SELECT (SELECT r.name FROM run_job.runs r WHERE r.name > names.name ORDER BY r.name LIMIT 1) FROM names WHERE names.name IS NOT NULL
)`;

/** A command line that a person got wrong; that of a CronJob is wrong every time. */
const MISTYPED = `(status = 'rejected' AND cronjob_name IS NULL)`;

/** Whether more is recorded of a name than that somebody has mistyped it. */
const IS_A_NAME = `EXISTS (SELECT FROM run_job.runs r WHERE r.name = names.name AND NOT ${MISTYPED})`;

/** The names $1, of which there may be no records. */
const THESE_NAMES = 'names (name) AS (SELECT unnest($1::text[]))';

/**
 * Runs that say how the name is doing: a skipped run says only that another one is running, a dry run did nothing, and a command line
 * that somebody mistyped says nothing of the job; one that a CronJob has wrong will be wrong every time. A slot that was missed had no run.
 */
const COUNTS = `status NOT IN ('skipped', 'missed') AND NOT dry_run AND NOT ${MISTYPED}`;

/** Successes that count. */
const SUCCEEDED = `status = 'succeeded' AND NOT dry_run`;

/** From slot to slot through the index, the newest first, until one has succeeded in all its parts: most often that is the first. */
const LAST_SUCCESS = `
WITH RECURSIVE slots (scheduled_at) AS (
  (SELECT scheduled_at FROM run_job.runs WHERE name = names.name AND ${SUCCEEDED} ORDER BY scheduled_at DESC LIMIT 1)
  UNION ALL
  SELECT (
    SELECT s.scheduled_at FROM run_job.runs s
    WHERE s.name = names.name AND s.${SUCCEEDED} AND s.scheduled_at < slots.scheduled_at ORDER BY s.scheduled_at DESC LIMIT 1
  ) FROM slots WHERE slots.scheduled_at IS NOT NULL
)
SELECT slots.scheduled_at, whole.ended_at, whole.started_at
FROM slots
CROSS JOIN LATERAL (
  SELECT max(p.ended_at) AS ended_at, max(p.started_at) AS started_at FROM run_job.runs p
  WHERE p.name = names.name AND p.${SUCCEEDED} AND p.scheduled_at = slots.scheduled_at
  GROUP BY p.shard_count
  HAVING count(DISTINCT p.shard_index) = p.shard_count
  LIMIT 1
) AS whole
LIMIT 1`;

/** What is no failure of the job: it hasn't ended, it goes on in another run, or a person ended it. */
const NO_FAILURE = `('running', 'succeeded', 'skipped', 'missed', 'continued', 'cancelled')`;

const summaryOf = (names: string) => `
WITH RECURSIVE ${names}
SELECT names.name, success.scheduled_at, success.ended_at, since.failures, since.skips, since.dead, failed.error, missed.missed, missed.since
FROM names LEFT JOIN LATERAL (${LAST_SUCCESS}) AS success ON true
CROSS JOIN LATERAL (
  SELECT (count(*) FILTER (WHERE r.failed AND r.shard_count = 1)
      + count(DISTINCT r.scheduled_at) FILTER (WHERE r.failed AND r.shard_count > 1))::integer AS failures,
    (count(*) FILTER (WHERE r.status = 'skipped' AND r.reason <> 'slot_succeeded'))::integer AS skips,
    coalesce(bool_or(r.failed AND r.status = 'running'), false) AS dead
  FROM (
    SELECT r.shard_count, r.scheduled_at, r.status, r.reason,
      (r.status NOT IN ${NO_FAILURE} OR (r.status = 'running' AND NOT ${ALIVE})) AS failed
    FROM run_job.runs r
    WHERE r.name = names.name AND NOT r.dry_run AND NOT ${MISTYPED} AND r.status <> 'missed'
      AND r.started_at > coalesce(success.started_at, '-infinity')
    ORDER BY r.started_at DESC
    LIMIT ${MOST}
  ) AS r
) AS since
LEFT JOIN LATERAL (
  -- Only where there are any, and not further back: of a name that is well, all of its records would be walked.
  SELECT r.error FROM run_job.runs r
  WHERE since.failures > 0 AND r.name = names.name AND r.started_at > coalesce(success.started_at, '-infinity')
    AND r.status NOT IN ${NO_FAILURE} AND NOT r.dry_run AND NOT ${MISTYPED}
  ORDER BY r.started_at DESC LIMIT 1
) AS failed ON true
CROSS JOIN LATERAL (
  SELECT count(*)::integer AS missed, min(m.scheduled_at) AS since FROM run_job.runs m
  WHERE m.name = names.name AND m.status = 'missed' AND m.scheduled_at > coalesce(success.scheduled_at, '-infinity') AND NOT EXISTS (
    SELECT FROM run_job.runs r
    WHERE r.name = m.name AND r.scheduled_at = m.scheduled_at AND r.status <> 'missed' AND NOT r.dry_run
  )
) AS missed
WHERE ${names === ALL_NAMES ? IS_A_NAME : 'names.name IS NOT NULL'}
ORDER BY names.name`;

/** Without what only `show` tells, which takes longer to read than to find. */
const COLUMNS = RUN_COLUMNS.replaceAll(/\br\.(params|result|error|program)\b/g, 'NULL::jsonb AS $1');

const lastRunsOf = (names: string) => `
WITH RECURSIVE ${names}
SELECT part.*
FROM names
CROSS JOIN LATERAL (
  SELECT scheduled_at, shard_count, id FROM run_job.runs
  WHERE name = names.name AND ${COUNTS}
  ORDER BY started_at DESC LIMIT 1
) AS last
CROSS JOIN LATERAL (
  SELECT DISTINCT ON (r.shard_index) ${COLUMNS}
  FROM run_job.runs r
  WHERE r.name = names.name AND r.scheduled_at = last.scheduled_at AND r.shard_count = last.shard_count AND r.${COUNTS}
  ORDER BY r.shard_index, r.started_at DESC
) AS part
WHERE names.name IS NOT NULL`;

const RUNNING = `SELECT ${COLUMNS} FROM run_job.runs r WHERE r.status = 'running' ORDER BY r.started_at`;

const RUNNING_OF_THESE = `SELECT ${COLUMNS} FROM run_job.runs r WHERE r.status = 'running' AND r.name = ANY($1) ORDER BY r.started_at`;

interface SummaryRow {
  readonly name: string;
  readonly scheduled_at: Date | null;
  readonly ended_at: Date | null;
  readonly failures: number;
  readonly skips: number;
  /** Whether one of the failures is a run that seems dead. */
  readonly dead: boolean;
  readonly error: ErrorInfo | null;
  readonly missed: number;
  readonly since: Date | null;
}

/** What runs now, and what says so and is dead; the oldest first. */
export const runningRuns = (connection: Connection): Promise<RunRecord[]> =>
  readOnly(connection, () => read(connection, RUNNING, []));

/** How every name is doing that has ever run, or each of these. */
export function overview(connection: Connection, only?: readonly string[]): Promise<NameOverview[]> {
  const names = only === undefined ? ALL_NAMES : THESE_NAMES;
  const values = only === undefined ? [] : [only];
  return readOnly(connection, async () => {
    const lastRuns = Map.groupBy(await read(connection, lastRunsOf(names), values), (run) => run.name);
    const running = Map.groupBy(
      await read(connection, only === undefined ? RUNNING : RUNNING_OF_THESE, values),
      (run) => run.name,
    );
    const summarise = async () => (await connection.query<SummaryRow>(summaryOf(names), [...values])).rows;
    const first = await summarise();
    // Twice, for the reason that `read` gives: what is no failure in one of the looks is none.
    const second = first.some(({ dead }) => dead) ? await summarise() : first;
    return second.map((row) => ({
      name: row.name,
      lastRun: lastRuns.get(row.name) ?? [],
      ...(row.scheduled_at !== null &&
        row.ended_at !== null && { lastSuccess: { scheduledAt: row.scheduled_at, endedAt: row.ended_at } }),
      running: (running.get(row.name) ?? []).filter(({ status }) => status === 'running'),
      consecutiveFailures: Math.min(
        row.failures,
        first.find((other) => other.name === row.name)?.failures ?? row.failures,
      ),
      skips: row.skips,
      ...(row.error !== null && { error: row.error }),
      missed: row.missed,
      ...(row.since !== null && { missedSince: row.since }),
    }));
  });
}

/** Every name of which there is a record, without those that somebody has only ever mistyped. */
export async function recordedNames(connection: Connection): Promise<string[]> {
  const { rows } = await connection.query<{ name: string }>(
    `WITH RECURSIVE ${ALL_NAMES} SELECT name FROM names WHERE ${IS_A_NAME} ORDER BY name`,
  );
  return rows.map(({ name }) => name);
}
