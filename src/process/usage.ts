// What the process has taken so far. All of it is the whole process's, whichever thread asks.
import type { Usage } from '../runner/ports.ts';

export function usage(): Usage {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  return {
    // libuv gives kilobytes on every platform, and microseconds.
    peakRssBytes: maxRSS * 1024,
    cpuMs: Math.round((userCPUTime + systemCPUTime) / 1_000),
  };
}
