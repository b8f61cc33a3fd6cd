// The job's checkpoint: its shape, and what earlier attempts and pods of the slot did.
import * as v from 'valibot';

const counts = v.tuple([v.number(), v.number(), v.number(), v.number()]);

/** The job's checkpoint. */
export const progress = v.object({
  /** The instant that retention counts back from, RFC 3339. */
  base: v.pipe(v.string(), v.isoTimestamp()),
  /** The tables that have no due row any more. */
  done: v.array(v.string()),
  /** By table: rows deleted, batches, their milliseconds, those of the longest. */
  tallies: v.record(v.string(), counts),
  /** The tables that are being cleaned, and how many rows of each were due before. */
  current: v.record(v.string(), v.number()),
  /** The block at which the next run goes on, by partition. */
  resumeAt: v.record(v.string(), v.number()),
});

export type Progress = v.InferOutput<typeof progress>;

/** What earlier attempts and pods did to one table. */
export interface Earlier {
  deleted: number;
  batches: number;
  durationMs: number;
  longestBatchMs: number;
}

/** What they did, by table. */
export function earlierOf(saved: Progress | undefined): Map<string, Earlier> {
  return new Map(
    Object.entries(saved?.tallies ?? {}).map(([label, [deleted, batches, durationMs, longestBatchMs]]) => [
      label,
      { deleted, batches, durationMs, longestBatchMs },
    ]),
  );
}

/** The sum of what was done. */
export function sum(earlier: Earlier | undefined, now: Earlier): Earlier {
  if (!earlier) return now;
  return {
    deleted: earlier.deleted + now.deleted,
    batches: earlier.batches + now.batches,
    durationMs: earlier.durationMs + now.durationMs,
    longestBatchMs: Math.max(earlier.longestBatchMs, now.longestBatchMs),
  };
}
