// Answers as bytes. For a text of its own, Node would ask for three times the room that the longest could take, and what is freed of that stays with the process.
import type { Ctx } from './context.ts';

/** A page. */
export const answerPage = (c: Ctx, body: unknown) => answer(c, `<!doctype html>${body}`, 'text/html; charset=UTF-8');

/** What a program asked for. */
export const answerJson = (c: Ctx, value: unknown) => answer(c, JSON.stringify(value), 'application/json');

/** Any text, with the status that was set before. */
export function answer(c: Ctx, text: string | Buffer<ArrayBuffer>, contentType: string) {
  c.header('content-type', contentType);
  return c.body(typeof text === 'string' ? Buffer.from(text) : text);
}
