import { expect, test } from 'vitest';
import { scheduledTimeIn } from '../../src/app/identity.ts';

const NOW = new Date('2026-11-23T02:00:03Z');
const MINUTES = Date.parse('2026-11-23T02:00:00Z') / 60_000;

test("the CronJob controller's Job name holds the slot in minutes since the epoch", () => {
  expect(scheduledTimeIn(`cleanup-${MINUTES}`, 'cleanup', NOW)).toEqual(new Date('2026-11-23T02:00:00Z'));
  expect(scheduledTimeIn(`cleanup-${MINUTES}`, undefined, NOW)).toEqual(new Date('2026-11-23T02:00:00Z'));
});

test.each([
  ['no name', undefined, undefined],
  ['a name that somebody chose', 'cleanup-by-hand', undefined],
  ['the Job of another CronJob', `other-${MINUTES}`, 'cleanup'],
  ['digits that are no plausible time', 'cleanup-20261123', undefined],
  ['digits alone', `${MINUTES}`, undefined],
])('%s tells no slot', (_, jobName, cronJobName) => {
  expect(scheduledTimeIn(jobName, cronJobName, NOW)).toBeUndefined();
});
