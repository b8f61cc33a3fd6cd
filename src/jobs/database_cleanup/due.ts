// When a row is due: its column against one cutoff, computed once for the run.

import type { ColumnType } from './model.ts';
import { DAY_MS, type Params } from './params.ts';
import { literal } from './sql.ts';

/** The cutoff of a retention: rows that were soft-deleted before it are due. */
export function cutoffOf(base: Date, retentionMs: number): Date {
  return new Date(base.getTime() - retentionMs);
}

/** The retention that holds for all tables that no override names, in milliseconds. */
export const usualRetentionMs = (params: Params): number => params.retentionDays * DAY_MS;

/**
 * The condition that says: a row with this value, as SQL, is due. A row without a value never is, nor one with a time after the cutoff, so one in the
 * future neither. The cutoff is a constant to the planner, so an index on the column serves.
 *
 * `timestamp` and `date` hold no zone: they are taken to be in `timeZone`, whatever zone the session is in. A `date` is due once its
 * whole day is past the cutoff: which hour of the day it was isn't known, and too late is better than too early. Values that mean
 * live never are due.
 */
export function dueCondition(
  type: ColumnType,
  cutoff: Date,
  timeZone: string,
  live: readonly string[],
): (value: string) => string {
  const instant = `timestamptz ${literal(cutoff.toISOString())}`;
  const limit = {
    timestamptz: instant,
    timestamp: `(${instant} at time zone ${literal(timeZone)})`,
    date: `(${instant} at time zone ${literal(timeZone)})::date`,
  }[type];
  const values = live.map((value) => liveValue(value, type, timeZone));
  return (value) => `${value} < ${limit}${values.length > 0 ? ` and ${value} not in (${values.join(', ')})` : ''}`;
}

/** A value of the parameter `live` as SQL. Without an offset it is in `timeZone`, whatever zone the session is in. */
function liveValue(value: string, type: ColumnType, timeZone: string): string {
  const isInstant = /^(-infinity|epoch)$|:\d\d.*(Z|[+-]\d\d(:?\d\d)?)$/.test(value);
  if (type !== 'timestamptz' || isInstant) return `${literal(value)}::${type}`;
  return `(${literal(value)}::timestamp at time zone ${literal(timeZone)})`;
}
