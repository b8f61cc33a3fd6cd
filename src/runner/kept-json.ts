// What a job keeps, as JSON: all of it, or an error that says what isn't.
import { PermanentError } from '../errors.ts';
import { undoneIn } from './undone.ts';

/** The most bytes of JSON that a checkpoint may have, and all results of steps together: it is a cursor, and no place for the work. */
const MOST_BYTES = 256 * 1024;

/** A value that is kept. */
interface Kept {
  readonly value: unknown;
  /** Who gives it, and how: `step export returned`. */
  readonly who: string;
  /** What it is to whoever gives it. */
  readonly name: string;
}

/**
 * The value as JSON.
 * @throws {PermanentError} it holds work that nobody has done yet, or what JSON has no word for
 */
export function toJson(
  { value, who, name }: Kept,
  replace?: (key: string, item: unknown) => unknown,
): string | undefined {
  const [undone] = undoneIn(value, name);
  if (undone !== undefined)
    throw new PermanentError(`${who} before its work was done: ${undone}. Await all that it begins`);
  try {
    return JSON.stringify(value, replace);
  } catch (error) {
    const problem = problemOf(error);
    // Whatever else a toJSON of its own throws.
    if (problem === undefined) throw error;
    throw new PermanentError(`${who} what JSON can't tell: ${problem}`);
  }
}

/** V8's own words name properties, and no remedy. */
function problemOf(error: unknown): string | undefined {
  if (error instanceof RangeError) return 'it is nested too deeply; keep a flat value';
  if (!(error instanceof TypeError)) return undefined;
  if (/BigInt/.test(error.message)) return 'it holds a BigInt; keep it as text, such as String(id)';
  return /circular/.test(error.message) ? 'it refers to itself; keep plain data' : undefined;
}

/** @throws {PermanentError} it is too large */
export function checkSize(what: string, text: string): void {
  const bytes = Buffer.byteLength(text);
  if (bytes <= MOST_BYTES) return;
  throw new PermanentError(
    `${what} has ${bytes} bytes of JSON, and may have ${MOST_BYTES}: save where the work stands, and keep the work itself in tables or files`,
  );
}
