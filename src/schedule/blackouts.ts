// Blackouts: dates and weekly windows of a wall clock in which slots are skipped.
import { UsageError } from '../errors.ts';
import { isDay } from './day.ts';
import { zoneOf } from './zone.ts';

/** When slots are skipped, as a schedule says it. */
export interface Blackouts {
  /** The zone whose wall clock counts; the schedule's unless said. */
  readonly timeZone?: string;
  /** Days, `2026-12-24`, or spans of them with both ends, `2026-12-24/2027-01-02`. */
  readonly dates?: readonly string[];
  /** From one time of the week up to another, which doesn't belong to it: `Fri 18:00` to `Mon 06:00`. */
  readonly weekly?: readonly { readonly from: string; readonly to: string }[];
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MINUTES_OF_A_DAY = 1_440;
const MINUTES_OF_A_WEEK = 7 * MINUTES_OF_A_DAY;

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const TIME_OF_WEEK = /^(Sun|Mon|Tue|Wed|Thu|Fri|Sat)(?: ([01]\d|2[0-3]):([0-5]\d))?$/i;

const MEMBERS = ['timeZone', 'dates', 'weekly'];

/**
 * Reads blackouts.
 * @throws {UsageError} they aren't what they should be; one sentence that says where
 */
export function readBlackouts(value: unknown): Blackouts {
  if (!isRecord(value)) throw wrong('must be an object with dates, weekly and timeZone', '');
  const unknown = Object.keys(value).find((name) => !MEMBERS.includes(name));
  if (unknown !== undefined) throw wrong(`has no member ${unknown}; it has ${MEMBERS.join(', ')}`, '');
  const { timeZone, dates = [], weekly = [] } = value;
  if (timeZone !== undefined && typeof timeZone !== 'string') throw wrong('must be a time zone', '.timeZone');
  if (timeZone !== undefined) zoneOf(timeZone);
  if (!Array.isArray(dates)) throw wrong('must be a list of dates', '.dates');
  if (!Array.isArray(weekly)) throw wrong('must be a list of windows, each with from and to', '.weekly');
  for (const [index, date] of dates.entries()) spanOf(date, `.dates[${index}]`);
  for (const [index, window] of weekly.entries()) windowOf(window, `.weekly[${index}]`);
  return { ...(timeZone !== undefined && { timeZone }), dates, weekly };
}

/**
 * The blackout that an instant lies in, in words; undefined where it lies in none.
 * @param timeZone whose wall clock counts unless the blackouts say otherwise
 * @throws {UsageError} there is no such zone, or the blackouts can't be read
 */
export function blackoutAt(blackouts: Blackouts, timeZone: string, at: Date): string | undefined {
  const zone = zoneOf(blackouts.timeZone ?? timeZone);
  const wall = new Date(zone.wallAt(Math.floor(at.getTime() / 1_000)) * 1_000);
  const day = wall.toISOString().slice(0, 10);
  for (const [index, date] of (blackouts.dates ?? []).entries()) {
    const { from, to } = spanOf(date, `.dates[${index}]`);
    if (day >= from && day <= to) return `${from === to ? day : `${from} to ${to}`}, ${zone.name}`;
  }
  const minute = wall.getUTCDay() * MINUTES_OF_A_DAY + wall.getUTCHours() * 60 + wall.getUTCMinutes();
  for (const [index, window] of (blackouts.weekly ?? []).entries()) {
    const { from, length } = windowOf(window, `.weekly[${index}]`);
    if ((minute - from + MINUTES_OF_A_WEEK) % MINUTES_OF_A_WEEK < length) {
      return `${window.from} to ${window.to}, ${zone.name}`;
    }
  }
  return undefined;
}

function spanOf(text: unknown, where: string): { from: string; to: string } {
  const [from = '', to = from, more] = typeof text === 'string' ? text.split('/') : [];
  if (more !== undefined || ![from, to].every((day) => DATE.test(day) && isDay(day))) {
    throw wrong('must be a date such as 2026-12-24, or a span such as 2026-12-24/2027-01-02', where);
  }
  if (to < from) throw wrong('ends before it begins', where);
  return { from, to };
}

function windowOf(value: unknown, where: string): { from: number; length: number } {
  if (!isRecord(value)) throw wrong('must have from and to', where);
  const unknown = Object.keys(value).find((name) => name !== 'from' && name !== 'to');
  if (unknown !== undefined) throw wrong(`has no member ${unknown}; it has from and to`, where);
  const from = minuteOf(value.from, `${where}.from`);
  const length = (minuteOf(value.to, `${where}.to`) - from + MINUTES_OF_A_WEEK) % MINUTES_OF_A_WEEK;
  if (length === 0) throw wrong('ends when it begins: suspend the schedule, or pause the name, instead', where);
  return { from, length };
}

/** Minutes since the beginning of Sunday. */
function minuteOf(text: unknown, where: string): number {
  const [, day, hours = '0', minutes = '0'] = (typeof text === 'string' && TIME_OF_WEEK.exec(text)) || [];
  if (day === undefined) throw wrong('must be a time of the week such as Fri 18:00', where);
  const index = DAYS.findIndex((name) => name.toLowerCase() === day.toLowerCase());
  return index * MINUTES_OF_A_DAY + Number(hours) * 60 + Number(minutes);
}

const wrong = (what: string, where: string): UsageError => new UsageError(`blackouts${where} ${what}`);

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
