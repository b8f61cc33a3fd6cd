// Times as people give them to a command: how long from now, or an instant with its zone.
import { parseDuration } from '../../duration.ts';
import { UsageError } from '../../errors.ts';
import { isDay } from '../../schedule/day.ts';

/** RFC 3339: a date, a time, and an offset that leaves no doubt about the zone. */
export const RFC_3339 = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:[Zz]|[+-]\d{2}:\d{2})$/;

/**
 * Reads `--until`.
 * @throws {UsageError} it is neither, or it is over
 */
export function readUntil(text: string | undefined, now: Date): Date | undefined {
  if (text === undefined) return undefined;
  const ms = parseDuration(text);
  const until = new Date(ms === undefined ? text : now.getTime() + ms);
  if (Number.isNaN(until.getTime()) || (ms === undefined && !(RFC_3339.test(text) && isDay(text)))) {
    throw new UsageError(
      '--until must be how long from now, such as 2h or 7d, or a time with its zone, such as 2026-11-23T06:00:00Z',
    );
  }
  if (until <= now) throw new UsageError('--until must be later than now');
  return until;
}
