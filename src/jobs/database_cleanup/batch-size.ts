// How large the next batch is, so that each takes about as long as it should. Pure.

/** The size of a table's batches, in rows. */
export interface BatchSize {
  readonly rows: number;
  /** Tells how long a batch of that size took, how long the next should, and below how many rows it isn't worth shrinking. */
  took(ms: number, targetMs: number, least?: number): void;
}

/** Starts with `first` rows; grows to the double at most from one batch to the next, and shrinks faster. */
export function adaptiveBatchSize(options: { first: number; most: number }): BatchSize {
  let rows = Math.min(options.first, options.most);
  return {
    get rows() {
      return rows;
    },
    took(ms, targetMs, least = 1) {
      const factor = Math.min(2, Math.max(0.1, targetMs / Math.max(ms, 1)));
      rows = Math.min(options.most, Math.max(1, Math.min(rows, least), Math.round(rows * factor)));
    },
  };
}
