// JSON that PostgreSQL's jsonb takes.

/** Escapes as JSON.stringify writes them: the character NUL, a lone surrogate, or any other. */
const ESCAPE = /\\(?:u0000|u[dD][89a-fA-F][0-9a-fA-F]{2}|.)/g;
const REFUSED = /^\\u(?:0000|[dD])/;

/** Writes a value as JSON; what jsonb refuses (NUL, lone surrogates) becomes the replacement character. */
export function toJson(value: unknown): string | null {
  const text = JSON.stringify(value);
  if (text === undefined) return null;
  if (!text.includes('\\u')) return text;
  return text.replace(ESCAPE, (sequence) => (REFUSED.test(sequence) ? '\\ufffd' : sequence));
}
