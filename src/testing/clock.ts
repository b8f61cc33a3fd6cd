// A clock that stands still until a test turns it.
import { setImmediate as turn } from 'node:timers/promises';
import { parseDuration } from '../duration.ts';
import type { Duration } from '../job.ts';
import type { Clock } from '../runner/ports.ts';

/** For `runJob`'s option `clock`: the run's deadline, grace and waits between attempts go by it, and none passes by itself. */
export interface TestClock {
  now(): Date;
  /**
   * Turns the clock on. What falls due on the way happens in order, each at its own time, and what the run does then is waited for as
   * far as it needs no input or output.
   * @throws {TypeError} `by` isn't a duration
   */
  advance(by: Duration): Promise<void>;
}

interface Timer {
  readonly dueMs: number;
  readonly callback: () => void;
}

/** How many turns of the event loop a run may take until it waits again. */
const SETTLING_TURNS = 20;

/**
 * A clock that shows `start`.
 *
 * @example
 * const clock = createTestClock('2026-11-23T02:00:00Z');
 * const run = runJob(sync, { clock, timeout: '1h' });
 * await clock.advance('1h');
 * expect((await run).status).toBe('timed_out');
 */
export function createTestClock(start: Date | string): TestClock {
  const startMs = new Date(start).getTime();
  if (Number.isNaN(startMs)) throw new TypeError(`the clock's start is no time: ${start}`);
  let elapsedMs = 0;
  const timers = new Set<Timer>();

  const settle = async () => {
    for (let turns = 0; turns < SETTLING_TURNS; turns += 1) await turn();
  };
  const firstDue = (untilMs: number): Timer | undefined =>
    [...timers].filter(({ dueMs }) => dueMs <= untilMs).sort((a, b) => a.dueMs - b.dueMs)[0];

  const clock: Clock & TestClock = {
    now: () => new Date(startMs + elapsedMs),
    monotonicMs: () => elapsedMs,
    startTimer(ms, callback) {
      const timer = { dueMs: elapsedMs + ms, callback };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    async advance(by) {
      const ms = parseDuration(by);
      if (ms === undefined) throw new TypeError(`advance takes a duration such as 250ms or 90s, and got ${by}`);
      const untilMs = elapsedMs + ms;
      await settle();
      for (let timer = firstDue(untilMs); timer; timer = firstDue(untilMs)) {
        timers.delete(timer);
        elapsedMs = Math.max(elapsedMs, timer.dueMs);
        timer.callback();
        await settle();
      }
      elapsedMs = untilMs;
    },
  };
  return clock;
}

/** The runner's port of a test clock. */
export function clockOf(clock: TestClock): Clock {
  return clock as TestClock & Clock;
}
