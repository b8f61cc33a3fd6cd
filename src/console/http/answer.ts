// Answers as bytes. For a text of its own, Node would ask for three times the room that the longest could take, and what is freed of that stays with the process.
import type { Ctx } from './context.ts';

/** Characters that turn around what follows them, beyond the text that they came with: https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing */
const TURNING = /[\u202a-\u202e\u2066-\u2069]/g;

/** A page. What was recorded with such a character shows it, as `\u202e`, in place of being turned around by it. */
export const answerPage = (c: Ctx, body: unknown) =>
  answer(c, `<!doctype html>${body}`.replace(TURNING, escaped), 'text/html; charset=UTF-8');

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16)}`;

/** What a program asked for. */
export const answerJson = (c: Ctx, value: unknown) => answer(c, JSON.stringify(value), 'application/json');

/** Any text, with the status that was set before. */
export function answer(c: Ctx, text: string | Buffer<ArrayBuffer>, contentType: string) {
  c.header('content-type', contentType);
  return c.body(typeof text === 'string' ? Buffer.from(text) : text);
}
