// The quick look that lines by the million get: it may send a text to the redactor in vain, and may never keep one from it.
import { describe, expect, test } from 'vitest';
import { type HintingRedactor, withHint } from '../../../src/runner/hint.ts';
import { createRedactor, type Redactor } from '../../../src/runner/redact.ts';
import { ENCODINGS, HARMLESS, KNOWN_SECRETS, secretSamples } from './samples.ts';

/** One that has looked at so much that it takes the short way. */
function afterMuch(redactor: Redactor): HintingRedactor {
  const hinting = withHint(redactor);
  hinting.mayHoldSecret('word '.repeat(20_000));
  return hinting;
}

describe.each([
  { when: 'at first', hinting: withHint },
  { when: 'after much text', hinting: afterMuch },
])('$when', ({ hinting }) => {
  test('every text that the redactor would change is taken for one that may hold a secret', () => {
    const redactor = hinting(createRedactor([]));
    const texts = [...secretSamples(1).map(({ text }) => text), ...HARMLESS];
    const passedOver = texts.filter((text) => redactor.text(text) !== text && !redactor.mayHoldSecret(text));
    expect(passedOver).toEqual([]);
  });

  test('so is every known secret, however it is written', () => {
    const passedOver = KNOWN_SECRETS.flatMap((secret) => {
      const redactor = hinting(createRedactor([secret]));
      return Object.values(ENCODINGS)
        .map((encode) => encode(secret))
        .filter((text) => redactor.text(text) !== text && !redactor.mayHoldSecret(text));
    });
    expect(passedOver).toEqual([]);
  });

  test('a secret is found wherever it stands in a batch of lines, whatever stands around it', () => {
    const redactor = hinting(createRedactor(KNOWN_SECRETS));
    const passedOver: string[] = [];
    for (const [index, { text }] of secretSamples(2).entries()) {
      const line = `${'a b.'.repeat(index % 19).slice(0, index % 37)} ${text} end`;
      if (redactor.text(line) === line) continue;
      for (const around of [
        '',
        'x'.repeat(index % 23),
        'Größe 日本 ',
        ...(index % 100 === 0 ? ['row '.repeat(40_000)] : []),
      ]) {
        if (!redactor.mayHoldSecret(`${around}\n${line}\n${around}`)) passedOver.push(text);
      }
    }
    expect(passedOver).toEqual([]);
  });

  test('a known secret is found in the middle of others that begin like it', () => {
    const known = ['abcabcabcabd', 'postgresql-9', 'tgres--x', 'Öl-Heizung-7'];
    const { mayHoldSecret } = hinting(createRedactor(known));
    for (const secret of known) {
      for (const before of ['', 'abcabc', 'postgres', 'pos', 'Ö', '\n']) {
        expect(mayHoldSecret(`${before}${secret}z`), before + secret).toBe(true);
      }
    }
  });

  test('ordinary lines aren’t', () => {
    const { mayHoldSecret } = hinting(createRedactor(['hunter2hunter2']));
    for (const line of [
      '2026-11-26T07:37:48.845Z INFO order 12 in 12ms status=ok path=/orders/12',
      'done',
      '{"level":"info","rows":3}',
    ])
      expect(mayHoldSecret(line), line).toBe(false);
  });
});
