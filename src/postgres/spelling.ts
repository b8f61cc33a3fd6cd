// How texts are written into a database whose encoding may not have all characters, such as LATIN1 or EUC_JP.
import { SQLSTATE, sqlStateOf } from './sqlstate.ts';

/** How the columns of a record are written. */
export type Spelling = <Value>(columns: Record<string, Value>) => Record<string, Value>;

export const asTheyAre: Spelling = (columns) => columns;

/** By what every encoding has: `<U+1F600>` in the place of another character. */
export const inAscii: Spelling = (columns) =>
  Object.fromEntries(
    Object.entries(columns).map(([name, value]) => [
      name,
      typeof value === 'string' ? (spell(value) as typeof value) : value,
    ]),
  );

/** An escape in JSON stands for a character too. */
function spell(text: string): string {
  return text
    .replace(/\\(?:ufffd|.)/g, (sequence) => (sequence === '\\ufffd' ? '?' : sequence))
    .replace(/[\u0080-\u{10ffff}]/gu, (character) => `<U+${character.codePointAt(0)?.toString(16).toUpperCase()}>`);
}

/** Whether the database's encoding lacks a character. */
export const lacksCharacter = (error: unknown): boolean => sqlStateOf(error) === SQLSTATE.untranslatableCharacter;
