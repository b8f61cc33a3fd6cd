// Which week is reported: its ISO name, and the instants at which it, its days and the week before begin.
import { RetryableError, UsageError } from '../../errors.ts';
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

/** How far the week is. */
interface Progress {
  /** Whether it was over at the scheduled time. */
  readonly complete: boolean;
  /** How long it goes on by the database's clock, in milliseconds; not above 0 when it is over. */
  readonly msToEnd: string;
  /** The database's clock. */
  readonly now: string;
}

/**
 * The week that the parameters name, else the last one that was complete at the scheduled time. PostgreSQL computes it, so
 * that weeks, days and the rows that belong to them follow one time zone database.
 * @throws {UsageError} the week is not over at the scheduled time, or that lies in the future: its report would not stay the same
 * @throws {RetryableError} it is over by this machine's clock, and not yet by the database's
 */
export async function findPeriod(
  query: Query,
  { week, timeZone }: Pick<Params, 'week' | 'timeZone'>,
  scheduledAt: Date,
): Promise<Period> {
  const [row] = await query<Omit<Period, 'timeZone' | 'start' | 'end'> & Progress>(PERIOD, [
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
  if (Number(row.msToEnd) > 0) throw notOver({ ...row, end }, scheduledAt);
  const { complete: _, msToEnd: __, now: ___, ...period } = row;
  return { ...period, timeZone, start, end };
}

/** The week has not ended for the server that stamps its rows, whatever anybody else's clock says. */
function notOver(
  { week, end, msToEnd, now, previousWeek }: Progress & { week: string; end: string; previousWeek: string },
  scheduledAt: Date,
): Error {
  const what = `Week ${week} ends at ${end}, and by the database's clock it is ${now}`;
  if (scheduledAt.getTime() > Date.now()) {
    return new UsageError(
      `${what}: the scheduled time ${scheduledAt.toISOString()} lies in the future; name a week that is over, such as ${previousWeek}`,
    );
  }
  return new RetryableError(`${what}: this machine's clock is ahead of it; synchronise both (NTP, chrony)`, {
    retryAfter: `${Number(msToEnd)}ms`,
  });
}
