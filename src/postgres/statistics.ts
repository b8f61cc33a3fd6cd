// How runs of 30 days ended, from run_job.statistics; and how long the newest successes among them took.
import type { Connection } from './connect.ts';

/** Thirty days of a name. */
export interface Statistics {
  readonly succeeded: number;
  readonly failed: number;
  readonly skipped: number;
  /** Half of the successes took no longer, in milliseconds. */
  readonly p50Ms?: number;
  /** Nineteen of twenty took no longer. */
  readonly p95Ms?: number;
}

const DAYS = 30;

/** How many of the newest successes of each name tell how long they take; of one name that is looked at alone, more. */
export const NEWEST = 100;
const NEWEST_OF_ONE = 10_000;

interface Row {
  readonly name: string;
  readonly succeeded: number;
  readonly failed: number;
  readonly skipped: number;
  readonly p50: number | null;
  readonly p95: number | null;
}

const textFor = (of: string, newest: number): string => `
SELECT days.*, took.p50, took.p95
FROM (
  SELECT name, sum(succeeded)::integer AS succeeded, sum(failed)::integer AS failed, sum(skipped)::integer AS skipped
  FROM run_job.statistics
  WHERE day > (now() AT TIME ZONE 'UTC')::date - ${DAYS} ${of}
  GROUP BY name
) AS days
LEFT JOIN LATERAL (
  SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY duration_ms)::float8 AS p50,
    percentile_disc(0.95) WITHIN GROUP (ORDER BY duration_ms)::float8 AS p95
  FROM (
    SELECT r.duration_ms FROM run_job.runs r
    WHERE r.name = days.name AND r.status = 'succeeded' AND NOT r.dry_run AND r.scheduled_at > now() - interval '${DAYS} days'
    ORDER BY r.scheduled_at DESC LIMIT ${newest}
  ) AS newest
) AS took ON days.succeeded > 0`;

/**
 * The last 30 days of every name that had runs in them, or of these.
 * @param newest how many of the newest successes of a name tell how long they take
 */
export async function statistics(
  connection: Connection,
  names?: readonly string[],
  newest = names?.length === 1 ? NEWEST_OF_ONE : NEWEST,
): Promise<Map<string, Statistics>> {
  const text = textFor(names === undefined ? '' : 'AND name = ANY($1)', newest);
  const { rows } = await connection.query<Row>(text, names === undefined ? [] : [names]);
  return new Map(
    rows.map(({ name: key, p50, p95, ...counts }) => [
      key,
      { ...counts, ...(p50 !== null && { p50Ms: p50 }), ...(p95 !== null && { p95Ms: p95 }) },
    ]),
  );
}
