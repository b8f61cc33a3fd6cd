// The environment as a typed configuration: every problem at once, by variable name and never with its value.
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import * as v from 'valibot';
import { ConfigError } from '../errors.ts';
import type { Need, Shard } from '../job.ts';
import { NOWHERE } from '../runner/kept.ts';
import { ENVIRONMENT, type Values, type Variable } from './environment.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * A host that is cut off notices after two of these at most, and is dead 8.5 s after that, while PostgreSQL frees its lock after some 24 s
 * (docs/decisions/lock.md): the lock mustn't be free before.
 */
const LONGEST_LOCK_CHECK_MS = 7_000;

/** The environment, validated. Times are in milliseconds. */
export interface Config {
  readonly databaseUrl: string | undefined;
  /** Whether a run without a database is misconfigured. */
  readonly databaseRequired: boolean;
  readonly databasePoolSize: number;
  readonly amqp: {
    readonly urls: readonly string[];
    readonly exchange: string;
    readonly caFile: string | undefined;
    readonly certFile: string | undefined;
    readonly keyFile: string | undefined;
  };
  readonly defaultTimeoutMs: number;
  readonly graceMs: number;
  readonly maxConcurrentJobs: number;
  readonly connectTimeoutMs: number;
  readonly lockWaitMs: number;
  readonly lockCheckMs: number;
  readonly jobDirs: readonly string[];
  readonly historyDays: number;
  readonly recordMs: number;
  readonly checkpointFile: string | undefined;
  readonly shard: Shard;
  /** The scheduled time that this pod of an Indexed Job is to do, where each does another. */
  readonly slot: Date | undefined;
  /** The schedule that brought the run about, as its environment tells. */
  readonly schedule: { readonly cron: string; readonly timeZone: string } | undefined;
  /** Whether a run of a CronJob asks for slots to catch up with. */
  readonly catchesUp: boolean;
  readonly terminationLog: { readonly path: string; readonly create: boolean };
  readonly shutdownUrls: readonly string[];
  /** Of the console. */
  readonly consoleToken: string | undefined;
  readonly traceUrl: string | undefined;
  readonly place: {
    readonly host: string;
    readonly pid: number;
    readonly podName?: string;
    readonly namespace?: string;
    readonly jobName?: string;
    readonly jobUid?: string;
    readonly cronJobName?: string;
    readonly nodeName?: string;
  };
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error'; readonly format: 'json' | 'pretty' | undefined };
  readonly flushTimeoutMs: number;
  /** Where runs check in, as given: each holds a secret. */
  readonly checkIns: readonly string[];
  /** Where monitors are made, as given: each holds a secret. */
  readonly monitors: readonly string[];
  /** How often Kubernetes starts a new pod after one that failed. */
  readonly retries: number;
  /** The environment that check-ins and notifications name. */
  readonly environment: string | undefined;
  readonly notifyTimeoutMs: number;
  readonly notify: {
    /** Who is notified, as given: each holds a secret. */
    readonly targets: readonly string[];
    readonly secret: string | undefined;
    readonly consoleUrl: string | undefined;
  };
}

/** What came of the environment: the configuration, in which an invalid variable counts as unset, and all that is wrong. */
export interface ConfigResult {
  readonly config: Config;
  /** One sentence each, naming the variable. */
  readonly problems: readonly string[];
  /** The names of the variables that are invalid. */
  readonly invalid: ReadonlySet<string>;
}

/** Reads the environment without giving up at the first problem. Empty variables count as unset. */
export function readConfig(env: Environment): ConfigResult {
  const problems = new Map<string, string>();
  const values = readValues(env, problems);
  const invalid = new Set(problems.keys());
  const part = readPart(values, problems);
  return { config: arrange(values, part), problems: [...problems.values()], invalid };
}

/** What each variable comes to; one that is invalid counts as unset. */
function readValues(env: Environment, problems: Map<string, string>): Values {
  const values: Record<string, unknown> = {};
  for (const [name, { schema, unset }] of Object.entries<Variable>(ENVIRONMENT)) {
    const value = env[name];
    values[name] = unset;
    if (!value) continue;
    const { success, output, issues } = v.safeParse(schema(), value);
    if (success) values[name] = output;
    else problems.set(name, `${name} ${issues[0].message}`);
  }
  return values as Values;
}

/** What a job asks of the environment. */
export interface Demand {
  readonly needs: readonly Need[];
  /** Whether it keeps its progress. */
  readonly keeps?: boolean;
}

/** The variables that a job requires and that aren't set, one sentence each; what is `invalid` has been told. */
export function missingFor(
  { needs, keeps = false }: Demand,
  config: Config,
  invalid: ReadonlySet<string> = new Set(),
): string[] {
  const problems: string[] = [];
  const lacksDatabase = !config.databaseUrl && !invalid.has('DATABASE_URL');
  if (lacksDatabase && config.databaseRequired) {
    problems.push(
      'DATABASE_URL is not set, and RUN_JOB_REQUIRE_DATABASE asks for it: set it to postgres://user:password@host:5432/database',
    );
  } else if (lacksDatabase && needs.includes('postgres')) {
    problems.push(
      'DATABASE_URL is not set, and the job needs PostgreSQL: set it to postgres://user:password@host:5432/database',
    );
  }
  if (lacksDatabase && problems.length === 0 && keeps && config.checkpointFile === undefined) problems.push(NOWHERE);
  if (needs.includes('rabbitmq') && config.amqp.urls.length === 0 && !invalid.has('AMQP_URL')) {
    problems.push('AMQP_URL is not set, and the job needs RabbitMQ: set it to amqp://user:password@host:5672/vhost');
  }
  return problems;
}

/** All problems as one error. */
export function configError(problems: readonly string[]): ConfigError {
  return new ConfigError(
    problems.length === 1
      ? `${problems[0]}`
      : `The environment has ${problems.length} problems: ${problems.join('; ')}`,
  );
}

/**
 * The configuration, or all that is wrong with it.
 * @throws {ConfigError} a variable is invalid
 */
export function loadConfig(env: Environment): Config {
  const { config, problems } = readConfig(env);
  if (problems.length > 0) throw configError(problems);
  return config;
}

/** What of the work this process does. */
type Part = Pick<Config, 'shard' | 'slot'>;

function readPart(values: Values, problems: Map<string, string>): Part {
  const { RUN_JOB_SLOTS: slots, RUN_JOB_SHARDS: count = 1, JOB_COMPLETION_INDEX: index } = values;
  if (slots === undefined || slots.length === 0) return { shard: readShard(values, problems), slot: undefined };
  const slot = index === undefined ? undefined : slots[Math.floor(index / count)];
  if (index === undefined || slot === undefined) {
    problems.set(
      'JOB_COMPLETION_INDEX',
      `JOB_COMPLETION_INDEX must be below ${slots.length * count}, since RUN_JOB_SLOTS has ${slots.length} scheduled times: run the Job as it was made`,
    );
    return { shard: { index: 0, count: 1 }, slot: undefined };
  }
  return { shard: { index: index % count, count }, slot };
}

function readShard(values: Values, problems: Map<string, string>): Shard {
  const { RUN_JOB_SHARDS: count, JOB_COMPLETION_INDEX: index } = values;
  if (count === undefined && index !== undefined) {
    problems.set(
      'RUN_JOB_SHARDS',
      "RUN_JOB_SHARDS is not set, but JOB_COMPLETION_INDEX is: set it to the Indexed Job's completions",
    );
  } else if (count !== undefined && count > 1 && index === undefined) {
    problems.set(
      'JOB_COMPLETION_INDEX',
      'JOB_COMPLETION_INDEX is not set, but RUN_JOB_SHARDS is: run the Job as Indexed, or set both',
    );
  } else if (count !== undefined && index !== undefined && index >= count) {
    problems.set(
      'JOB_COMPLETION_INDEX',
      'JOB_COMPLETION_INDEX must be below RUN_JOB_SHARDS: set RUN_JOB_SHARDS to the completions of the Job',
    );
  } else {
    return { index: index ?? 0, count: count ?? 1 };
  }
  return { index: 0, count: 1 };
}

function arrange(values: Values, part: Part): Config {
  return {
    databaseUrl: values.DATABASE_URL,
    databaseRequired: values.RUN_JOB_REQUIRE_DATABASE === 'true',
    databasePoolSize: values.DATABASE_POOL_SIZE,
    amqp: {
      urls: values.AMQP_URL ?? [],
      exchange: values.AMQP_EXCHANGE,
      caFile: values.AMQP_CA_FILE,
      certFile: values.AMQP_CERT_FILE,
      keyFile: values.AMQP_KEY_FILE,
    },
    defaultTimeoutMs: values.WORKER_DEFAULT_TIMEOUT_SECONDS * 1_000,
    graceMs: values.WORKER_SHUTDOWN_TIMEOUT_SECONDS * 1_000,
    maxConcurrentJobs: values.WORKER_MAX_CONCURRENT_JOBS,
    connectTimeoutMs: values.WORKER_CONNECT_TIMEOUT_SECONDS * 1_000,
    lockWaitMs: values.WORKER_LOCK_WAIT_SECONDS * 1_000,
    lockCheckMs: Math.min(values.WORKER_LOCK_CHECK_SECONDS * 1_000, LONGEST_LOCK_CHECK_MS),
    jobDirs: values.RUN_JOB_DIRS ?? ownJobs(),
    historyDays: values.RUN_JOB_HISTORY_DAYS,
    recordMs: values.RUN_JOB_RECORD_TIMEOUT_SECONDS * 1_000,
    checkpointFile: values.WORKER_CHECKPOINT_FILE,
    ...part,
    schedule: values.RUN_JOB_SCHEDULE
      ? { cron: values.RUN_JOB_SCHEDULE, timeZone: values.RUN_JOB_TIME_ZONE ?? 'Etc/UTC' }
      : undefined,
    catchesUp: values.RUN_JOB_CATCH_UP === 'all',
    terminationLog: {
      path: values.RUN_JOB_TERMINATION_LOG ?? '/dev/termination-log',
      create: values.RUN_JOB_TERMINATION_LOG !== undefined,
    },
    shutdownUrls: values.RUN_JOB_SHUTDOWN_URLS,
    consoleToken: values.RUN_JOB_CONSOLE_TOKEN?.trim() || undefined,
    traceUrl: values.RUN_JOB_TRACE_URL,
    place: {
      host: hostname(),
      pid: process.pid,
      ...(values.POD_NAME && { podName: values.POD_NAME }),
      ...(values.POD_NAMESPACE && { namespace: values.POD_NAMESPACE }),
      ...(values.JOB_NAME && { jobName: values.JOB_NAME }),
      ...(values.JOB_UID && { jobUid: values.JOB_UID }),
      ...(values.CRONJOB_NAME && { cronJobName: values.CRONJOB_NAME }),
      ...(values.NODE_NAME && { nodeName: values.NODE_NAME }),
    },
    log: { level: values.LOG_LEVEL ?? 'info', format: values.LOG_FORMAT },
    flushTimeoutMs: values.OTEL_SHUTDOWN_TIMEOUT_MS,
    checkIns: values.RUN_JOB_CHECKINS,
    monitors: values.RUN_JOB_MONITORS,
    retries: values.RUN_JOB_RETRIES,
    environment: values.RUN_JOB_ENVIRONMENT,
    notifyTimeoutMs: values.RUN_JOB_NOTIFY_TIMEOUT_MS,
    notify: {
      targets: values.RUN_JOB_NOTIFY,
      secret: values.RUN_JOB_NOTIFY_SECRET,
      consoleUrl: values.RUN_JOB_CONSOLE_URL,
    },
  };
}

/** Where a project keeps its jobs, when nobody says so. */
function ownJobs(): string[] {
  return existsSync('jobs') ? ['jobs'] : [];
}
