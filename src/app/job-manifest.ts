// A Job of Kubernetes like those that a CronJob makes, for one run that is ordered by hand.
import { randomBytes } from 'node:crypto';
import { UsageError } from '../errors.ts';
import type { Shard } from '../job.ts';
import type { RunOrder } from './execute-run.ts';

type Json = Record<string, unknown>;

/** As much of a CronJob as we look into; all else is copied. */
export interface CronJob {
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly uid?: string };
  readonly spec: { readonly jobTemplate: { readonly metadata?: Json; readonly spec: JobSpec } };
}

type JobSpec = Json & {
  readonly template: Json & { readonly spec: Json & { readonly containers: readonly Container[] } };
  readonly podFailurePolicy?: { readonly rules: readonly { readonly action: string }[] };
};

interface Container extends Json {
  readonly name: string;
  readonly env?: readonly { readonly name: string }[];
}

/** The name of a Job may have 63 characters; the controller adds none. */
const LONGEST_NAME = 63;

/** What makes a Job one of shards. */
const OF_SHARDS = ['completionMode', 'completions', 'parallelism', 'backoffLimitPerIndex', 'maxFailedIndexes'];

/**
 * Reads a CronJob.
 * @throws {UsageError} it isn't one
 */
export function readCronJob(text: string, where: string): CronJob {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UsageError(`${where} gives no JSON; print the CronJob with kubectl get cronjob <name> -o json`);
  }
  const { kind, metadata, spec } = (value ?? {}) as Partial<CronJob> & { readonly kind?: unknown };
  if (kind !== 'CronJob' || !metadata?.name || !spec?.jobTemplate?.spec?.template?.spec?.containers?.length) {
    throw new UsageError(`${where} gives no CronJob; print it with kubectl get cronjob <name> -o json`);
  }
  return value as CronJob;
}

/**
 * The Job that does what is ordered: as `kubectl create job --from` makes one, with other arguments. The CronJob owns it, so that Kubernetes
 * counts its success.
 */
export function jobOf(cronJob: CronJob, order: RunOrder, { id, shard }: { id: string; shard: Shard }): Json {
  const { metadata, spec } = cronJob;
  const { jobTemplate } = spec;
  const template = (jobTemplate.metadata ?? {}) as { readonly labels?: Json; readonly annotations?: Json };
  const suffix = `-rerun-${randomBytes(3).toString('hex')}`;
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: `${metadata.name.slice(0, LONGEST_NAME - suffix.length)}${suffix}`,
      ...(metadata.namespace && { namespace: metadata.namespace }),
      ...(template.labels && { labels: template.labels }),
      annotations: {
        ...template.annotations,
        'cronjob.kubernetes.io/instantiate': 'manual',
        'run-job/rerun-of': id,
      },
      ...(metadata.uid && {
        ownerReferences: [
          { apiVersion: 'batch/v1', kind: 'CronJob', name: metadata.name, uid: metadata.uid, controller: true },
        ],
      }),
    },
    spec: withArguments(shard.count > 1 ? ofOneShard(jobTemplate.spec, shard) : jobTemplate.spec, argumentsOf(order)),
  };
}

/** The command line of the order. */
export function argumentsOf(order: RunOrder): string[] {
  const { job, name, command, params, timeoutMs, attempts, dryRun, scheduledAt, locked, forced } = order;
  const codes = Object.entries(command?.exitCodes ?? {}).map(([code, meaning]) => `--exit-code=${code}=${meaning}`);
  return [
    ...(command ? ['exec', job] : [job]),
    ...(name === undefined ? [] : [`--as=${name}`]),
    ...(scheduledAt ? [`--scheduled-at=${scheduledAt.toISOString()}`] : []),
    ...(forced ? ['--force'] : []),
    ...(dryRun ? ['--dry-run'] : []),
    `--locked=${locked}`,
    ...(timeoutMs === undefined ? [] : [`--timeout=${timeoutMs}ms`]),
    ...(attempts === undefined ? [] : [`--attempts=${attempts}`]),
    ...(Object.keys(params.json).length > 0 ? [`--params=${JSON.stringify(params.json)}`] : []),
    ...[...params.pairs].map(([key, text]) => `--param=${key}=${text}`),
    ...codes,
    ...(command?.raw ? ['--raw'] : []),
    ...(command ? ['--', command.program, ...command.args] : []),
  ];
}

/** Kubernetes reads `$(NAME)` in an argument as a variable, and `$$` as a dollar. */
function withArguments(spec: JobSpec, args: readonly string[]): JobSpec {
  const ours = (containers: readonly Container[]) => containers.find(({ name }) => name === 'run-job') ?? containers[0];
  const { containers } = spec.template.spec;
  const escaped = args.map((argument) => argument.replaceAll('$', '$$$$'));
  return {
    ...spec,
    template: {
      ...spec.template,
      spec: {
        ...spec.template.spec,
        containers: containers.map((each) => (each === ours(containers) ? { ...each, args: escaped } : each)),
      },
    },
  };
}

/** One shard by itself is a plain Job that is told which. */
function ofOneShard(spec: JobSpec, { index, count }: Shard): JobSpec {
  const kept = Object.fromEntries(Object.entries(spec).filter(([name]) => !OF_SHARDS.includes(name))) as JobSpec;
  const variables = [
    { name: 'RUN_JOB_SHARDS', value: String(count) },
    { name: 'JOB_COMPLETION_INDEX', value: String(index) },
  ];
  const withShard = (container: Container) => ({
    ...container,
    env: [...(container.env ?? []).filter(({ name }) => variables.every((one) => one.name !== name)), ...variables],
  });
  const { podFailurePolicy, template } = kept;
  return {
    backoffLimit: spec.backoffLimitPerIndex ?? 0,
    ...kept,
    ...(podFailurePolicy && {
      podFailurePolicy: {
        rules: podFailurePolicy.rules.map((rule) =>
          rule.action === 'FailIndex' ? { ...rule, action: 'FailJob' } : rule,
        ),
      },
    }),
    template: { ...template, spec: { ...template.spec, containers: template.spec.containers.map(withShard) } },
  };
}
