// The variables of the environment that run-job reads: what each is for, what it must be, and what it counts as when it isn't set.
import * as v from 'valibot';
import { LONGEST_TIMEOUT_MS } from '../duration.ts';
import { hasControlCharacter, problemOfDatabaseUrl } from './database-url.ts';

/** What a variable must be, and what it counts as when it isn't set. */
interface Kind<Output> {
  /** Made for a variable that is set, and not before: a run has few of them. */
  readonly schema: () => v.GenericSchema<string, Output>;
  readonly unset: Output;
  /** How that is written in the documentation; empty where there is nothing to write. */
  readonly fallback: string;
}

/** A variable that run-job reads. */
export interface Variable<Output = unknown> extends Kind<Output> {
  readonly description: string;
}

const variable = <Output>(kind: Kind<Output>, description: string): Variable<Output> => ({ ...kind, description });

/** Of a variable without a fallback. */
const optional = <Output>(schema: Kind<Output>['schema']): Kind<Output | undefined> => ({
  schema,
  unset: undefined,
  fallback: '',
});

/** Of a variable that names several, and none unless it is set. */
const several = <Item>(schema: Kind<Item[]>['schema']): Kind<Item[]> => ({ schema, unset: [], fallback: '' });

const isPrintable = (value: string) => !hasControlCharacter(value);

const text = (max = 1024) =>
  optional(() =>
    v.pipe(
      v.string(),
      v.maxLength(max, `must have at most ${max} characters`),
      v.check(isPrintable, 'must not contain control characters'),
    ),
  );

const number = (unset: number, min: number, max: number, what: string, whole = true): Kind<number> => ({
  unset,
  fallback: String(unset),
  schema() {
    const message = `must be ${what} from ${min} to ${max}`;
    return v.pipe(
      v.string(),
      v.trim(),
      v.regex(whole ? /^\d{1,15}$/ : /^\d{1,15}(\.\d{1,6})?$/, message),
      v.transform(Number),
      v.minValue(min, message),
      v.maxValue(max, message),
    );
  },
});

const seconds = (unset: number, min: number, max: number) => number(unset, min, max, 'a number of seconds', false);

const url = (schemes: readonly string[], example: string) =>
  v.pipe(
    v.string(),
    // A Secret that was made from a file often ends with a line break.
    v.trim(),
    v.check((value) => isUrl(value, schemes) && isPrintable(value), `must be a URL such as ${example}`),
  );

function isUrl(value: string, schemes: readonly string[]): boolean {
  const parsed = URL.parse(value);
  // Nobody listens on port 0, and whoever waits for it waits in vain.
  return parsed !== null && schemes.includes(parsed.protocol) && parsed.port !== '0';
}

/** Each of the services may stand before the URL that it is to be spoken to at; without one it is told by the URL. */
const schemesOf = (...services: readonly string[]) =>
  ['', ...services].flatMap((service) => ['https:', 'http:'].map((scheme) => `${service}${scheme}`));

/** @param words what may stand in the place of a URL */
const endpoints = (schemes: readonly string[], example: string, words: readonly string[] = []) =>
  v.pipe(
    v.string(),
    v.transform((value) => value.split(/[\s,]+/).filter(Boolean)),
    v.array(v.union([v.picklist(words), url(schemes, example)], `must be a URL such as ${example}`)),
  );

const databaseUrl = () =>
  v.pipe(
    v.string(),
    v.trim(),
    v.rawCheck(({ dataset, addIssue }) => {
      const problem = dataset.typed ? problemOfDatabaseUrl(dataset.value) : undefined;
      if (problem !== undefined) addIssue({ message: problem });
    }),
  );

const oneOf = <const Options extends readonly string[]>(options: Options) =>
  optional<Options[number]>(() =>
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

const brokers = (example: string) =>
  v.pipe(list(','), v.minLength(1, `must be a URL such as ${example}`), v.array(url(['amqp:', 'amqps:'], example)));

const exchange: Kind<string> = {
  unset: 'run_job.events',
  fallback: 'run_job.events',
  schema: () =>
    v.pipe(
      v.string(),
      v.maxBytes(255, 'must have at most 255 bytes'),
      v.check(isPrintable, 'must not contain control characters'),
    ),
};

const index = () => v.pipe(v.string(), v.trim(), v.regex(/^\d{1,9}$/, 'must be a whole number'), v.transform(Number));

/** An instant as we write it ourselves. */
const instant = (example: string) =>
  v.pipe(
    v.string(),
    v.check((text) => text.endsWith('Z') && !Number.isNaN(Date.parse(text)), `must be times such as ${example}`),
    v.transform((text) => new Date(text)),
  );

const traceUrl = () =>
  v.pipe(
    url(['http:', 'https:'], 'https://grafana.example.com/trace/{traceId}'),
    v.includes('{traceId}', 'must have {traceId} where the id of the trace goes'),
  );

const DAY = 86_400;

/** Every variable that run-job itself reads, with its meaning; OpenTelemetry's own (`OTEL_*`) are the SDK's. */
export const ENVIRONMENT = {
  DATABASE_URL: variable(
    optional(databaseUrl),
    'PostgreSQL that holds the lock and the history, and that jobs work on. Without it, runs are neither locked nor recorded',
  ),
  DATABASE_POOL_SIZE: variable(number(10, 1, 1000, 'a whole number'), 'Most connections that a job may open'),
  AMQP_URL: variable(
    optional(() => brokers('amqps://user:password@host:5671/vhost')),
    'RabbitMQ; several, separated by commas, are tried in turn',
  ),
  AMQP_EXCHANGE: variable(exchange, 'Exchange that messages are published to'),
  AMQP_CA_FILE: variable(text(), 'File with the certificates of the authorities to trust for amqps'),
  AMQP_CERT_FILE: variable(text(), 'File with the client certificate for amqps'),
  AMQP_KEY_FILE: variable(text(), 'File with the key of the client certificate'),
  WORKER_DEFAULT_TIMEOUT_SECONDS: variable(
    seconds(300, 0.001, LONGEST_TIMEOUT_MS / 1_000),
    'Timeout of a job that names none',
  ),
  WORKER_SHUTDOWN_TIMEOUT_SECONDS: variable(seconds(30, 0, DAY), 'Grace that a job has to stop, once it is asked to'),
  WORKER_MAX_CONCURRENT_JOBS: variable(
    number(10, 1, 10_000, 'a whole number'),
    'Most runs at once, of all jobs on the database',
  ),
  WORKER_CONNECT_TIMEOUT_SECONDS: variable(
    seconds(10, 0.1, 600),
    'Longest wait for a connection to PostgreSQL or RabbitMQ',
  ),
  WORKER_LOCK_WAIT_SECONDS: variable(
    seconds(600, 0, DAY),
    'Longest wait for the lock, for a place, and for a database that is full or just starting',
  ),
  WORKER_LOCK_CHECK_SECONDS: variable(
    seconds(5, 0.1, 600),
    "How often the lock's connection is proved to be alive, and how long that may take; more than 7 counts as 7",
  ),
  RUN_JOB_DIRS: variable(
    optional(() => list(':')),
    'Folders with your jobs (.ts, .mts, .js, .mjs), separated by colons; the folder jobs, where there is one, unless set',
  ),
  RUN_JOB_HISTORY_DAYS: variable(
    number(90, 1, 36_500, 'a whole number of days'),
    'How long the records of runs are kept',
  ),
  RUN_JOB_REQUIRE_DATABASE: variable(
    oneOf(['true', 'false']),
    'true: a run without DATABASE_URL is misconfigured (78), rather than neither locked nor recorded',
  ),
  RUN_JOB_RECORD_TIMEOUT_SECONDS: variable(
    seconds(60, 1, 3_600),
    'How long a run tries to record how it ended, while the database is out of reach',
  ),
  WORKER_CHECKPOINT_FILE: variable(
    text(),
    'File on a volume in which a job keeps its progress where there is no DATABASE_URL',
  ),
  RUN_JOB_SHARDS: variable(
    optional(number(1, 1, 10_000, 'a whole number').schema),
    'Parts of the work when Kubernetes runs the job as an Indexed Job: its completions',
  ),
  JOB_COMPLETION_INDEX: variable(optional(index), "This pod's part; Kubernetes sets it"),
  RUN_JOB_SLOTS: variable(
    optional(() => v.pipe(list(','), v.array(instant('2026-11-23T02:00:00Z')))),
    'Scheduled times of an Indexed Job that run-job backfill has made, separated by commas: each index does one, or one part of one',
  ),
  RUN_JOB_TERMINATION_LOG: variable(text(), 'Where the termination message goes; /dev/termination-log unless set'),
  RUN_JOB_SHUTDOWN_URLS: variable(
    several(() => v.pipe(list(','), v.array(url(['http:', 'https:'], 'http://localhost:15020/quitquitquit')))),
    'URLs of sidecars that are sent a POST when the run is over, separated by commas',
  ),
  RUN_JOB_CHECKINS: variable(
    several(() =>
      endpoints(schemesOf('healthchecks+', 'sentry+', 'cronitor+', 'webhook+'), 'https://hc-ping.com/<ping key>'),
    ),
    'Where runs check in: URLs of Healthchecks.io, Cronitor or a webhook, or a DSN of Sentry; several, separated by commas or line breaks',
  ),
  RUN_JOB_MONITORS: variable(
    several(() => endpoints(schemesOf('healthchecks+', 'sentry+', 'cronitor+'), 'https://<api key>@healthchecks.io')),
    'Where `run-job schedules apply` makes the monitors of what it applies: URLs of Healthchecks.io, Sentry or Cronitor with an API key; several, separated by commas or line breaks',
  ),
  RUN_JOB_NOTIFY: variable(
    several(() =>
      endpoints([...schemesOf('slack+', 'webhook+'), 'amqp:', 'amqps:'], 'https://hooks.slack.com/services/<path>', [
        'rabbitmq',
      ]),
    ),
    'Who is notified of failures, recoveries and slots that nobody ran: URLs of webhooks or of Slack, rabbitmq (by AMQP_URL), or a URL of RabbitMQ; several, separated by commas or line breaks',
  ),
  RUN_JOB_NOTIFY_SECRET: variable(text(), 'What the webhooks of RUN_JOB_NOTIFY check the signature by'),
  RUN_JOB_CONSOLE_URL: variable(
    optional(() => url(['http:', 'https:'], 'https://run-job.example.com')),
    'Where the console is, for links in notifications',
  ),
  RUN_JOB_RETRIES: variable(
    number(0, 0, 1_000_000, 'a whole number'),
    'How often Kubernetes starts a new pod after one that failed (backoffLimit): what is still to be tried again is told as no failure',
  ),
  RUN_JOB_ENVIRONMENT: variable(text(64), 'The environment that check-ins and notifications name, such as production'),
  RUN_JOB_NOTIFY_TIMEOUT_MS: variable(
    number(2_000, 0, 600_000, 'a whole number of milliseconds'),
    'Longest wait for check-ins and notifications to be sent at the end, while telemetry is',
  ),
  RUN_JOB_CONSOLE_TOKEN: variable(
    text(),
    'What a person or a program must know to be let in by `run-job serve`, where it listens on more than loopback',
  ),
  RUN_JOB_TRACE_URL: variable(
    optional(traceUrl),
    'Where the console of `run-job serve` links to a trace; {traceId} stands for its id',
  ),
  POD_NAME: variable(text(), 'Kubernetes pod (downward API)'),
  POD_NAMESPACE: variable(text(), 'Kubernetes namespace (downward API)'),
  JOB_NAME: variable(text(), 'Kubernetes Job (downward API); tells the scheduled time'),
  JOB_UID: variable(text(), 'uid of the Kubernetes Job (downward API), whose pods share one scheduled time'),
  CRONJOB_NAME: variable(text(), 'Kubernetes CronJob'),
  RUN_JOB_SCHEDULE: variable(
    text(),
    "The CronJob's cron line; with it a run tells of its name's schedule where nobody has applied any",
  ),
  RUN_JOB_TIME_ZONE: variable(text(), 'The time zone of that line; Etc/UTC unless set'),
  RUN_JOB_CATCH_UP: variable(
    oneOf(['latest', 'all']),
    'all: a run that a CronJob has started first does the slots that were missed, where the schedule says catchUp: all as well',
  ),
  NODE_NAME: variable(text(), 'Kubernetes node (downward API)'),
  LOG_LEVEL: variable(
    oneOf(['debug', 'info', 'warn', 'error']),
    'Least level that is logged: debug, info, warn or error (info)',
  ),
  LOG_FORMAT: variable(oneOf(['json', 'pretty']), 'json or pretty; pretty on a terminal, else json'),
  OTEL_SHUTDOWN_TIMEOUT_MS: variable(
    number(3_000, 0, 600_000, 'a whole number of milliseconds'),
    'Longest wait for telemetry to be sent at the end',
  ),
};

/** What each variable comes to. */
export type Values = { readonly [Name in keyof typeof ENVIRONMENT]: (typeof ENVIRONMENT)[Name]['unset'] };
