// One Indexed Job of Kubernetes that does the slots of a backfill, each index one, in place of running them here.
import { UsageError } from '../../errors.ts';
import { type CronJob, calledWith, type JobSpec, metadataOf, withContainer, withVariables } from '../job-manifest.ts';
import type { CommandLine } from './command-line.ts';

/** A variable may be 128 KiB long, and the object 1.5 MiB. */
const MOST_SLOTS = 5_000;

/** With more, Kubernetes asks for limits of its own. */
const MOST_INDEXES = 100_000;

/** Where the controller takes a greater deadline for none. */
const LONGEST_DEADLINE_S = 2 ** 31 - 1;

/** How often a pod is tried anew where nobody says: Kubernetes' own. */
const USUAL_BACKOFF_LIMIT = 6;

/** What an Indexed Job says itself. */
const OWN = [
  'backoffLimit',
  'backoffLimitPerIndex',
  'maxFailedIndexes',
  'completions',
  'completionMode',
  'parallelism',
  'activeDeadlineSeconds',
];

/** Exit codes that say something of one slot, and nothing of the others: the job refused it for good, or somebody cancelled it. */
const OF_ONE_SLOT = [65, 79];

/** What the Job is to do. */
export interface BackfillOrder {
  readonly name: string;
  /** In the order in which they are to be done. */
  readonly slots: readonly Date[];
  readonly shards: number;
  readonly parallel: number;
  /** What run-job is called with. */
  readonly line: CommandLine;
}

/**
 * The Job: like the CronJob's own, and it goes on after a failure. The CronJob owns it, so that Kubernetes counts its success.
 * @throws {UsageError} there are more slots than one Job can hold
 */
export function backfillJobOf(cronJob: CronJob, order: BackfillOrder): Record<string, unknown> {
  const { slots, shards, parallel, line } = order;
  if (slots.length > MOST_SLOTS) {
    throw new UsageError(
      `one Job holds ${MOST_SLOTS} slots at most, and these are ${slots.length}; choose a shorter span`,
    );
  }
  const { spec } = cronJob.spec.jobTemplate;
  const completions = slots.length * shards;
  if (completions > MOST_INDEXES) {
    throw new UsageError(
      `one Job has ${MOST_INDEXES} indexes at most, and ${slots.length} slots of ${shards} parts are ${completions}; choose a shorter span`,
    );
  }
  const parallelism = Math.min(parallel, completions);
  const { activeDeadlineSeconds } = spec as { readonly activeDeadlineSeconds?: number };
  const kept = Object.fromEntries(Object.entries(spec).filter(([key]) => !OWN.includes(key))) as JobSpec;
  const variables = {
    RUN_JOB_SLOTS: slots.map((slot) => slot.toISOString().replace('.000Z', 'Z')).join(),
    RUN_JOB_SHARDS: shards > 1 ? String(shards) : undefined,
    RUN_JOB_CATCH_UP: undefined,
    // Kubernetes sets it, unless the pod does.
    JOB_COMPLETION_INDEX: undefined,
  };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: metadataOf(cronJob, 'backfill', { 'run-job/backfill-of': order.name }, String(completions).length + 1),
    spec: {
      completionMode: 'Indexed',
      completions,
      parallelism,
      backoffLimitPerIndex: spec.backoffLimitPerIndex ?? spec.backoffLimit ?? USUAL_BACKOFF_LIMIT,
      ...(activeDeadlineSeconds !== undefined && {
        activeDeadlineSeconds: Math.min(
          LONGEST_DEADLINE_S,
          activeDeadlineSeconds * Math.ceil(completions / parallelism),
        ),
      }),
      ...withContainer(neverRestarted(goesOn(kept)), (container) =>
        calledWith(withVariables(container, variables), [...line.flags, '--locked=wait', ...line.program]),
      ),
    },
  };
}

/** Kubernetes counts the failures of an index by its pods: none is started again within one. */
const neverRestarted = (spec: JobSpec): JobSpec => ({
  ...spec,
  template: { ...spec.template, spec: { ...spec.template.spec, restartPolicy: 'Never' } },
});

/** What would end the Job because of one slot ends that slot. */
function goesOn(spec: JobSpec): JobSpec {
  const { podFailurePolicy } = spec;
  if (podFailurePolicy === undefined) return spec;
  const rules = podFailurePolicy.rules.flatMap((rule) => {
    const { action, onExitCodes } = rule;
    if (action !== 'FailJob' || onExitCodes?.operator !== 'In') return [rule];
    const split = (values: number[], as: string) =>
      values.length === 0 ? [] : [{ ...rule, action: as, onExitCodes: { ...onExitCodes, values } }];
    return [
      ...split(
        onExitCodes.values.filter((code) => OF_ONE_SLOT.includes(code)),
        'FailIndex',
      ),
      ...split(
        onExitCodes.values.filter((code) => !OF_ONE_SLOT.includes(code)),
        'FailJob',
      ),
    ];
  });
  return { ...spec, podFailurePolicy: { ...podFailurePolicy, rules } };
}
