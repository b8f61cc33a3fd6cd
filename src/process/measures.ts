// What the process has taken so far. All of it is the whole process's, whichever thread asks.
import type { Measures } from '../runner/outcome.ts';

/** @param startedAt milliseconds since the epoch */
export function measure(startedAt: number): Measures {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  return {
    durationMs: Date.now() - startedAt,
    // libuv gives kilobytes on every platform, and microseconds.
    peakRssBytes: maxRSS * 1024,
    cpuMs: Math.round((userCPUTime + systemCPUTime) / 1_000),
  };
}
