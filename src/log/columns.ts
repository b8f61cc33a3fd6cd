// How much of a line a text takes on a terminal: letters of East Asia and pictures take two columns, marks on a letter none.
import stringWidth from 'string-width';

/** Scripts that are written without spaces, or may be broken as if they were. */
const UNSPACED = /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}/u;

/** How many columns it takes. */
export const columnsOf = (text: string): number => stringWidth(text);

/** Whether a line may be broken at any of its letters. */
export const isUnspaced = (text: string): boolean => UNSPACED.test(text);

/** As much of its beginning as has room in so many columns: whole characters, at least one. */
export function beginningOf(text: string, columns: number): string {
  let taken = 0;
  let end = 0;
  for (const { segment, index } of new Intl.Segmenter().segment(text)) {
    taken += columnsOf(segment);
    if (taken > columns && index > 0) break;
    end = index + segment.length;
  }
  return text.slice(0, end);
}

/** `text` and as many spaces as make it so wide. */
export const padTo = (text: string, columns: number): string =>
  text + ' '.repeat(Math.max(0, columns - columnsOf(text)));
