// What the cluster says of a slot that has no run, and of a run that died: from the pod up to the CronJob, since what is nearest explains most.
import { formatDuration } from '../../duration.ts';
import type { ClusterView, SeenEvent } from '../../kubernetes/look.ts';
import type { ContainerStatus, CronJob, Job, Pod } from '../../kubernetes/objects.ts';
import type { RunRecord } from '../../postgres/records.ts';
import type { Facts } from './facts.ts';
import { againFor, backfillOf, type Verdict } from './remedies.ts';

/** Reasons of a container that waits, for an image. */
const NO_IMAGE = [
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'ImageInspectError',
  'RegistryUnavailable',
];

/** Reasons of a container that waits, for something that its configuration names. */
const NO_CONTAINER = [
  'CreateContainerConfigError',
  'CreateContainerError',
  'RunContainerError',
  'PreCreateHookError',
  'PreStartHookError',
  'PostStartHookError',
];

/** Why a slot has no run; undefined where the cluster explains nothing. */
export function blameCluster(view: ClusterView, facts: Facts, at: Date): Verdict | undefined {
  const pod = view.pods.at(-1);
  if (pod) return blamePod(pod, view, facts, at);
  const job = view.jobs.at(-1);
  if (job) return blameJob(job, view, facts, at);
  return blameCronJob(view, facts, at);
}

/** What became of the pod of a run that died or was interrupted; undefined where that can't be told. */
export function killOf(run: RunRecord, view: ClusterView, facts: Facts): Verdict | undefined {
  const { podName } = run.place;
  const pod = view.pods.find(({ metadata }) => metadata?.name === podName);
  return pod && killed(pod, `run ${run.id} died with its pod ${podName}`, againFor(run, facts));
}

function blamePod(pod: Pod, view: ClusterView, facts: Facts, at: Date): Verdict {
  const name = pod.metadata?.name ?? '';
  const { status } = pod;
  const backfill = backfillOf(facts.name, at);
  const end = killed(pod, `its pod ${name} ended before a run began`, backfill);
  if (end) return end;
  const statuses = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  const waiting = statuses.find(
    ({ state }) =>
      NO_IMAGE.includes(state?.waiting?.reason ?? '') || NO_CONTAINER.includes(state?.waiting?.reason ?? ''),
  );
  if (waiting) return blameWaiting(name, waiting);
  const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status === 'False') {
    const message = scheduled.message ?? scheduled.reason ?? 'no node takes it';
    return { because: `its pod ${name} has no node: ${message}`, remedy: remedyOfUnschedulable(message) };
  }
  const ended = statuses.find(({ state }) => state?.terminated && state.terminated.exitCode !== 0);
  if (ended) return blameExit(name, ended, backfill);
  if (status?.phase === 'Succeeded') {
    return {
      because: `its pod ${name} ended with 0 and left no record here, so that it works with another database, or with none`,
      remedy:
        'compare the DATABASE_URL of the pod with this one; RUN_JOB_REQUIRE_DATABASE=true makes a run without it fail',
    };
  }
  const runs = status?.containerStatuses?.find(({ state }) => state?.running);
  if (runs)
    return {
      because: `its pod ${name} runs since ${runs.state?.running?.startedAt}, and has no record yet: ${waitsFor(facts)}`,
      remedy: `kubectl logs ${name} says what it waits for`,
    };
  const warning = lastWarning(view, 'Pod', name);
  if (warning)
    return {
      because: `its pod ${name} can't start: ${warning.reason}: ${warning.message}`,
      remedy: `mend that; Kubernetes tries again by itself`,
    };
  return {
    because: `its pod ${name} is ${status?.phase ?? 'there'}, and no run has begun in it`,
    remedy: `kubectl describe pod ${name}`,
  };
}

/** How a pod was ended from outside. */
function killed({ status, spec }: Pod, what: string, backfill: string): Verdict | undefined {
  if (status?.reason === 'Evicted') {
    return {
      because: `${what}, which was evicted: ${oneLine(status.message)}`,
      remedy: `give it requests that fit what it takes, or its node more room; then ${backfill}`,
    };
  }
  for (const { name, state, lastState } of status?.containerStatuses ?? []) {
    const end = state?.terminated ?? lastState?.terminated;
    if (end?.reason !== 'OOMKilled') continue;
    const limit = spec?.containers?.find((container) => container.name === name)?.resources?.limits?.memory;
    return {
      because: `${what}: the kernel killed it for memory (OOMKilled${limit ? `; its limit is ${limit}` : ''})`,
      remedy: `raise the memory limit, or have it read less at a time; then ${backfill}`,
    };
  }
  const disruption = status?.conditions?.find(
    (condition) => condition.type === 'DisruptionTarget' && condition.status === 'True',
  );
  if (!disruption) return undefined;
  return {
    because: `${what}, which Kubernetes took away (${disruption.reason}): ${oneLine(disruption.message)}`,
    remedy: `if no other pod does it: ${backfill}`,
  };
}

function blameWaiting(pod: string, { image, state }: ContainerStatus): Verdict {
  const { reason = '', message } = state?.waiting ?? {};
  const told = message ? `: ${oneLine(message)}` : '';
  if (NO_IMAGE.includes(reason)) {
    return {
      because: `its pod ${pod} can't get the image ${image} (${reason})${told}`,
      remedy: 'mend the image’s name or tag, or its pull secret; Kubernetes tries again by itself',
    };
  }
  return {
    because: `its pod ${pod} can't start its container (${reason})${told}`,
    remedy: 'make what it names, such as a Secret or a ConfigMap; Kubernetes tries again by itself',
  };
}

function blameExit(pod: string, { name, state }: ContainerStatus, backfill: string): Verdict {
  const { exitCode, reason, message } = state?.terminated ?? {};
  const why = tellTermination(message) ?? reason;
  return {
    because: `its pod ${pod} ended and left no record: ${name} ended with ${exitCode}${why ? `: ${why}` : ''}`,
    remedy: `kubectl logs ${pod}; mended, ${backfill}`,
  };
}

/** A run leaves its summary as the termination message. */
function tellTermination(message: string | undefined): string | undefined {
  if (!message) return undefined;
  try {
    const summary = JSON.parse(message) as {
      readonly status?: unknown;
      readonly error?: { readonly message?: unknown };
    };
    return [summary.status, summary.error?.message].filter((part) => typeof part === 'string').join(', ') || undefined;
  } catch {
    return oneLine(message);
  }
}

function remedyOfUnschedulable(message: string): string {
  const lacks = /Insufficient ([\w./-]*\w)/.exec(message)?.[1];
  if (lacks) return `ask for less ${lacks}, or add a node that has it; Kubernetes tries again by itself`;
  if (/taint/.test(message))
    return 'give the job a toleration of that taint, or another node; Kubernetes tries again by itself';
  if (/affinity|selector/.test(message))
    return 'make its nodeSelector or affinity fit a node; Kubernetes tries again by itself';
  if (/[Vv]olume/.test(message)) return 'make the volume that it claims; Kubernetes tries again by itself';
  return 'make room for it on a node; Kubernetes tries again by itself';
}

/** A run that waits has no record. */
function waitsFor({ after, running }: Facts): string {
  const unmet = after.find(({ state }) => state !== 'done');
  if (unmet) return `it comes after ${unmet.name} of ${unmet.at.toISOString()}, which is ${unmet.state}`;
  const [holder] = running;
  if (holder) return `run ${holder.id} holds the lock`;
  return 'it waits for its lock, for a place, or for its database';
}

function blameJob({ metadata, spec, status }: Job, view: ClusterView, facts: Facts, at: Date): Verdict {
  const name = metadata?.name ?? '';
  const backfill = backfillOf(facts.name, at);
  const refused = lastEvent(view, 'Job', ['FailedCreate']);
  if (refused) {
    const quota = /quota/.test(refused.message);
    return {
      because: `its Job ${name} may not make a pod: ${refused.message}`,
      remedy: quota
        ? `raise the quota of ${view.namespace}, or ask for less; Kubernetes tries again by itself`
        : 'mend what refuses it; Kubernetes tries again by itself',
    };
  }
  if (spec?.suspend)
    return {
      because: `its Job ${name} is suspended (spec.suspend), by a queue or a person`,
      remedy: `kubectl patch job ${name} --namespace ${view.namespace} --patch '{"spec":{"suspend":false}}'`,
    };
  const end = status?.conditions?.find(
    (condition) => (condition.type === 'Failed' || condition.type === 'Complete') && condition.status === 'True',
  );
  if (end?.type === 'Failed')
    return {
      because: `its Job ${name} failed and left no record: ${end.reason}: ${oneLine(end.message)}`,
      remedy: backfill,
    };
  if (end)
    return {
      because: `its Job ${name} is complete and left no record here, so that it works with another database, or with none`,
      remedy: 'compare the DATABASE_URL of its pods with this one',
    };
  return {
    because: `its Job ${name} is there, and none of its pods is any more`,
    remedy: `kubectl describe job ${name}; then ${backfill}`,
  };
}

/** Events by which the controller says that it can't start anything; what each is: kubernetes/pkg/controller/cronjob. */
const REFUSALS: Readonly<Record<string, string>> = {
  FailedCreate: 'mend what refuses the Job',
  UnknownTimeZone: 'mend the CronJob’s timeZone',
  UnparseableSchedule: 'mend the CronJob’s schedule',
  UnParseableCronJobSchedule: 'mend the CronJob’s schedule',
  InvalidSchedule: 'mend the CronJob’s schedule',
  TooManyMissedTimes: 'set startingDeadlineSeconds, and look at the clock of the control plane',
};

function blameCronJob(view: ClusterView, facts: Facts, at: Date): Verdict | undefined {
  const { cronJob, cronJobName, namespace } = view;
  const { schedule, name } = facts;
  const backfill = backfillOf(name, at);
  if (cronJobName === undefined) return undefined;
  const title = `the CronJob ${namespace}/${cronJobName}`;
  if (cronJob === undefined)
    return {
      because: `there is no CronJob ${namespace}/${cronJobName}`,
      remedy: `deploy it, or retire its schedule; then ${backfill}`,
    };
  if (cronJob.spec?.suspend) {
    return {
      because: `${title} is suspended (spec.suspend), although its schedule isn't`,
      remedy: `kubectl patch cronjob ${cronJobName} --namespace ${namespace} --patch '{"spec":{"suspend":false}}', then ${backfill}`,
    };
  }
  const created = new Date(cronJob.metadata?.creationTimestamp ?? 0);
  if (created > at)
    return {
      because: `${title} was made at ${created.toISOString()}, after the slot`,
      remedy: `if it should be done: ${backfill}`,
    };
  const other = schedule && differs(cronJob, schedule.cron, schedule.timeZone);
  if (other)
    return {
      because: `${title} runs at other times than its schedule says: ${other}`,
      remedy: 'apply the schedules again as they were deployed: run-job schedules apply --file <path>',
    };
  return blameController(cronJob, view, at, backfill, title);
}

function blameController(
  cronJob: CronJob,
  view: ClusterView,
  at: Date,
  backfill: string,
  title: string,
): Verdict | undefined {
  const told = view.events.findLast(
    (event) => event.of === 'CronJob' && event.at >= at && Object.hasOwn(REFUSALS, event.reason),
  );
  if (told)
    return {
      because: `${title} could not start it: ${told.message}`,
      remedy: `${REFUSALS[told.reason]}; then ${backfill}`,
    };
  const busy = view.events.find(
    (event) => event.of === 'CronJob' && event.at >= at && event.reason === 'JobAlreadyActive',
  );
  const { active = [], lastScheduleTime } = cronJob.status ?? {};
  if (busy)
    return {
      because: `${title} did not start it, since its Job before was still active (concurrencyPolicy ${cronJob.spec?.concurrencyPolicy ?? 'Forbid'})`,
      remedy: `make it shorter, or let the slots be further apart; then ${backfill}`,
    };
  const missed = view.events.find(
    (event) => event.of === 'CronJob' && event.at >= at && event.reason === 'MissSchedule',
  );
  if (missed) {
    const { startingDeadlineSeconds } = cronJob.spec ?? {};
    const limit = startingDeadlineSeconds === undefined ? '' : ` of ${formatDuration(startingDeadlineSeconds * 1_000)}`;
    return {
      because: `${title} came to it too late for its startingDeadlineSeconds${limit}`,
      remedy: `raise startingDeadlineSeconds; then ${backfill}`,
    };
  }
  const last = lastScheduleTime === undefined ? undefined : new Date(lastScheduleTime);
  if (last && last.getTime() === at.getTime())
    return {
      because: `Kubernetes started it, and its Job is gone without a record: deleted, or finished and removed`,
      remedy: backfill,
    };
  if (active.length > 0 && (last === undefined || last < at))
    return {
      because: `${title} waits for its Job ${active[0]?.name}, which is still active`,
      remedy: `kubectl describe job ${active[0]?.name}; then ${backfill}`,
    };
  if (last === undefined || last < at) {
    return {
      because: `the controller has started nothing of ${title} since ${last?.toISOString() ?? 'it was made'}`,
      remedy: `look at kube-controller-manager and its clock; for this slot: ${backfill}`,
    };
  }
  return undefined;
}

/** What of the times is another; a CronJob without a zone goes by that of the control plane, which is most often UTC. */
function differs({ spec }: CronJob, cron: string, timeZone: string): string | undefined {
  if (spec?.schedule !== undefined && spec.schedule !== cron) return `"${spec.schedule}" in place of "${cron}"`;
  if (spec?.timeZone !== undefined && spec.timeZone !== timeZone) return `${spec.timeZone} in place of ${timeZone}`;
  return undefined;
}

const lastEvent = ({ events }: ClusterView, of: SeenEvent['of'], reasons: readonly string[]): SeenEvent | undefined =>
  events.findLast((event) => event.of === of && reasons.includes(event.reason));

const lastWarning = ({ events }: ClusterView, of: SeenEvent['of'], name: string): SeenEvent | undefined =>
  events.findLast((event) => event.of === of && event.name === name && event.warning);

const oneLine = (text = 'it says no more'): string => text.replace(/\s+/g, ' ').trim();
