// Redacts the lines of a program: each by itself, and a private key also when it stands on many.

import type { HintingRedactor } from '../../runner/hint.ts';
import { REDACTED } from '../../runner/redact.ts';

const KEY_BEGINS = /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----/;
const KEY_ENDS = /-----END [A-Z ]{0,40}PRIVATE KEY-----/;

/**
 * Removes the secrets of lines where they stand; returns whether there was nothing that looked like one.
 * For one stream: it remembers whether it is inside a private key.
 */
export type LineRedactor = (lines: string[]) => boolean;

export function createLineRedactor(redactor: Pick<HintingRedactor, 'text' | 'mayHoldSecret'>): LineRedactor {
  let inKey = false;
  const redact = (line: string): string => {
    if (line === '') return line;
    const begins = KEY_BEGINS.test(line);
    if (!inKey && !begins) return redactor.text(line);
    inKey = !KEY_ENDS.test(line);
    return begins ? redactor.text(line.replace(/-----BEGIN .*/, REDACTED)) : REDACTED;
  };
  return (lines) => {
    // Most lines hold nothing of the kind, and stay as they are: one look at all of them together is the fastest.
    if (!inKey && !redactor.mayHoldSecret(lines.join('\n'))) return true;
    for (let at = 0; at < lines.length; at += 1) {
      const line = lines[at] as string;
      if (inKey || redactor.mayHoldSecret(line)) lines[at] = redact(line);
    }
    return false;
  };
}
