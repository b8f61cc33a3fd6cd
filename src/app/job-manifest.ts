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

/** As much of a Job's as we look into. */
export type JobSpec = Json & {
  readonly template: Json & { readonly spec: Json & { readonly containers: readonly Container[] } };
  readonly podFailurePolicy?: { readonly rules: readonly FailureRule[] };
};

interface FailureRule {
  readonly action: string;
  readonly onExitCodes?: Json & { readonly operator: string; readonly values: readonly number[] };
}

export interface Container extends Json {
  readonly name: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
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
  const { spec } = cronJob.spec.jobTemplate;
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: metadataOf(cronJob, 'rerun', { 'run-job/rerun-of': id }),
    // A run that nobody has cut is done by one pod, whatever its CronJob's are.
    spec: withArguments(
      shard.count > 1 || spec.completionMode === 'Indexed' ? ofOneShard(spec, shard) : spec,
      argumentsOf(order),
    ),
  };
}

/**
 * The metadata of a Job that is made by hand.
 * @param what it is for, as a part of its name
 * @param reserved how many characters the names of its pods need beside the Job's
 */
export function metadataOf({ metadata, spec }: CronJob, what: string, annotations: Json, reserved = 0): Json {
  const template = (spec.jobTemplate.metadata ?? {}) as { readonly labels?: Json; readonly annotations?: Json };
  const suffix = `-${what}-${randomBytes(3).toString('hex')}`;
  // Pods of an Indexed Job have its name as their host's, which has no dots.
  const name = metadata.name.replaceAll('.', '-').slice(0, LONGEST_NAME - reserved - suffix.length);
  return {
    name: `${name}${suffix}`,
    ...(metadata.namespace && { namespace: metadata.namespace }),
    ...(template.labels && { labels: template.labels }),
    annotations: { ...template.annotations, 'cronjob.kubernetes.io/instantiate': 'manual', ...annotations },
    ...(metadata.uid && {
      ownerReferences: [
        { apiVersion: 'batch/v1', kind: 'CronJob', name: metadata.name, uid: metadata.uid, controller: true },
      ],
    }),
  };
}

/** Its arguments as Kubernetes wants them: it reads `$(NAME)` as a variable, and `$$` as a dollar. */
const escaped = (args: readonly string[]): string[] => args.map((text) => text.replaceAll('$', '$$$$'));

/** What calls run-job: the executable of that name, or the script. */
const RUN_JOB = /(?:^|\/)run-job(?:\.js)?$/;

/**
 * The container with other arguments for run-job. Where its command names run-job, all that comes after that are arguments; without one the
 * image's own does.
 * @throws {UsageError} it is started in a way that takes no arguments
 */
export function calledWith(container: Container, args: readonly string[]): Container {
  const { name, command = [], args: given = [] } = container;
  if (command.length === 0) return { ...container, args: escaped(args) };
  const last = [...command, ...given].findIndex((word) => RUN_JOB.test(word));
  if (last >= 0) {
    return {
      ...container,
      command: command.slice(0, last + 1),
      args: [...given.slice(0, Math.max(0, last + 1 - command.length)), ...escaped(args)],
    };
  }
  if (command.includes('-c') || given.length === 0) {
    throw new UsageError(
      `the container ${name} of the CronJob is started by ${command[0]}, which no arguments of run-job can be given to: start it by run-job, with its arguments in args`,
    );
  }
  return { ...container, args: escaped(args) };
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

const withArguments = (spec: JobSpec, args: readonly string[]): JobSpec =>
  withContainer(spec, (container) => calledWith(container, args));

/** Changes the container that is ours, where a pod has more than one. */
export function withContainer(spec: JobSpec, change: (container: Container) => Container): JobSpec {
  const { containers } = spec.template.spec;
  const ours = containers.find(({ name }) => name === 'run-job') ?? containers[0];
  const changed = containers.map((each) => (each === ours ? change(each) : each));
  return { ...spec, template: { ...spec.template, spec: { ...spec.template.spec, containers: changed } } };
}

/** The container's variables with these in place of what they were. */
export function withVariables(
  container: Container,
  variables: Readonly<Record<string, string | undefined>>,
): Container {
  const set = Object.entries(variables).flatMap(([name, value]) => (value === undefined ? [] : [{ name, value }]));
  const others = (container.env ?? []).filter(({ name }) => !Object.hasOwn(variables, name));
  return { ...container, env: [...others, ...set] };
}

/** One shard by itself is a plain Job that is told which. */
function ofOneShard(spec: JobSpec, { index, count }: Shard): JobSpec {
  const kept = Object.fromEntries(Object.entries(spec).filter(([name]) => !OF_SHARDS.includes(name))) as JobSpec;
  const variables = { RUN_JOB_SHARDS: String(count), JOB_COMPLETION_INDEX: String(index) };
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
    template: {
      ...template,
      spec: { ...template.spec, containers: template.spec.containers.map((each) => withVariables(each, variables)) },
    },
  };
}
