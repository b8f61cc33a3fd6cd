// What has become of a slot whose runs asked for new pods.
import { expect, test } from 'vitest';
import { judgeSlot, type SlotRun } from '../../src/schedule/judge.ts';

const AT = new Date('2026-11-23T02:00:00Z');
const NOW = new Date('2026-11-23T05:00:00Z');

/** Runs of the one part of the slot, an hour apart. */
const runs = (...statuses: readonly string[]): SlotRun[] =>
  statuses.map((status, hour) => ({
    status,
    startedAt: new Date(AT.getTime() + hour * 3_600_000),
    shard: { index: 0, count: 1 },
  }));

test.for([
  [['continued'], 'running'],
  [['continued', 'running'], 'running'],
  [['continued', 'continued'], 'running'],
  [['continued', 'succeeded'], 'done'],
  [['continued', 'failed'], 'failed'],
  [['continued', 'continued', 'lost'], 'failed'],
  [['failed', 'continued'], 'running'],
  // One that began later may be skipped because this one works.
  [['running', 'skipped'], 'running'],
] as const)('%j: %s', ([statuses, state]) => {
  expect(judgeSlot(AT, undefined, runs(...statuses), false, NOW).state).toBe(state);
});
