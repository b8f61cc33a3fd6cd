// What a page of `run-job why` ends in.

import type { RunRecord } from '../../postgres/records.ts';
import type { Facts } from './facts.ts';

/** One sentence, and one remedy. */
export interface Verdict {
  readonly because: string;
  /** What to do about it; nothing where nothing is wrong. */
  readonly remedy?: string;
}

/** What does the work of a run again: a time that no schedule names is none of a backfill's. */
export const againFor = ({ id, name, scheduledAt }: RunRecord, { bySchedule }: Facts): string =>
  bySchedule ? backfillOf(name, scheduledAt) : `run-job rerun ${id}`;

/** What does one slot. */
export function backfillOf(name: string, at: Date): string {
  const slot = at.toISOString().replace('.000Z', 'Z');
  return `run-job backfill ${name} --from ${slot} --to ${slot}`;
}
