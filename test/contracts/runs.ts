// Runs as the contracts describe them.
import { randomUUID } from 'node:crypto';
import type { Shard } from '../../src/job.ts';
import type { Lease, LockResult, RunEnd, RunStart, Slot } from '../../src/runner/ports.ts';

const WHOLE: Shard = { index: 0, count: 1 };

export function slotOf(name: string, shard: Shard = WHOLE, scheduledAt = new Date('2026-02-03T04:05:00Z')): Slot {
  return { name, scheduledAt, shard, paramsDigest: 'd1' };
}

/** A run that has just begun. */
export function runOf(slot: Slot, given: Partial<RunStart> = {}): RunStart {
  const startedAt = given.startedAt ?? new Date();
  return {
    id: randomUUID(),
    job: slot.name,
    slot,
    startedAt,
    deadline: new Date(startedAt.getTime() + 300_000),
    params: { retentionDays: 90 },
    dryRun: false,
    forced: false,
    version: '1.2.3',
    place: { host: 'host-1', pid: 4711 },
    retries: 0,
    ...given,
  };
}

/** The end of a run that succeeded, unless said otherwise. */
export function endOf(given: Partial<RunEnd> = {}): RunEnd {
  return {
    status: 'succeeded',
    exitCode: 0,
    endedAt: new Date(),
    durationMs: 1234.5,
    attempts: 1,
    peakRssBytes: 50_000_000,
    cpuMs: 99.9,
    ...given,
  };
}

/** The lease of a lock that must have been taken. */
export function jobLease(result: LockResult): Lease {
  if (!result.held) throw new Error(`The lock was refused: ${result.reason}`);
  return result.lease;
}
