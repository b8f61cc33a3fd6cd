// What a run does for its name's schedule when its own work is done: tells of it where nobody has, and notices the slots that were missed.

import { parseDuration } from '../duration.ts';
import type { Queries } from '../postgres/queries.ts';
import { bringSchedule, type ScheduleTold } from '../postgres/schedules.ts';
import { parseCron } from '../schedule/cron.ts';
import { DEFAULT_CATCH_UP_LIMIT, DEFAULT_LATE_AFTER } from '../schedule/defaults.ts';
import { zoneOf } from '../schedule/zone.ts';
import { databaseNow, noticeMissed } from './missed-slots.ts';

/** What a run knows of its schedule by its environment. */
export interface BroughtSchedule {
  readonly name: string;
  readonly job: string;
  readonly cron: string;
  readonly timeZone: string;
  readonly shards: number;
  readonly cronJobName?: string | undefined;
  readonly namespace?: string | undefined;
}

/**
 * Tells of the schedule where nobody has applied any.
 * @throws {UsageError} it can't be read
 */
export async function bring(connection: Queries, brought: BroughtSchedule): Promise<void> {
  const { name, job, cron, timeZone, shards, cronJobName, namespace } = brought;
  parseCron(cron);
  zoneOf(timeZone);
  const told: ScheduleTold = {
    name,
    job,
    cron,
    timeZone,
    params: {},
    shards,
    lateAfterMs: parseDuration(DEFAULT_LATE_AFTER) ?? 0,
    catchUp: 'latest',
    catchUpLimit: DEFAULT_CATCH_UP_LIMIT,
    after: [],
    suspend: false,
    tags: [],
    ...(cronJobName !== undefined && { cronJobName }),
    ...(namespace !== undefined && { namespace }),
  };
  await bringSchedule(connection, told);
}

/** Records the slots of a name that were missed since somebody looked last. */
export async function notice(connection: Queries, name: string): Promise<void> {
  await noticeMissed(connection, await databaseNow(connection), [name]);
}
