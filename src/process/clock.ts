// The clock of this process, without `performance`: that global takes 1 ms to load, of a start that is to cost 25.
import { NODE_TIMERS } from '../runner/limited.ts';
import type { Clock } from '../runner/ports.ts';

/** Milliseconds since some moment in the past, the same one for every thread of the process. */
function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000 + nanoseconds / 1_000_000;
}

export const systemClock: Clock = { ...NODE_TIMERS, now: () => new Date(), monotonicMs };

/** When this process began. */
export function processStart(): Date {
  return new Date(Date.now() - process.uptime() * 1_000);
}
