// When a row is due: its column against one cutoff, computed once for the run.

import type { ColumnType } from './model.ts';
import { DAY_MS, type Params } from './params.ts';
import { identifier, literal } from './sql.ts';

/** The cutoff of a retention: rows that were soft-deleted before it are due. */
export function cutoffOf(base: Date, retentionMs: number): Date {
  return new Date(base.getTime() - retentionMs);
}

/** The retention that holds for all tables that no override names, in milliseconds. */
export const usualRetentionMs = (params: Params): number => params.retentionDays * DAY_MS;

/**
 * The condition that says: this row is due. A row without a value never is, nor one with a time after the cutoff, so one in the
 * future neither. The cutoff is a constant to the planner, so an index on the column serves.
 *
 * `timestamp` and `date` hold no zone: they are taken to be in `timeZone`, whatever zone the session is in. A `date` is due once its
 * whole day is past the cutoff: which hour of the day it was isn't known, and too late is better than too early.
 */
export function dueCondition(
  column: string,
  type: ColumnType,
  cutoff: Date,
  timeZone: string,
): (alias: string) => string {
  const instant = `timestamptz ${literal(cutoff.toISOString())}`;
  const limit = {
    timestamptz: instant,
    timestamp: `(${instant} at time zone ${literal(timeZone)})`,
    date: `(${instant} at time zone ${literal(timeZone)})::date`,
  }[type];
  return (alias) => `${alias}.${identifier(column)} < ${limit}`;
}
