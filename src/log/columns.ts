// How much of a line a text takes on a terminal: letters of East Asia and pictures take two columns, marks on a letter none.

/** Each character of it takes one column: what nearly all texts are. */
const PLAIN = /^[ -~\u00a1-\u00ac\u00ae-\u02ff\u2010-\u2027]*$/;
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6b\uff01-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\ufe0f|\p{Emoji_Presentation}/u;
const NOTHING = /^[\p{M}\p{Cf}]*$/u;

/** How many columns it takes. */
export function columnsOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let columns = 0;
  for (const { segment } of new Intl.Segmenter().segment(text)) columns += columnsOfOne(segment);
  return columns;
}

/** Whether a line may be broken at any of its letters, as between those of Chinese and Japanese. */
export const isWide = (text: string): boolean => WIDE.test(text);

/** As much of its beginning as has room in so many columns: whole characters, at least one. */
export function beginningOf(text: string, columns: number): string {
  if (PLAIN.test(text)) return text.slice(0, Math.max(1, columns));
  let taken = 0;
  let end = 0;
  for (const { segment, index } of new Intl.Segmenter().segment(text)) {
    taken += columnsOfOne(segment);
    if (taken > columns && index > 0) break;
    end = index + segment.length;
  }
  return text.slice(0, end);
}

/** `text` and as many spaces as make it so wide. */
export const padTo = (text: string, columns: number): string =>
  text + ' '.repeat(Math.max(0, columns - columnsOf(text)));

function columnsOfOne(character: string): number {
  if (WIDE.test(character)) return 2;
  return NOTHING.test(character) ? 0 : 1;
}
