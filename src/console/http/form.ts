// Reads what a form sends, up to a limit.

import type { Ctx } from './context.ts';
import { Refusal } from './refusal.ts';

/** @throws {Refusal} it is larger than that, or no form */
export async function readForm(c: Ctx, mostBytes: number): Promise<URLSearchParams> {
  const type = c.req.header('content-type') ?? '';
  if (!/^application\/x-www-form-urlencoded\b/i.test(type)) {
    throw new Refusal(400, 'No form', 'Send a form: application/x-www-form-urlencoded.');
  }
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of c.req.raw.body ?? []) {
    bytes += part.byteLength;
    if (bytes > mostBytes) throw new Refusal(413, 'Too large', `A form may have ${mostBytes} bytes.`);
    parts.push(part);
  }
  return new URLSearchParams(Buffer.concat(parts).toString('utf8'));
}
