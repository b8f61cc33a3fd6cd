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

/** In the place of a table's label: what was done to tables that the checkpoint has no room to name. */
export const ALL = '';

/** What a checkpoint may have, in bytes of JSON. */
const MOST_BYTES = 256 * 1024;

/** What can be left out where there are thousands of tables, the least missed first. */
const LESS: readonly ((progress: Progress) => Progress)[] = [
  // Nothing was due in them, which is counted again.
  ({ done, ...rest }) => ({ ...rest, done: done.filter((label) => rest.tallies[label] !== undefined) }),
  (progress) => ({ ...progress, resumeAt: {} }),
  (progress) => ({ ...progress, done: [] }),
  // Their sum is kept, since maxRows is for all pods of a slot.
  (progress) => ({ ...progress, tallies: { [ALL]: sumOf(Object.values(progress.tallies)) } }),
  (progress) => ({ ...progress, current: {} }),
];

/** As much of it as a checkpoint takes: a cleanup goes on from less too, and must not fail for that. */
export function fitting(progress: Progress): Progress {
  let fits = progress;
  for (const less of LESS) {
    if (Buffer.byteLength(JSON.stringify(fits)) <= MOST_BYTES) break;
    fits = less(fits);
  }
  return fits;
}

type Counts = v.InferOutput<typeof counts>;

const sumOf = (all: readonly Counts[]): Counts =>
  all.reduce(
    ([deleted, batches, durationMs, longest], each) => [
      deleted + each[0],
      batches + each[1],
      durationMs + each[2],
      Math.max(longest, each[3]),
    ],
    [0, 0, 0, 0],
  );

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
