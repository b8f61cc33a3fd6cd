// What is redacted of a program's lines, one of which doesn't know of the next: a key that stands on many, and where it ends.
import { expect, test } from 'vitest';
import { createLineRedactor } from '../../../src/process/child/redact-lines.ts';
import { withHint } from '../../../src/runner/hint.ts';
import { createRedactor, secretsOf } from '../../../src/runner/redact.ts';

/** The lines, as they come one by one. */
function told(lines: readonly string[], env: Record<string, string> = {}): string[] {
  const redact = createLineRedactor(withHint(createRedactor(secretsOf(env))));
  return lines.flatMap((line) => {
    const batch = [line];
    redact(batch);
    return batch;
  });
}

const BEGIN = '-----BEGIN RSA PRIVATE KEY-----';
const END = '-----END RSA PRIVATE KEY-----';

test.each([
  [
    'RSA',
    [BEGIN, 'MIIEabc', '', 'MIIEdef', END, 'after'],
    ['[redacted]', '[redacted]', '', '[redacted]', '[redacted]'],
  ],
  [
    'PGP',
    ['-----BEGIN PGP PRIVATE KEY BLOCK-----', '', 'lQOYBGR', '=abcd', '-----END PGP PRIVATE KEY BLOCK-----', 'after'],
    ['[redacted]', '', '[redacted]', '[redacted]', '[redacted]'],
  ],
  [
    'two, of which one file has no line end behind it',
    [BEGIN, 'MIIEabc', `${END}${BEGIN}`, 'MIIEdef', END, 'after'],
    ['[redacted]', '[redacted]', '[redacted][redacted]', '[redacted]', '[redacted]'],
  ],
  [
    'with words before it',
    [`key: ${BEGIN}`, 'MIIEabc', `${END} "x"`, 'after'],
    ['key: [redacted]', '[redacted]', '[redacted] "x"'],
  ],
])('a private key: %s', (_, lines, expected) => {
  expect(told(lines)).toEqual([...expected, 'after']);
});

test('what only speaks of a key hides nothing of what comes behind it', () => {
  expect(told([`expected ${BEGIN} but got nothing`, 'the next line'])).toEqual([
    'expected [redacted]',
    'the next line',
  ]);
});

test('a key whose end never comes hides no more than a key can have', () => {
  const lines = told([
    BEGIN,
    ...Array.from({ length: 1_000 }, (_, at) => `${at}: ${'a line like any other '.repeat(2)}`),
  ]);
  expect(lines.slice(0, 100)).toEqual(Array.from({ length: 100 }, () => '[redacted]'));
  expect(lines.at(-1)).toMatch(/^999: a line/);
});

test('any line of a secret of many lines in the environment is one', () => {
  const key = [BEGIN, 'MIIEpAIBAAKCAQEAx1y2z3MIIEpAIBAAKCAQEA', 'q9w8e7r6t5q9w8e7r6t5q9w8e7r6t5', END];
  const env = { DEPLOY_KEY: key.join('\n'), PASSPHRASE: 'a whole sentence that\r\nnobody would ever guess\r\n' };
  expect(told([`grep says ${key[2]}`, `${key[1]}`, 'and nobody would ever guess it', 'short'], env)).toEqual([
    'grep says [redacted]',
    '[redacted]',
    'and [redacted] it',
    'short',
  ]);
});
