// JSON that says what it means: no name twice in an object, and no number that JavaScript would change.
import { UsageError } from '../errors.ts';

/**
 * Parses JSON strictly.
 * @param what names the text in an error, which never quotes it: it may hold a secret
 * @throws {SyntaxError} it isn't JSON
 * @throws {UsageError} it names a field twice, or holds a number that would lose digits or be infinite
 */
export function parseStrictJson(text: string, what: string): unknown {
  const value: unknown = JSON.parse(text, function check(key, item, context?: { source?: string }) {
    if (typeof item === 'number' && losesDigits(item, context?.source ?? '')) {
      const place = key === '' ? what : `${what} at ${key}`;
      throw new UsageError(
        `${place} is a number that can't be held exactly: write it as text in quotes, or a smaller one`,
      );
    }
    return item;
  });
  const twice = nameTwice(text);
  if (twice !== undefined) throw new UsageError(`${what} names ${twice} twice in one object: name it once`);
  return value;
}

/** Whether a number is larger than any, or a whole one of more digits than are kept. */
export function losesDigits(value: number, source: string): boolean {
  if (!Number.isFinite(value)) return true;
  return /^-?\d+$/.test(source.trim()) && !Number.isSafeInteger(value);
}

/** The first name that an object of this valid JSON has twice. */
function nameTwice(text: string): string | undefined {
  const objects: (Set<string> | undefined)[] = [];
  const tokens = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/gs;
  for (const [token, colon] of text.matchAll(tokens)) {
    if (token === '{') objects.push(new Set());
    else if (token === '[') objects.push(undefined);
    else if (token === '}' || token === ']') objects.pop();
    else if (colon !== undefined) {
      const name = JSON.parse(token.slice(0, token.length - colon.length)) as string;
      const names = objects.at(-1);
      if (names?.has(name)) return name;
      names?.add(name);
    }
  }
  return undefined;
}
