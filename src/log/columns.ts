// How much of a line a text takes on a terminal: letters of East Asia and pictures take two columns, marks on a letter none.
import { eastAsianWidth } from 'get-east-asian-width';

/** Each character of it takes one column: what nearly all texts are. */
const PLAIN = /^[ -~\u00a1-\u00ac\u00ae-\u02ff\u2010-\u2027]*$/;
const PICTURE = /\ufe0f|\p{Emoji_Presentation}/u;
const NOTHING = /^[\p{M}\p{Cf}]*$/u;

/** Scripts that are written without spaces, or may be broken as if they were. */
const UNSPACED = /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}/u;

/** How many columns it takes. */
export function columnsOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let columns = 0;
  for (const { segment } of new Intl.Segmenter().segment(text)) columns += columnsOfOne(segment);
  return columns;
}

/** Whether a line may be broken at any of its letters. */
export const isUnspaced = (text: string): boolean => UNSPACED.test(text);

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
  if (PICTURE.test(character)) return 2;
  return NOTHING.test(character) ? 0 : eastAsianWidth(character.codePointAt(0) ?? 0);
}
