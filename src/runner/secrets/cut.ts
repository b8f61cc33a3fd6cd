// Cuts what is too long to be told, so that no half of a secret stays where it is cut.

/** How much more of a text is looked at than is kept: a secret that stands across the cut is seen whole. */
export const MARGIN = 4_096;

/**
 * How much is kept of what was looked at, `length` long without its secrets, where the text goes on behind it. What stands in the place of
 * secrets is shorter than they are: where the look ended, perhaps in the middle of one, may now be before the cut.
 */
export const keptOf = (length: number, most: number): number => Math.max(0, Math.min(most, length - MARGIN));

/** The beginning of a text without its secrets, `most` characters at most. */
export function cutRedacted(text: string, most: number, redact: (text: string) => string): string {
  if (text.length <= most + MARGIN) return redact(text).slice(0, most);
  const seen = redact(text.slice(0, most + MARGIN));
  return seen.slice(0, keptOf(seen.length, most));
}
