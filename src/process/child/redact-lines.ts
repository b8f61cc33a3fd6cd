// Redacts the lines of a program: each by itself, and a private key also when it stands on many.

import type { HintingRedactor } from '../../runner/hint.ts';
import { REDACTED } from '../../runner/redact.ts';

/** The beginning of a key whose lines come behind it: one that is only spoken of has words behind it. */
const KEY_BEGINS = /-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----\s*\S*\s*$/;
const KEY_ENDS = /^-----END [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----/;
const DASHES = '-----';

/** The most characters of a key: where its end never comes, not all that the program says later is hidden. */
const LONGEST_KEY = 16_384;

/**
 * Removes the secrets of lines where they stand; returns whether there was nothing that looked like one.
 * For one stream: it remembers whether it is inside a private key.
 */
export type LineRedactor = (lines: string[]) => boolean;

export function createLineRedactor(redactor: Pick<HintingRedactor, 'text' | 'mayHoldSecret'>): LineRedactor {
  /** How many characters of a key may still come; 0 outside of one. */
  let left = 0;
  const outside = (text: string): string => {
    const begins = text.search(KEY_BEGINS);
    if (begins === -1) return redactor.text(text);
    left = LONGEST_KEY;
    return redactor.text(text.slice(0, begins)) + REDACTED;
  };
  const redact = (line: string): string => {
    if (left === 0 || line === '') return outside(line);
    const end = line.indexOf(DASHES);
    if (end === -1) {
      left = Math.max(0, left - line.length);
      return REDACTED;
    }
    left = 0;
    const last = KEY_ENDS.exec(line.slice(end))?.[0] ?? '';
    return (end > 0 || last !== '' ? REDACTED : '') + outside(line.slice(end + last.length));
  };
  return (lines) => {
    // Most lines hold nothing of the kind, and stay as they are: one look at all of them together is the fastest.
    if (left === 0 && !redactor.mayHoldSecret(lines.join('\n'))) return true;
    for (let at = 0; at < lines.length; at += 1) {
      const line = lines[at] as string;
      if (left > 0 || redactor.mayHoldSecret(line)) lines[at] = redact(line);
    }
    return false;
  };
}
