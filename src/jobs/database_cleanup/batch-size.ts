// How large the next batch is, so that each takes about as long as it should. Pure.

/** The size of a table's batches, in rows. */
export interface BatchSize {
  readonly rows: number;
  /** Tells how long a batch of that size took. */
  took(ms: number): void;
}

/** Starts with `first` rows; at most doubles or halves from one batch to the next. */
export function adaptiveBatchSize(options: { first: number; most: number; targetMs: number }): BatchSize {
  let rows = Math.min(options.first, options.most);
  return {
    get rows() {
      return rows;
    },
    took(ms) {
      const factor = Math.min(2, Math.max(0.5, options.targetMs / Math.max(ms, 1)));
      rows = Math.min(options.most, Math.max(1, Math.round(rows * factor)));
    },
  };
}
