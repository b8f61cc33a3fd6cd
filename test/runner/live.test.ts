// What a run says of itself while it lives: seldom enough to cost nothing, and all of it in the end.
import { expect, test } from 'vitest';
import { Live } from '../../src/runner/live.ts';
import type { Told } from '../../src/runner/ports.ts';
import { slotOf } from '../contracts/runs.ts';

function liveRun() {
  let nowMs = 0;
  const told: Told[] = [];
  let open: (() => void) | undefined;
  const live = new Live({
    clock: { now: () => new Date(nowMs), monotonicMs: () => nowMs },
    history: {
      tell: (_, what) => {
        told.push(structuredClone(what));
        return new Promise((resolve) => {
          open = resolve;
        });
      },
    },
    run: () => ({ id: 'r', job: 'report', slot: slotOf('report'), place: { host: 'h', pid: 1 } }),
  });
  return {
    live,
    told,
    pass: (ms: number) => {
      nowMs += ms;
    },
    /** The database has taken what it was told last. */
    async taken() {
      open?.();
      await new Promise(setImmediate);
    },
  };
}

test('progress is told every ten seconds at most, and never of a job that works for less', async () => {
  const { live, told, pass, taken } = liveRun();
  live.attemptBegins();
  for (let done = 1; done <= 250; done += 1) {
    live.progress(done, 250);
    await taken();
    pass(100);
  }
  expect(told.map(({ progress }) => progress)).toEqual([
    { done: 101, total: 250 },
    { done: 201, total: 250 },
  ]);
});

test('who waits for a moment only tells nobody; who goes on waiting tells since when', async () => {
  const { live, told, pass, taken } = liveRun();
  await live.waits({ reason: 'locked', holder: 'other' }, 600_000);
  expect(told).toEqual([]);
  pass(1_000);
  const telling = live.waits({ reason: 'locked', holder: 'other' }, 599_000);
  await taken();
  await telling;
  expect(told).toEqual([
    { waiting: { reason: 'locked', holder: 'other', since: new Date(0), until: new Date(600_000) } },
  ]);
});

test('a run of one attempt tells nothing of it; of several, each with its failure and the wait after it', async () => {
  const { live, told, pass, taken } = liveRun();
  live.attemptBegins();
  expect(live.tries).toBeUndefined();
  pass(50);
  live.attemptFailed({ name: 'Error', message: 'x'.repeat(1_000) }, 200.4);
  pass(200);
  live.attemptBegins();
  const tries = [
    {
      startedAt: new Date(0),
      endedAt: new Date(50),
      error: { name: 'Error', message: 'x'.repeat(300) },
      retryInMs: 200,
    },
    { startedAt: new Date(250) },
  ];
  expect(live.tries).toEqual(tries);
  // The second came while the first was being told: both are told then.
  await taken();
  await taken();
  expect(told.map(({ attempts }) => attempts?.length)).toEqual([1, 2]);
  expect(told.at(-1)).toEqual({ attempts: tries });
});

test('once the run is at its end, nothing that still waits to be told is', async () => {
  const { live, told, taken } = liveRun();
  live.attemptBegins();
  live.attemptFailed({ name: 'Error', message: 'no' }, 10);
  live.attemptBegins();
  live.end();
  await taken();
  expect(told).toHaveLength(1);
});
