import { expect, test } from 'vitest';
import { backoffDelay } from '../../src/runner/backoff.ts';

const BACKOFF = { baseDelayMs: 1_000, maxDelayMs: 10_000 };

test('the bound doubles with each attempt until it reaches the cap', () => {
  const almostOne = 1 - Number.EPSILON;
  expect([1, 2, 3, 4, 5, 50].map((attempt) => backoffDelay(BACKOFF, attempt, almostOne))).toEqual([
    1_000, 2_000, 4_000, 8_000, 10_000, 10_000,
  ]);
});

test('the jitter is full: a wait is anywhere between nothing and its bound', () => {
  expect(backoffDelay(BACKOFF, 3, 0)).toBe(0);
  expect(backoffDelay(BACKOFF, 3, 0.5)).toBe(2_000);
});
