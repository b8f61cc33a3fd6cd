// One of two threads says how the run ends.
import { expect, test } from 'vitest';
import { EndClaim } from '../../src/process/end-claim.ts';

/** Both sides of one claim. */
function sides() {
  const run = new EndClaim();
  return { run, watchdog: new EndClaim(run.shared) };
}

test('the watchdog speaks for a run that has not begun to', () => {
  const { watchdog } = sides();
  expect(watchdog.take('working')).toBe(true);
});

test('the watchdog speaks once', () => {
  const { watchdog } = sides();
  expect(watchdog.take('working')).toBe(true);
  expect(watchdog.take('working')).toBe(false);
  expect(watchdog.takeOver()).toBe(false);
});

test('a run that has decided how it ends is not spoken for as one that works', () => {
  const { run, watchdog } = sides();
  run.advance('ending');
  expect(watchdog.take('working')).toBe(false);
  expect(watchdog.take('ending')).toBe(true);
});

test('a run that leaves is not spoken for as one that ends, unless it never goes', () => {
  const { run, watchdog } = sides();
  run.advance('ending');
  run.advance('leaving');
  expect(watchdog.take('ending')).toBe(false);
  expect(watchdog.takeOver()).toBe(true);
});

test('a second signal between the two stages is not taken back', () => {
  const { run, watchdog } = sides();
  run.advance('leaving');
  run.advance('ending');
  expect(watchdog.take('ending')).toBe(false);
});
