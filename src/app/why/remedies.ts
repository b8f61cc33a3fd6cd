// What a page of `run-job why` ends in.

/** One sentence, and one remedy. */
export interface Verdict {
  readonly because: string;
  /** What to do about it; nothing where nothing is wrong. */
  readonly remedy?: string;
}

/** What does one slot. */
export function backfillOf(name: string, at: Date): string {
  const slot = at.toISOString().replace('.000Z', 'Z');
  return `run-job backfill ${name} --from ${slot} --to ${slot}`;
}
