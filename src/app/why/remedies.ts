// What a page of `run-job why` ends in.

/** One sentence, and one remedy. */
export interface Verdict {
  readonly because: string;
  /** What to do about it; nothing where nothing is wrong. */
  readonly remedy?: string;
}

/** What does one slot. */
export const backfillOf = (name: string, at: Date): string =>
  `run-job backfill ${name} --from ${at.toISOString()} --to ${at.toISOString()}`;
