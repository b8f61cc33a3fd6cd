// Why a slot has no success: all that is known, in order of time, and what it comes to.
import type { Connection } from '../../postgres/connect.ts';
import { lookAtCluster } from './cluster.ts';
import { type Facts, findFacts } from './facts.ts';
import type { Verdict } from './remedies.ts';
import { type Happening, timelineOf } from './timeline.ts';
import { verdictOf } from './verdict.ts';

/** The page. */
export interface Explanation extends Verdict {
  readonly facts: Facts;
  readonly timeline: readonly Happening[];
  /** By what the cluster was seen. */
  readonly via?: string;
  /** What could not be seen, one sentence each. */
  readonly unseen: readonly string[];
}

/** How long Kubernetes keeps events unless it is told otherwise. */
const EVENTS_KEPT_MS = 3_600_000;

/**
 * Explains a slot of a name.
 * @throws {UsageError} `at` is still to come
 */
export async function explainSlot(
  connection: Connection,
  name: string,
  at: Date | undefined,
  env: NodeJS.ProcessEnv,
): Promise<Explanation> {
  const facts = await findFacts(connection, name, at);
  const { schedule = facts.current, slot, runs, now } = facts;
  const place = runs.findLast((run) => run.place.jobName !== undefined)?.place;
  const look = await lookAtCluster(env, {
    name,
    job: facts.job,
    cronJob: schedule?.cronJobName ?? place?.cronJobName,
    namespace: schedule?.namespace ?? place?.namespace,
    slot: slot?.at,
    jobs: runs.flatMap((run) => run.place.jobName ?? []),
  });
  const view = 'view' in look ? look.view : undefined;
  const old = slot !== undefined && now.getTime() - slot.at.getTime() > EVENTS_KEPT_MS;
  const unseen =
    'unseen' in look
      ? [`CronJob, Job, Pod and their events: ${look.unseen}`]
      : [
          ...look.view.unseen,
          ...(look.view.cronJobName === undefined
            ? [`CronJob: none of ${look.view.namespace} is known to run ${name}`]
            : []),
          ...(old && look.view.events.length === 0 ? ['events: none is left; Kubernetes keeps them for an hour'] : []),
        ];
  return {
    facts,
    timeline: timelineOf(facts, view),
    ...(view && { via: view.via }),
    unseen,
    ...verdictOf(facts, view),
  };
}
