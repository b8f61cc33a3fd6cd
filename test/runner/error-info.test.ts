import { expect, test } from 'vitest';
import { describeError } from '../../src/runner/error-info.ts';
import { createRedactor } from '../../src/runner/redact.ts';

test('an endless name or code is cut, so that the termination message fits', () => {
  const error = Object.assign(new Error('x'), { name: 'N'.repeat(9_000), code: 'C'.repeat(9_000) });
  const { name, code = '' } = describeError(error, createRedactor([]));
  expect([name.length, code.length].every((length) => length < 300)).toBe(true);
});
