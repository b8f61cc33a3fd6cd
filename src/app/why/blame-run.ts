// Why the newest run of a slot is no success, by its record.

import type { RunRecord } from '../../postgres/records.ts';
import { rootCause } from '../standing.ts';
import type { Facts } from './facts.ts';
import { againFor, type Verdict } from './remedies.ts';

/** @param kill what the cluster says of the end of the run's pod */
export function blameRun(run: RunRecord, facts: Facts, kill: Verdict | undefined): Verdict {
  const { id, status, exitCode, error, deadline, startedAt } = run;
  const backfill = againFor(run, facts);
  const cause = error ? rootCause(error) : 'its record says no more';
  const it = `run ${id}`;
  switch (status) {
    case 'running':
      return {
        because: `it is being done: ${it} is under way since ${startedAt.toISOString()}${deadline ? `, until ${deadline.toISOString()} at the latest` : ''}`,
        remedy: `wait, or run-job cancel ${id}`,
      };
    case 'continued':
      return {
        because: `it isn't done yet: ${it} saved its progress and asked for a new pod, and none has begun`,
        remedy: `if none comes: ${backfill}`,
      };
    case 'skipped':
      return blameSkip(run, facts, backfill);
    case 'failed':
      return exitCode === 65
        ? { because: `${it} failed for good: ${cause}`, remedy: `mend what it says, then ${backfill}` }
        : { because: `${it} failed: ${cause}`, remedy: `run-job show ${id} tells all of it; mended, ${backfill}` };
    case 'rejected':
      return {
        because: `${it} was rejected: ${cause}`,
        remedy: `mend its command line or parameters, then ${backfill}`,
      };
    case 'misconfigured':
      return {
        because: `${it} found its environment misconfigured: ${cause}`,
        remedy: `run-job doctor from the same place; then ${backfill}`,
      };
    case 'unavailable':
      return {
        because: `${it} could not reach what it needs: ${cause}`,
        remedy: `run-job doctor from the same place; then ${backfill}`,
      };
    case 'timed_out':
      return {
        because: `${it} had not ended by its deadline: ${cause}`,
        remedy: `make it faster, or raise its timeout; then ${backfill}`,
      };
    case 'cancelled':
      return { because: `${it}: ${cause}`, remedy: `if it should be done after all: ${backfill}` };
    case 'interrupted':
      return kill ?? { because: `${it} was interrupted: ${cause}`, remedy: `if no other pod does it: ${backfill}` };
    case 'lost':
      return (
        kill ?? {
          because: `${it} died without a word: it was killed, or its node went away`,
          remedy: `kubectl describe pod${run.place.podName ? ` ${run.place.podName}` : ''}, and look for OOMKilled; then ${backfill}`,
        }
      );
    default:
      return { because: `${it} ended as ${status}: ${cause}`, remedy: `run-job show ${id}; then ${backfill}` };
  }
}

function blameSkip(run: RunRecord, { paused, running }: Facts, backfill: string): Verdict {
  const { name, reason, why, scheduledAt } = run;
  const because = `run ${run.id} was skipped: ${why ?? reason ?? 'its program said so'}`;
  switch (reason) {
    case 'paused':
      return { because, remedy: paused ? `when that is over: run-job resume ${name}, then ${backfill}` : backfill };
    case 'blackout':
      return { because };
    case 'after': {
      const other = /^(\S+) of /.exec(why ?? '')?.[1];
      return {
        because,
        remedy: `${other ? `run-job why ${other} --at ${scheduledAt.toISOString()}; then ` : ''}${backfill}`,
      };
    }
    case 'locked': {
      const [holder] = running;
      return { because, remedy: `${holder ? `when run ${holder.id} has ended: ` : ''}${backfill}` };
    }
    case 'limit':
      return { because, remedy: `spread the schedules, or raise WORKER_MAX_CONCURRENT_JOBS; then ${backfill}` };
    default:
      return { because, remedy: backfill };
  }
}
