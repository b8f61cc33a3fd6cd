// Instants as people give them to a command: a time with its zone, a day, or how long ago.
import { parseDuration } from '../../duration.ts';
import { UsageError } from '../../errors.ts';
import { isDay } from '../../schedule/day.ts';
import type { Zone } from '../../schedule/zone.ts';
import { RFC_3339 } from './times.ts';

const DAY = 86_400;
/** Whoever asks for more has mistyped it, and databases know no time that is much longer ago. */
const LONGEST_AGO_MS = 1_000 * 366 * DAY * 1_000;

const DATE = /^\d{4}-\d{2}-\d{2}$/;

/** How an instant is read. */
export interface Reading {
  /** Named where it can't be read. */
  readonly flag: string;
  readonly now: Date;
  /** Whose days count. */
  readonly zone: Zone;
  /** Which instant of a day is meant. */
  readonly ofDay: 'start' | 'end';
}

/** @throws {UsageError} it is neither */
export function readInstant(text: string, { flag, now, zone, ofDay }: Reading): Date {
  const ago = parseDuration(text);
  if (ago !== undefined && ago <= LONGEST_AGO_MS) return new Date(now.getTime() - ago);
  const time = new Date(text);
  const exists = !Number.isNaN(time.getTime()) && isDay(text);
  if (exists && DATE.test(text)) {
    const wall = time.getTime() / 1_000;
    return new Date((ofDay === 'start' ? zone.instantOf(wall) : zone.instantOf(wall + DAY) - 1) * 1_000);
  }
  if (exists && RFC_3339.test(text)) return time;
  throw new UsageError(
    `${flag} must be a time with its zone, such as 2026-11-23T02:00:00Z, a day, such as 2026-11-23, or how long ago, such as 7d; and is ${text}`,
  );
}
