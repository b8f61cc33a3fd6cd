// The environment as a typed configuration: one schema, every problem at once, by variable name and never with its value.
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import * as v from 'valibot';
import { LONGEST_TIMEOUT_MS } from '../duration.ts';
import { ConfigError } from '../errors.ts';
import type { Need, Shard } from '../job.ts';
import { NOWHERE } from '../runner/kept.ts';
import { hasControlCharacter, problemOfDatabaseUrl } from './database-url.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const text = (max = 1024) =>
  v.optional(
    v.pipe(
      v.string(),
      v.maxLength(max, `must have at most ${max} characters`),
      v.check((value) => !hasControlCharacter(value), 'must not contain control characters'),
    ),
  );

/**
 * A host that is cut off notices after two of these at most, and is dead 8.5 s after that, while PostgreSQL frees its lock after some 24 s
 * (docs/decisions/lock.md): the lock mustn't be free before.
 */
const LONGEST_LOCK_CHECK_MS = 7_000;

const number = (fallback: number, min: number, max: number, what: string, whole = true) => {
  const message = `must be ${what} from ${min} to ${max}`;
  return v.optional(
    v.pipe(
      v.string(),
      v.trim(),
      v.regex(whole ? /^\d{1,15}$/ : /^\d{1,15}(\.\d{1,6})?$/, message),
      v.transform(Number),
      v.minValue(min, message),
      v.maxValue(max, message),
    ),
    String(fallback),
  );
};

const seconds = (fallback: number, min: number, max: number) =>
  number(fallback, min, max, 'a number of seconds', false);

const url = (schemes: readonly string[], example: string) =>
  v.pipe(
    v.string(),
    // A Secret that was made from a file often ends with a line break.
    v.trim(),
    v.check((value) => isUrl(value, schemes) && !hasControlCharacter(value), `must be a URL such as ${example}`),
  );

/** A service by its name, before the URL that it is to be spoken to at; without one it is told by the URL. */
const CHECKIN_SCHEMES = ['', 'healthchecks+', 'sentry+', 'cronitor+', 'webhook+'].flatMap((service) => [
  `${service}https:`,
  `${service}http:`,
]);

/** An API by its service, which is told by the host where that is the service's own. */
const MONITOR_SCHEMES = ['', 'healthchecks+', 'sentry+', 'cronitor+'].flatMap((service) => [
  `${service}https:`,
  `${service}http:`,
]);

const NOTIFY_SCHEMES = [
  'https:',
  'http:',
  'slack+https:',
  'slack+http:',
  'webhook+https:',
  'webhook+http:',
  'amqp:',
  'amqps:',
];

/** @param words what may stand in the place of a URL */
const endpoints = (schemes: readonly string[], example: string, words: readonly string[] = []) =>
  v.pipe(
    v.string(),
    v.transform((value) => value.split(/[\s,]+/).filter(Boolean)),
    v.array(v.union([v.picklist(words), url(schemes, example)], `must be a URL such as ${example}`)),
  );

const databaseUrl = v.pipe(
  v.string(),
  v.trim(),
  v.rawCheck(({ dataset, addIssue }) => {
    const problem = dataset.typed ? problemOfDatabaseUrl(dataset.value) : undefined;
    if (problem !== undefined) addIssue({ message: problem });
  }),
);

const oneOf = <const Options extends readonly string[]>(options: Options) =>
  v.optional(
    v.pipe(
      v.string(),
      v.trim(),
      v.picklist(options, `must be ${options.slice(0, -1).join(', ')} or ${options.at(-1)}`),
    ),
  );

const list = (separator: string) =>
  v.pipe(
    v.string(),
    v.transform((value) =>
      value
        .split(separator)
        .map((item) => item.trim())
        .filter(Boolean),
    ),
  );

/** An instant as we write it ourselves. */
const instant = (example: string) =>
  v.pipe(
    v.string(),
    v.check((text) => text.endsWith('Z') && !Number.isNaN(Date.parse(text)), `must be times such as ${example}`),
    v.transform((text) => new Date(text)),
  );

const DAY = 86_400;

/** Every variable that run-job itself reads, with its meaning; OpenTelemetry's own (`OTEL_*`) are the SDK's. */
export const ENVIRONMENT = v.object({
  DATABASE_URL: v.pipe(
    v.optional(databaseUrl),
    v.description(
      'PostgreSQL that holds the lock and the history, and that jobs work on. Without it, runs are neither locked nor recorded',
    ),
  ),
  DATABASE_POOL_SIZE: v.pipe(
    number(10, 1, 1000, 'a whole number'),
    v.description('Most connections that a job may open'),
  ),
  AMQP_URL: v.pipe(
    v.optional(
      v.pipe(
        list(','),
        v.minLength(1, 'must be a URL such as amqps://user:password@host:5671/vhost'),
        v.array(url(['amqp:', 'amqps:'], 'amqps://user:password@host:5671/vhost')),
      ),
    ),
    v.description('RabbitMQ; several, separated by commas, are tried in turn'),
  ),
  AMQP_EXCHANGE: v.pipe(
    v.optional(
      v.pipe(
        v.string(),
        v.maxBytes(255, 'must have at most 255 bytes'),
        v.check((value) => !hasControlCharacter(value), 'must not contain control characters'),
      ),
      'run_job.events',
    ),
    v.description('Exchange that messages are published to'),
  ),
  AMQP_CA_FILE: v.pipe(text(), v.description('File with the certificates of the authorities to trust for amqps')),
  AMQP_CERT_FILE: v.pipe(text(), v.description('File with the client certificate for amqps')),
  AMQP_KEY_FILE: v.pipe(text(), v.description('File with the key of the client certificate')),
  WORKER_DEFAULT_TIMEOUT_SECONDS: v.pipe(
    seconds(300, 0.001, LONGEST_TIMEOUT_MS / 1_000),
    v.description('Timeout of a job that names none'),
  ),
  WORKER_SHUTDOWN_TIMEOUT_SECONDS: v.pipe(
    seconds(30, 0, DAY),
    v.description('Grace that a job has to stop, once it is asked to'),
  ),
  WORKER_MAX_CONCURRENT_JOBS: v.pipe(
    number(10, 1, 10_000, 'a whole number'),
    v.description('Most runs at once, of all jobs on the database'),
  ),
  WORKER_CONNECT_TIMEOUT_SECONDS: v.pipe(
    seconds(10, 0.1, 600),
    v.description('Longest wait for a connection to PostgreSQL or RabbitMQ'),
  ),
  WORKER_LOCK_WAIT_SECONDS: v.pipe(
    seconds(600, 0, DAY),
    v.description('Longest wait for the lock, for a place, and for a database that is full or just starting'),
  ),
  WORKER_LOCK_CHECK_SECONDS: v.pipe(
    seconds(5, 0.1, 600),
    v.description(
      "How often the lock's connection is proved to be alive, and how long that may take; more than 7 counts as 7",
    ),
  ),
  RUN_JOB_DIRS: v.pipe(
    v.optional(list(':')),
    v.description(
      'Folders with your jobs (.ts, .mts, .js, .mjs), separated by colons; the folder jobs, where there is one, unless set',
    ),
  ),
  RUN_JOB_HISTORY_DAYS: v.pipe(
    number(90, 1, 36_500, 'a whole number of days'),
    v.description('How long the records of runs are kept'),
  ),
  RUN_JOB_REQUIRE_DATABASE: v.pipe(
    oneOf(['true', 'false']),
    v.description('true: a run without DATABASE_URL is misconfigured (78), rather than neither locked nor recorded'),
  ),
  RUN_JOB_RECORD_TIMEOUT_SECONDS: v.pipe(
    seconds(60, 1, 3_600),
    v.description('How long a run tries to record how it ended, while the database is out of reach'),
  ),
  WORKER_CHECKPOINT_FILE: v.pipe(
    text(),
    v.description('File on a volume in which a job keeps its progress where there is no DATABASE_URL'),
  ),
  RUN_JOB_SHARDS: v.pipe(
    v.optional(number(1, 1, 10_000, 'a whole number')),
    v.description('Parts of the work when Kubernetes runs the job as an Indexed Job: its completions'),
  ),
  JOB_COMPLETION_INDEX: v.pipe(
    v.optional(v.pipe(v.string(), v.trim(), v.regex(/^\d{1,9}$/, 'must be a whole number'), v.transform(Number))),
    v.description("This pod's part; Kubernetes sets it"),
  ),
  RUN_JOB_SLOTS: v.pipe(
    v.optional(v.pipe(list(','), v.array(instant('2026-11-23T02:00:00Z')))),
    v.description(
      'Scheduled times of an Indexed Job that run-job backfill has made, separated by commas: each index does one, or one part of one',
    ),
  ),
  RUN_JOB_TERMINATION_LOG: v.pipe(
    text(),
    v.description('Where the termination message goes; /dev/termination-log unless set'),
  ),
  RUN_JOB_SHUTDOWN_URLS: v.pipe(
    v.optional(v.pipe(list(','), v.array(url(['http:', 'https:'], 'http://localhost:15020/quitquitquit'))), ''),
    v.description('URLs of sidecars that are sent a POST when the run is over, separated by commas'),
  ),
  RUN_JOB_CHECKINS: v.pipe(
    v.optional(endpoints(CHECKIN_SCHEMES, 'https://hc-ping.com/<ping key>'), ''),
    v.description(
      'Where runs check in: URLs of Healthchecks.io, Cronitor or a webhook, or a DSN of Sentry; several, separated by commas or line breaks',
    ),
  ),
  RUN_JOB_MONITORS: v.pipe(
    v.optional(endpoints(MONITOR_SCHEMES, 'https://<api key>@healthchecks.io'), ''),
    v.description(
      'Where `run-job schedules apply` makes the monitors of what it applies: URLs of Healthchecks.io, Sentry or Cronitor with an API key; several, separated by commas or line breaks',
    ),
  ),
  RUN_JOB_NOTIFY: v.pipe(
    v.optional(endpoints(NOTIFY_SCHEMES, 'https://hooks.slack.com/services/<path>', ['rabbitmq']), ''),
    v.description(
      'Who is notified of failures, recoveries and slots that nobody ran: URLs of webhooks or of Slack, rabbitmq (by AMQP_URL), or a URL of RabbitMQ; several, separated by commas or line breaks',
    ),
  ),
  RUN_JOB_NOTIFY_SECRET: v.pipe(text(), v.description('What the webhooks of RUN_JOB_NOTIFY check the signature by')),
  RUN_JOB_CONSOLE_URL: v.pipe(
    v.optional(url(['http:', 'https:'], 'https://run-job.example.com')),
    v.description('Where the console is, for links in notifications'),
  ),
  RUN_JOB_RETRIES: v.pipe(
    number(0, 0, 1_000_000, 'a whole number'),
    v.description(
      'How often Kubernetes starts a new pod after one that failed (backoffLimit): what is still to be tried again is told as no failure',
    ),
  ),
  RUN_JOB_ENVIRONMENT: v.pipe(
    text(64),
    v.description('The environment that check-ins and notifications name, such as production'),
  ),
  RUN_JOB_NOTIFY_TIMEOUT_MS: v.pipe(
    number(2_000, 0, 600_000, 'a whole number of milliseconds'),
    v.description('Longest wait for check-ins and notifications to be sent at the end, while telemetry is'),
  ),
  RUN_JOB_CONSOLE_TOKEN: v.pipe(
    v.pipe(
      text(),
      // As it stands in a header: Bearer ends at the first other.
      v.check(
        (value) => /^[\x21-\x7e]*$/.test(value?.trim() ?? ''),
        'must have no white space and only ASCII characters: openssl rand -hex 24 makes a good one',
      ),
    ),
    v.description(
      'What a person or a program must know to be let in by `run-job serve`, where it listens on more than loopback',
    ),
  ),
  RUN_JOB_TRACE_URL: v.pipe(
    v.optional(
      v.pipe(
        url(['http:', 'https:'], 'https://grafana.example.com/trace/{traceId}'),
        v.includes('{traceId}', 'must have {traceId} where the id of the trace goes'),
      ),
    ),
    v.description('Where the console of `run-job serve` links to a trace; {traceId} stands for its id'),
  ),
  POD_NAME: v.pipe(text(), v.description('Kubernetes pod (downward API)')),
  POD_NAMESPACE: v.pipe(text(), v.description('Kubernetes namespace (downward API)')),
  JOB_NAME: v.pipe(text(), v.description('Kubernetes Job (downward API); tells the scheduled time')),
  JOB_UID: v.pipe(
    text(),
    v.description('uid of the Kubernetes Job (downward API), whose pods share one scheduled time'),
  ),
  CRONJOB_NAME: v.pipe(text(), v.description('Kubernetes CronJob')),
  RUN_JOB_SCHEDULE: v.pipe(
    text(),
    v.description("The CronJob's cron line; with it a run tells of its name's schedule where nobody has applied any"),
  ),
  RUN_JOB_TIME_ZONE: v.pipe(text(), v.description('The time zone of that line; Etc/UTC unless set')),
  RUN_JOB_CATCH_UP: v.pipe(
    oneOf(['latest', 'all']),
    v.description(
      'all: a run that a CronJob has started first does the slots that were missed, where the schedule says catchUp: all as well',
    ),
  ),
  NODE_NAME: v.pipe(text(), v.description('Kubernetes node (downward API)')),
  LOG_LEVEL: v.pipe(
    oneOf(['debug', 'info', 'warn', 'error']),
    v.description('Least level that is logged: debug, info, warn or error (info)'),
  ),
  LOG_FORMAT: v.pipe(oneOf(['json', 'pretty']), v.description('json or pretty; pretty on a terminal, else json')),
  OTEL_SHUTDOWN_TIMEOUT_MS: v.pipe(
    number(3_000, 0, 600_000, 'a whole number of milliseconds'),
    v.description('Longest wait for telemetry to be sent at the end'),
  ),
});

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
  const given = Object.fromEntries(Object.keys(ENVIRONMENT.entries).map((name) => [name, env[name] || undefined]));
  const parsed = v.safeParse(ENVIRONMENT, given);
  const problems = new Map<string, string>();
  for (const issue of parsed.issues ?? []) {
    const name = String(issue.path?.[0]?.key);
    if (!problems.has(name)) problems.set(name, `${name} ${issue.message}`);
    delete given[name];
  }
  const invalid = new Set(problems.keys());
  const values = parsed.success ? parsed.output : v.parse(ENVIRONMENT, given);
  const part = readPart(values, problems);
  return { config: arrange(values, part), problems: [...problems.values()], invalid };
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

type Values = v.InferOutput<typeof ENVIRONMENT>;

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

function isUrl(value: string, schemes: readonly string[]): boolean {
  const parsed = URL.parse(value);
  // Nobody listens on port 0, and whoever waits for it waits in vain.
  return parsed !== null && schemes.includes(parsed.protocol) && parsed.port !== '0';
}
