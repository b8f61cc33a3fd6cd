import { expect, test } from 'vitest';
import { formatDuration, parseDuration } from '../src/duration.ts';

test.each([
  ['250ms', 250],
  ['90s', 90_000],
  ['1.5s', 1_500],
  ['30m', 1_800_000],
  ['1h30m', 5_400_000],
  ['7d', 604_800_000],
  ['0s', 0],
])('%s is %i milliseconds', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each(['', '30', 'm', '30 m', '-5s', '5M', '1h 30m', 's5', '1e3s', '5s!'])('%j is no duration', (text) => {
  expect(parseDuration(text)).toBeUndefined();
});

test.each([
  [0, '0ms'],
  [850, '850ms'],
  [2_500, '2.5s'],
  [90_000, '1m 30s'],
  [3_600_000, '1h'],
  [90_061_000, '1d 1h'],
])('%i milliseconds are told as %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});
