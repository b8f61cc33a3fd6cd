// Which week is reported: its ISO name, and the instants at which it, its days and the week before begin.
import { UsageError } from '../../errors.ts';
import type { Params } from './params.ts';
import { PERIOD } from './queries.ts';
import type { Query } from './transaction.ts';

/** A complete week. Instants are RFC 3339, in UTC. */
export interface Period {
  readonly week: string;
  readonly previousWeek: string;
  readonly timeZone: string;
  readonly previousStart: string;
  /** Local dates, Monday to Sunday. */
  readonly dates: readonly string[];
  /** When each day begins, and when the next week does: eight instants. */
  readonly starts: readonly string[];
  readonly start: string;
  readonly end: string;
}

/**
 * The week that the parameters name, else the last one that was complete at the scheduled time. PostgreSQL computes it, so
 * that weeks, days and the rows that belong to them follow one time zone database.
 * @throws {UsageError} the week is not over at the scheduled time: its report would not stay the same
 */
export async function findPeriod(
  query: Query,
  { week, timeZone }: Pick<Params, 'week' | 'timeZone'>,
  scheduledAt: Date,
): Promise<Period> {
  const [row] = await query<Omit<Period, 'timeZone' | 'start' | 'end'> & { complete: boolean }>(PERIOD, [
    scheduledAt,
    timeZone,
    week ?? null,
  ]);
  const [start] = row?.starts ?? [];
  const end = row?.starts.at(-1);
  if (!row || !start || !end) throw new Error('PostgreSQL returned no week');
  if (!row.complete) {
    throw new UsageError(
      `Week ${row.week} ends at ${end}, after this run's scheduled time: name a week that is over, such as ${row.previousWeek}`,
    );
  }
  return { ...row, timeZone, start, end };
}
