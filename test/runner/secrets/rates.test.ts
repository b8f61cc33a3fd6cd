// Both ways in which a redactor errs, over texts by the thousand; `npm run bench -- redaction` prints the figures.
import { expect, test } from 'vitest';
import { falseAlarms, missedByLook, missedThoughKnown, type Rate, wrongHints } from './rates.ts';

/** At most this share may go wrong, in per cent. */
function expectAtMost({ tried, wrong }: Rate, percent: number): void {
  expect((100 * wrong.length) / tried, wrong.slice(0, 20).join('\n')).toBeLessThanOrEqual(percent);
}

test('no known secret is left, however it is written or encoded', () => {
  expect(missedThoughKnown().wrong).toEqual([]);
});

test('of a thousand unknown secrets two at most are left: keys by their form, the others by their name or place', () => {
  expectAtMost(missedByLook(1), 0.2);
});

test('the hint that there is no secret in a line is never wrong', () => {
  expect(wrongHints(2).wrong).toEqual([]);
});

test('of ten thousand harmless lines five at most are changed', () => {
  expectAtMost(falseAlarms(), 0.05);
});
