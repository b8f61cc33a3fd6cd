// Schedules of the past, and backfills of their slots.
import type { TestDatabase } from '../support/database.ts';
import { type Ended, type RunOptions, runToEnd } from '../support/run-job.ts';

/** The slots that these tests are about: hours of a day that is long over. */
export const hour = (of: number): string => `2026-11-20T${String(of).padStart(2, '0')}:00:00.000Z`;

export interface GivenSchedule {
  readonly job?: string;
  readonly cron?: string;
  readonly timeZone?: string;
  readonly source?: string;
  readonly params?: unknown;
  readonly args?: readonly string[];
  readonly shards?: number;
  readonly suspend?: boolean;
  readonly blackouts?: unknown;
  readonly after?: readonly unknown[];
  readonly from?: string;
  readonly to?: string;
  readonly cronJob?: string;
}

/** A schedule of each hour, in force as of the first slot's day. */
export async function schedule(database: TestDatabase, name: string, given: GivenSchedule = {}): Promise<void> {
  const {
    job = name,
    cron = '0 * * * *',
    timeZone = 'Etc/UTC',
    source = 'test',
    params = {},
    args,
    shards = 1,
  } = given;
  const { suspend = false, blackouts, after = [], from = '2026-11-19T23:30:00Z', to, cronJob } = given;
  await database.query(
    `insert into run_job.schedules (name, job, cron, time_zone, source, params, args, shards, suspend, blackouts, after, late_after_ms,
       cronjob_name, namespace, valid_from, valid_to, settled_to)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 900000, $12, $13, $14, $15, $14)`,
    [
      name,
      job,
      cron,
      timeZone,
      source,
      JSON.stringify(params),
      args === undefined ? null : JSON.stringify(args),
      shards,
      suspend,
      blackouts === undefined ? null : JSON.stringify(blackouts),
      JSON.stringify(after),
      cronJob ?? null,
      cronJob === undefined ? null : 'jobs',
      from,
      to ?? null,
    ],
  );
}

/** Backfills the hours from one up to and with another. */
export const backfill = (
  database: TestDatabase,
  name: string,
  [first, last]: readonly [number, number],
  args: readonly string[] = [],
  options: RunOptions = {},
): Promise<Ended> =>
  runToEnd(['backfill', name, '--from', hour(first), '--to', hour(last), ...args], { ...options, database });

/** How the runs of a name ended, by slot, the oldest first. */
export async function ends(database: TestDatabase, name: string): Promise<string[]> {
  const rows = await database.query<{ at: Date; status: string; shard: number }>(
    `select scheduled_at as at, status, shard_index as shard from run_job.runs where name = $1 and status <> 'missed'
     order by scheduled_at, shard_index, started_at`,
    [name],
  );
  return rows.map(({ at, status, shard }) => `${at.getUTCHours()}${shard > 0 ? `.${shard}` : ''} ${status}`);
}
