// Dates and weekly windows in which slots are skipped.
import { UsageError } from '../errors.ts';
import { type Zone, zoneOf } from './zone.ts';

/** When slots are skipped, as a schedule says it. */
export interface Blackouts {
  /** Whose wall clock the dates and windows speak of; the schedule's unless given. */
  readonly timeZone?: string;
  /** Whole days, such as `2026-12-24`. */
  readonly dates?: readonly string[];
  /** From one time of the week up to another, such as `{from: "Fri 18:00", to: "Mon 06:00"}`; the end is no part of it. */
  readonly weekly?: readonly { readonly from: string; readonly to: string }[];
}

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const WEEK_MINUTES = 7 * 1_440;

/** Whether a slot falls into a blackout. `zone` is the schedule's. */
export function isBlackedOut(blackouts: Blackouts, zone: Zone, slot: Date): boolean {
  const own = blackouts.timeZone === undefined ? zone : zoneOf(blackouts.timeZone);
  const wall = new Date(own.wallAt(slot.getTime() / 1_000) * 1_000);
  if (blackouts.dates?.includes(wall.toISOString().slice(0, 10))) return true;
  const minute = wall.getUTCDay() * 1_440 + wall.getUTCHours() * 60 + wall.getUTCMinutes();
  return (blackouts.weekly ?? []).some(({ from, to }) => {
    const begin = minuteOfWeek(from);
    const length = (minuteOfWeek(to) - begin + WEEK_MINUTES) % WEEK_MINUTES;
    // From a time to itself is the whole week.
    return (minute - begin + WEEK_MINUTES) % WEEK_MINUTES < (length === 0 ? WEEK_MINUTES : length);
  });
}

/**
 * The minutes since Sunday's midnight of a time of the week such as `Fri 18:00`; `24:00` is the end of the day.
 * @throws {UsageError} it isn't one
 */
export function minuteOfWeek(text: string): number {
  const [, name = '', hour = '', minute = ''] = /^\s*([a-z]+)\s+(\d{1,2}):(\d\d)\s*$/i.exec(text) ?? [];
  const day = DAYS.indexOf(name.slice(0, 3).toLowerCase());
  const minutes = Number(hour) * 60 + Number(minute);
  if (day < 0 || hour === '' || Number(minute) > 59 || minutes > 1_440) {
    throw new UsageError(`"${text}" isn't a time of the week: write one such as "Fri 18:00"`);
  }
  return (day * 1_440 + minutes) % WEEK_MINUTES;
}

/** Whether it is a day of the calendar, as `2026-12-24`. */
export function isDate(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}
