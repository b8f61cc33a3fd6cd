// How long a job that was asked to stop may take: the grace period, or less when waiting makes no sense.

import { formatDuration } from '../duration.ts';
import { RunJobError } from '../errors.ts';
import type { Clock } from './ports.ts';
import type { Stop } from './stop.ts';

/** After the lock is lost another run may begin at any moment, so the job gets no more than this. */
export const LOCK_LOST_GRACE_MS = 5_000;

/** How long the end of a run may take, in milliseconds, once the job of a run without its lock has stopped or was abandoned. */
export const LOCK_LOST_END_MS = 3_000;

/** In all: from when the lock is known to be lost until the process is dead, whatever else is configured. */
export const LOSS_LIMIT_MS = LOCK_LOST_GRACE_MS + LOCK_LOST_END_MS + 500;

/** How long the job may take to stop, in milliseconds, once there is a cause. */
export function graceFor(stop: Stop, graceMs: number): number {
  return stop.lockLost.aborted ? Math.min(graceMs, LOCK_LOST_GRACE_MS) : graceMs;
}

/**
 * The job's own end, or a rejection when it doesn't come within the grace period after the run was asked to stop.
 * The timer doesn't keep the process alive: when nothing else does either, the job can't end any more.
 */
export function withinGrace<T>(work: Promise<T>, stop: Stop, graceMs: number, clock: Clock): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  work.then(resolve, reject);
  const giveUp = (message: string, options?: ErrorOptions) =>
    reject(new RunJobError('ERR_RUN_JOB_TIMEOUT', message, options));
  const giveUpIn = (ms: number) => {
    clock.startTimer(ms, () =>
      giveUp(`The job didn't stop within its grace period of ${formatDuration(ms)} and was abandoned`),
    );
  };
  const onAbort = () => giveUpIn(graceFor(stop, graceMs));
  if (stop.signal.aborted) onAbort();
  else stop.signal.addEventListener('abort', onAbort, { once: true });
  // A lock that is lost during the grace of another cause shortens it.
  const onLockLost = () => {
    if (stop.cause?.kind !== 'lock_lost') giveUpIn(Math.min(graceMs, LOCK_LOST_GRACE_MS));
  };
  if (stop.lockLost.aborted) onLockLost();
  else stop.lockLost.addEventListener('abort', onLockLost, { once: true });
  const onAbandon = () => giveUp('The job was abandoned', { cause: stop.abandoned.reason });
  if (stop.abandoned.aborted) onAbandon();
  else stop.abandoned.addEventListener('abort', onAbandon, { once: true });
  return promise;
}
