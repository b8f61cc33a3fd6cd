// How large the next batch is, so that each takes about as long as it should. Pure.

/** How a batch went, and how long the next one should take. */
interface Batch {
  readonly ms: number;
  readonly targetMs: number;
  /** Below how many rows it isn't worth shrinking. */
  readonly least?: number;
  /** How many of its rows it deleted. */
  readonly deleted: number;
}

/** The size of a table's batches, in rows. */
export interface BatchSize {
  readonly rows: number;
  took(batch: Batch): void;
}

/** A batch of that part of due rows at least tells what it takes to delete one. */
const TELLING = 0.1;
/**
 * To look at rows takes next to nothing, so that batches grow while none is due. One that comes to due rows then is no larger than so many by
 * what those take, or than so many first ones before that is known.
 */
const MOST_TIMES = 10;

/** Starts with `first` rows; grows to the double at most from one batch to the next, and shrinks faster. */
export function adaptiveBatchSize(options: { first: number; most: number }): BatchSize {
  let rows = Math.min(options.first, options.most);
  let msPerDeleted: number | undefined;
  return {
    get rows() {
      return rows;
    },
    took({ ms, targetMs, least = 1, deleted }) {
      if (deleted >= rows * TELLING) msPerDeleted = ms / deleted;
      const enough = msPerDeleted === undefined ? options.first : Math.round(targetMs / msPerDeleted);
      const factor = Math.min(2, Math.max(0.1, targetMs / Math.max(ms, 1)));
      const next = Math.min(Math.round(rows * factor), MOST_TIMES * enough);
      rows = Math.min(options.most, Math.max(1, Math.min(rows, least), next));
    },
  };
}
