// What the end of a run is told as: pure, from the exit code and what Kubernetes makes of it.
import type { RunEnd, RunStart } from '../runner/ports.ts';
import type { CheckInKind } from './event.ts';

/** Exit codes that fail the Job at once: usage, permanent, configuration, cancelled. */
const FAILS_JOB: readonly number[] = [64, 65, 78, 79];

/** The exit code that asks for a new pod. */
const CONTINUED = 80;

/**
 * How the end is told; undefined where it isn't.
 * @param failures how many runs of the Job and shard failed before in a way that Kubernetes counts; undefined where nobody knows
 */
export function kindOfEnd(run: RunStart, end: RunEnd, failures: number | undefined): CheckInKind | undefined {
  const { status, exitCode, reason } = end;
  if (run.dryRun || reason === 'slot_succeeded') return undefined;
  if (status === 'succeeded') return 'success';
  // Somebody decided that it shall not be done, or the work goes on in another pod.
  if (exitCode === 0 || exitCode === CONTINUED) return 'log';
  if (FAILS_JOB.includes(exitCode)) return 'failure';
  // Whoever was evicted is replaced, and that counts for nothing.
  if (status === 'interrupted' && run.place.jobUid !== undefined) return 'log';
  return isLast(run, failures) ? 'failure' : 'log';
}

/** Whether a failure of this run is one that Kubernetes doesn't try again. */
export function isLast({ retries, place }: RunStart, failures: number | undefined): boolean {
  return retries === 0 || place.jobUid === undefined || (failures !== undefined && failures >= retries);
}
