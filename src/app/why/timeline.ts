// What happened around a slot, in order of time: by the schedule, by the records, and by what the cluster shows.
import { formatDuration } from '../../duration.ts';
import type { ClusterView } from '../../kubernetes/look.ts';
import type { Condition, Pod } from '../../kubernetes/objects.ts';
import type { RunRecord } from '../../postgres/records.ts';
import { rootCause } from '../standing.ts';
import type { Facts } from './facts.ts';

/** One thing that happened. */
export interface Happening {
  readonly at: Date;
  readonly of: 'schedule' | 'pause' | 'run' | 'CronJob' | 'Job' | 'Pod';
  readonly text: string;
}

/** How long before a slot something of its CronJob may have to do with it. */
const BEFORE_MS = 3_600_000;

/** All that is known, the oldest first. */
export function timelineOf(facts: Facts, view: ClusterView | undefined): Happening[] {
  const all = [
    ...fromSchedule(facts),
    ...facts.runs.flatMap((run) => [...fromRun(run)]),
    ...(view ? fromCluster(view, facts) : []),
  ];
  return all.sort((a, b) => a.at.getTime() - b.at.getTime());
}

function* fromSchedule({ slot, schedule, pause, underWay, now, name }: Facts): Generator<Happening> {
  if (pause) {
    yield { at: pause.since, of: 'pause', text: `${name} is paused${pause.by ? ` by ${pause.by}` : ''}: ${pause.why}` };
    if (pause.endedAt) yield { at: pause.endedAt, of: 'pause', text: 'resumed' };
    else if (pause.until && pause.until <= now) yield { at: pause.until, of: 'pause', text: 'ends by itself' };
  }
  if (underWay) {
    yield {
      at: underWay.startedAt,
      of: 'run',
      text: `${tellRun(underWay)} starts, for ${underWay.scheduledAt.toISOString()}`,
    };
    if (underWay.endedAt)
      yield { at: underWay.endedAt, of: 'run', text: `${tellRun(underWay)} ends: ${tellEnd(underWay)}` };
  }
  if (slot === undefined) return;
  yield { at: slot.at, of: 'schedule', text: 'the slot' };
  const late = schedule && new Date(slot.at.getTime() + schedule.lateAfterMs);
  const begun = slot.state !== 'missed' && slot.state !== 'late';
  if (late && late <= now && !begun) {
    yield { at: late, of: 'schedule', text: `late: nobody has begun it in ${formatDuration(schedule.lateAfterMs)}` };
  }
}

const tellRun = ({ id }: RunRecord): string => `run ${id.slice(-8)}`;

function tellEnd({ status, exitCode, why, reason, error }: RunRecord): string {
  const because = why ?? (error && rootCause(error)) ?? reason;
  return `${status}${exitCode === undefined ? '' : ` (exit ${exitCode})`}${because ? `: ${because}` : ''}`;
}

function* fromRun(run: RunRecord): Generator<Happening> {
  const { shard, startedAt, endedAt, deadline, status, place } = run;
  const where = place.podName ? `pod ${place.podName}` : `host ${place.host}`;
  const part = shard.count > 1 ? `, part ${shard.index} of ${shard.count}` : '';
  yield { at: startedAt, of: 'run', text: `${tellRun(run)} starts${part}, ${where}` };
  if (endedAt) yield { at: endedAt, of: 'run', text: `${tellRun(run)} ends: ${tellEnd(run)}` };
  else if (status === 'lost')
    yield { at: deadline ?? startedAt, of: 'run', text: `${tellRun(run)} is dead, and has said nothing` };
}

function* fromCluster(view: ClusterView, { slot }: Facts): Generator<Happening> {
  const since = slot === undefined ? 0 : slot.at.getTime() - BEFORE_MS;
  for (const { of, name, at, reason, message, count } of view.events) {
    if (of === 'CronJob' && at.getTime() < since) continue;
    yield {
      at,
      of,
      text: `${of === 'CronJob' ? '' : `${name}: `}${reason}${count > 1 ? ` (${count} times)` : ''}: ${message}`,
    };
  }
  for (const { metadata, status } of view.jobs) {
    const name = metadata?.name ?? '';
    yield* timed('Job', metadata?.creationTimestamp, `${name} is created`);
    yield* conditions('Job', name, status?.conditions ?? []);
  }
  for (const pod of view.pods) yield* fromPod(pod);
}

function* fromPod({ metadata, spec, status }: Pod): Generator<Happening> {
  const name = metadata?.name ?? '';
  yield* timed('Pod', metadata?.creationTimestamp, `${name} is created`);
  for (const { type, status: is, reason, message, lastTransitionTime } of status?.conditions ?? []) {
    if (type === 'PodScheduled' && is === 'True') {
      yield* timed('Pod', lastTransitionTime, `${name} is placed on ${spec?.nodeName ?? 'a node'}`);
    } else if (type === 'PodScheduled' || (type === 'DisruptionTarget' && is === 'True')) {
      yield* timed('Pod', lastTransitionTime, `${name}: ${tell(reason, message)}`);
    }
  }
  for (const { name: container, state } of status?.containerStatuses ?? []) {
    const { terminated, running } = state ?? {};
    if (running) yield* timed('Pod', running.startedAt, `${name}: ${container} runs`);
    if (terminated) {
      const why = terminated.reason ? `, ${terminated.reason}` : '';
      yield* timed('Pod', terminated.finishedAt, `${name}: ${container} ends with ${terminated.exitCode}${why}`);
    }
  }
}

function* conditions(of: 'Job', name: string, all: readonly Condition[]): Generator<Happening> {
  for (const { type, status, reason, message, lastTransitionTime } of all) {
    if (status === 'True')
      yield* timed(of, lastTransitionTime, `${name}: ${type}${reason ? `, ${tell(reason, message)}` : ''}`);
  }
}

/** Kubernetes leaves out times that it doesn't know. */
function* timed(of: Happening['of'], time: string | undefined, text: string): Generator<Happening> {
  const at = new Date(time ?? Number.NaN);
  if (!Number.isNaN(at.getTime())) yield { at, of, text: text.replace(/\s+/g, ' ') };
}

const tell = (reason = '', message = ''): string => (message ? `${reason}: ${message}` : reason);
