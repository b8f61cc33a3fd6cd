// How runs of 30 days ended and how long they took, from run_job.statistics.
import type { Connection } from './connect.ts';

/** Thirty days of a name. */
export interface Statistics {
  readonly succeeded: number;
  readonly failed: number;
  readonly skipped: number;
  /** Of the runs that succeeded: at most so many milliseconds for half of them, exact to a tenth. */
  readonly p50Ms?: number;
  /** For nineteen of twenty. */
  readonly p95Ms?: number;
}

const DAYS = 30;

/** The upper end of a bucket. */
const msOf = (bucket: number): number => Math.round(1.1 ** bucket);

/** The last 30 days of every name that had runs in them, or of these. */
export async function statistics(connection: Connection, names?: readonly string[]): Promise<Map<string, Statistics>> {
  const { rows } = await connection.query<{ name: string; outcome: string; bucket: number; runs: number }>(
    `SELECT name, outcome, bucket, sum(runs)::integer AS runs FROM run_job.statistics
     WHERE day > (now() AT TIME ZONE 'UTC')::date - ${DAYS} ${names === undefined ? '' : 'AND name = ANY($1)'}
     GROUP BY name, outcome, bucket
     ORDER BY bucket`,
    names === undefined ? [] : [names],
  );
  return new Map(
    [...Map.groupBy(rows, (row) => row.name)].map(([key, own]) => {
      const of = (outcome: string) => own.filter((row) => row.outcome === outcome);
      const count = (outcome: string) => of(outcome).reduce((sum, { runs }) => sum + runs, 0);
      const succeeded = count('succeeded');
      const quantile = (part: number) => {
        let left = Math.ceil(part * succeeded);
        for (const { bucket, runs } of of('succeeded')) {
          left -= runs;
          if (left <= 0) return msOf(bucket);
        }
        return 0;
      };
      return [
        key,
        {
          succeeded,
          failed: count('failed'),
          skipped: count('skipped'),
          ...(succeeded > 0 && { p50Ms: quantile(0.5), p95Ms: quantile(0.95) }),
        },
      ];
    }),
  );
}
