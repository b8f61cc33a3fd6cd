// The quick look that lines by the million get: it may send a text to the redactor in vain, and may never keep one from it.
import { expect, test } from 'vitest';
import { createRedactor } from '../../../src/runner/redact.ts';
import { ENCODINGS, HARMLESS, KNOWN_SECRETS, secretSamples } from './samples.ts';

test('every text that the redactor would change is taken for one that may hold a secret', () => {
  const redactor = createRedactor([]);
  const texts = [...secretSamples(1).map(({ text }) => text), ...HARMLESS];
  const passedOver = texts.filter((text) => redactor.text(text) !== text && !redactor.mayHoldSecret(text));
  expect(passedOver).toEqual([]);
});

test('so is every known secret, however it is written', () => {
  const passedOver = KNOWN_SECRETS.flatMap((secret) => {
    const redactor = createRedactor([secret]);
    return Object.values(ENCODINGS)
      .map((encode) => encode(secret))
      .filter((text) => redactor.text(text) !== text && !redactor.mayHoldSecret(text));
  });
  expect(passedOver).toEqual([]);
});

test('ordinary lines aren’t', () => {
  const { mayHoldSecret } = createRedactor(['hunter2hunter2']);
  for (const line of [
    '2026-11-26T07:37:48.845Z INFO order 12 in 12ms status=ok path=/orders/12',
    'done',
    '{"level":"info","rows":3}',
  ])
    expect(mayHoldSecret(line), line).toBe(false);
});
