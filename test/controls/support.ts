// What people and schedules decide, put into a test's database; and runs that meet it.
import type { Dependency } from '../../src/runner/decisions.ts';
import type { TestDatabase } from '../support/database.ts';
import { type Ended, type RunOptions, runToEnd } from '../support/run-job.ts';

/** The slot that the runs of these tests stand for: a Thursday. */
export const SLOT = '2026-11-26T02:00:00.000Z';

export interface GivenSchedule {
  readonly cron?: string;
  readonly timeZone?: string;
  readonly blackouts?: unknown;
  readonly after?: readonly Dependency[];
  readonly pauseAfter?: number;
  readonly validFrom?: string;
}

/** Puts a schedule of this name in force. */
export async function schedule(database: TestDatabase, name: string, given: GivenSchedule = {}): Promise<void> {
  const {
    cron = '0 2 * * *',
    timeZone = 'Etc/UTC',
    blackouts,
    after = [],
    pauseAfter,
    validFrom = '2026-01-01',
  } = given;
  await database.query(
    `insert into run_job.schedules (name, job, cron, time_zone, source, late_after_ms, blackouts, after, pause_after, valid_from, settled_to)
     values ($1, $1, $2, $3, 'test', 0, $4, $5, $6, $7, $7)`,
    [
      name,
      cron,
      timeZone,
      blackouts === undefined ? null : JSON.stringify(blackouts),
      JSON.stringify(after),
      pauseAfter ?? null,
      validFrom,
    ],
  );
}

/** Runs a command to its end. */
export const command = (database: { url: string }, args: readonly string[], options: RunOptions = {}): Promise<Ended> =>
  runToEnd(args, { ...options, database });
