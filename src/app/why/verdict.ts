// Why a slot has no success, as one sentence and one remedy: the first cause that explains it.
import { formatDuration } from '../../duration.ts';
import type { ClusterView } from '../../kubernetes/look.ts';
import type { RunRecord } from '../../postgres/records.ts';
import { blameCluster, killOf } from './blame-cluster.ts';
import { blameRun } from './blame-run.ts';
import type { Facts } from './facts.ts';
import { backfillOf, type Verdict } from './remedies.ts';

/** A clock that is off by more explains what seems late or early. */
export const MOST_SKEW_MS = 60_000;

/** @param view what the cluster shows; undefined where it can't be seen */
export function verdictOf(facts: Facts, view: ClusterView | undefined): Verdict {
  const verdict = explain(facts, view);
  const { clockAheadMs } = facts;
  if (Math.abs(clockAheadMs) <= MOST_SKEW_MS) return verdict;
  const off = `${formatDuration(Math.abs(clockAheadMs))} ${clockAheadMs < 0 ? 'behind' : 'ahead of'}`;
  return {
    ...verdict,
    because: `${verdict.because}; but the database's clock is ${off} this one's, and times can't be trusted`,
  };
}

function explain(facts: Facts, view: ClusterView | undefined): Verdict {
  const { name, slot, current, next, runs, paused } = facts;
  if (slot === undefined) {
    if (current?.suspend) return suspended(facts, current.validFrom);
    if (current && next) {
      const because = `${name} has had no slot yet: its schedule is known since ${current.validFrom.toISOString()}, and the first slot is ${next.toISOString()}`;
      if (!paused) return { because };
      const end = paused.until ? ` until ${paused.until.toISOString()}` : '';
      return {
        because: `${because}; the name is paused${end}: ${paused.why}`,
        remedy: `when that is over: run-job resume ${name}`,
      };
    }
    return {
      because: `${name} has never run, and no schedule of it is known, so that nobody expects it to`,
      remedy: 'tell of its schedule: by the chart, or by run-job schedules apply --file <path>',
    };
  }
  if (slot.state === 'done') {
    const run = runs.findLast(({ status }) => status === 'succeeded');
    return { because: `it has succeeded${run ? `, by run ${run.id}` : ''}` };
  }
  const newest = runs.findLast(({ status }) => status === 'running') ?? runs.findLast((run) => !isDone(run, runs));
  if (newest) return blameRun(newest, facts, view && killOf(newest, view, facts));
  return explainSilence(facts, slot.at, view);
}

/** Whether the part of the work that a run was of has succeeded, by it or by another. */
const isDone = ({ shard }: RunRecord, runs: readonly RunRecord[]): boolean =>
  runs.some((run) => run.status === 'succeeded' && run.shard.index === shard.index && run.shard.count === shard.count);

/** No run of the slot has a record. */
function explainSilence(facts: Facts, at: Date, view: ClusterView | undefined): Verdict {
  const { name, slot, schedule, current, blackout, pause, paused, underWay } = facts;
  const backfill = backfillOf(name, at);
  if (schedule === undefined) {
    if (current === undefined) {
      return {
        because: 'no schedule of it was in force then, so that nobody expected it to run',
        remedy: 'tell of its schedule: by the chart, or by run-job schedules apply --file <path>',
      };
    }
    return {
      because: `no schedule of it was known then: the one in force is since ${current.validFrom.toISOString()}`,
      remedy: `if it should be done: ${backfill} --current-schedule`,
    };
  }
  if (schedule.suspend) return suspended(facts, schedule.validFrom, at);
  if (blackout !== undefined) return { because: `it lies in a blackout of its schedule: ${blackout}` };
  if (pause) {
    return {
      because: `the name was paused${pause.by ? ` by ${pause.by}` : ''} since ${pause.since.toISOString()}: ${pause.why}`,
      remedy: paused ? `when that is over: run-job resume ${name}, then ${backfill}` : backfill,
    };
  }
  const seen = view && blameCluster(view, facts, at);
  if (seen) return seen;
  if (slot?.state === 'due') {
    const late = new Date(at.getTime() + schedule.lateAfterMs);
    return {
      because: `it is due, and may begin until ${late.toISOString()} without being late`,
      remedy: 'wait until then',
    };
  }
  if (underWay) {
    const { id, endedAt } = underWay;
    return {
      because: `the run before was still under way (run ${id}${endedAt ? `, until ${endedAt.toISOString()}` : ''}), and a CronJob starts none beside it`,
      remedy: `make it shorter, or let the slots be further apart; for this one: ${backfill}`,
    };
  }
  if (view)
    return { because: 'nobody has begun it, and nothing that is left in the cluster says why', remedy: backfill };
  return {
    because: 'nobody has begun it, and the records don’t say why; what the cluster knows could not be seen',
    remedy: `run-job why ${name} --at ${at.toISOString()} where kubectl reaches the cluster; to do it all the same: ${backfill}`,
  };
}

function suspended({ name, current }: Facts, since: Date, at?: Date): Verdict {
  const then = at === undefined ? '' : `, then ${backfillOf(name, at)} --current-schedule`;
  return {
    because: `its schedule ${current?.suspend ? 'is' : 'was'} suspended since ${since.toISOString()}, so that the CronJob starts nothing`,
    remedy: `${current?.suspend ? `set suspend: false where ${current.source} tells of it` : 'it no longer is'}${then}`,
  };
}
