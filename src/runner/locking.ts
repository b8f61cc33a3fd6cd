// The lock's part in a run: take it, wait for it where that was asked for, or say why not.

import { pause } from './limited.ts';
import { EXIT, type Outcome } from './outcome.ts';
import type { Clock, Holder, Lease, LockResult, RunLog } from './ports.ts';
import type { LockedPolicy } from './request.ts';
import type { Stop } from './stop.ts';

/** How often a waiting run tries again, in milliseconds; each wait is random between half of it and the whole. */
const POLL_MS = 1_000;

export interface LockingOptions {
  readonly policy: LockedPolicy;
  readonly waitMs: number;
  readonly stop: Stop;
  readonly log: RunLog;
  readonly random: () => number;
  readonly clock: Clock;
  readonly acquire: () => Promise<LockResult>;
}

/**
 * The lease, or the outcome of a run that didn't get it. Waiting is polling: a statement that waits inside PostgreSQL would hold a
 * snapshot, and so hold back VACUUM, for as long as it waits.
 * @throws what `acquire` throws, or the cause when the run is asked to stop
 */
export async function takeLock(options: LockingOptions): Promise<Lease | Outcome> {
  const { policy, waitMs, stop, log, random, clock, acquire } = options;
  const giveUpAt = clock.monotonicMs() + (policy === 'wait' ? waitMs : 0);
  for (let first = true; ; first = false) {
    const pending = acquire();
    // A lock that arrives after the run has been told to stop is given back at once.
    const result = await stop.race(pending).catch((error: unknown) => {
      pending.then((late) => (late.held ? late.lease.release() : undefined)).catch(() => undefined);
      throw error;
    });
    if (result.held) return result.lease;
    const delayMs = POLL_MS * (0.5 + random() / 2);
    if (clock.monotonicMs() + delayMs > giveUpAt) {
      log.warn(`skipped: ${tellWhy(result)}`, { reason: result.reason, holder: result.holder });
      return { status: 'skipped', exitCode: policy === 'skip' ? EXIT.ok : EXIT.locked, reason: result.reason };
    }
    if (first) log.info(`waiting: ${tellWhy(result)}`, { reason: result.reason, waitMs, holder: result.holder });
    await pause(clock, delayMs, stop.signal);
    stop.signal.throwIfAborted();
  }
}

function tellWhy(result: Extract<LockResult, { held: false }>): string {
  if (result.reason === 'limit') return 'as many runs as WORKER_MAX_CONCURRENT_JOBS allows are already running';
  return `another run of this job holds its lock${result.holder ? ` (${tellHolder(result.holder)})` : ''}`;
}

function tellHolder({ runId, place, since }: Holder): string {
  return [
    runId && `run ${runId}`,
    place?.podName ? `pod ${place.podName}` : place?.host && `host ${place.host}`,
    since && `since ${since.toISOString()}`,
  ]
    .filter(Boolean)
    .join(', ');
}
