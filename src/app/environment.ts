// The variables of the environment that run-job reads: what each must be, and what it counts as when it isn't set.
import * as v from 'valibot';
import { LONGEST_TIMEOUT_MS } from '../duration.ts';
import { hasControlCharacter, problemOfDatabaseUrl } from './database-url.ts';

/** What a variable must be, and what it counts as when it isn't set. */
export interface Variable<Output = unknown> {
  /** Made for a variable that is set, and not before: a run has few of them. */
  readonly schema: () => v.GenericSchema<string, Output>;
  readonly unset: Output;
}

/** Of a variable without a fallback. */
const optional = <Output>(schema: Variable<Output>['schema']): Variable<Output | undefined> => ({
  schema,
  unset: undefined,
});

/** Of a variable that names several, and none unless it is set. */
const several = <Item>(schema: Variable<Item[]>['schema']): Variable<Item[]> => ({ schema, unset: [] });

const isPrintable = (value: string) => !hasControlCharacter(value);

const text = (max = 1024) =>
  optional(() =>
    v.pipe(
      v.string(),
      v.maxLength(max, `must have at most ${max} characters`),
      v.check(isPrintable, 'must not contain control characters'),
    ),
  );

const number = (unset: number, min: number, max: number, what: string, whole = true): Variable<number> => ({
  unset,
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

const exchange: Variable<string> = {
  unset: 'run_job.events',
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

/** Every variable that run-job itself reads; OpenTelemetry's own (`OTEL_*`) are the SDK's. */
export const ENVIRONMENT = {
  DATABASE_URL: optional(databaseUrl),
  DATABASE_POOL_SIZE: number(10, 1, 1000, 'a whole number'),
  AMQP_URL: optional(() => brokers('amqps://user:password@host:5671/vhost')),
  AMQP_EXCHANGE: exchange,
  AMQP_CA_FILE: text(),
  AMQP_CERT_FILE: text(),
  AMQP_KEY_FILE: text(),
  WORKER_DEFAULT_TIMEOUT_SECONDS: seconds(300, 0.001, LONGEST_TIMEOUT_MS / 1_000),
  WORKER_SHUTDOWN_TIMEOUT_SECONDS: seconds(30, 0, DAY),
  WORKER_MAX_CONCURRENT_JOBS: number(10, 1, 10_000, 'a whole number'),
  WORKER_CONNECT_TIMEOUT_SECONDS: seconds(10, 0.1, 600),
  WORKER_LOCK_WAIT_SECONDS: seconds(600, 0, DAY),
  WORKER_LOCK_CHECK_SECONDS: seconds(5, 0.1, 600),
  RUN_JOB_DIRS: optional(() => list(':')),
  RUN_JOB_HISTORY_DAYS: number(90, 1, 36_500, 'a whole number of days'),
  RUN_JOB_REQUIRE_DATABASE: oneOf(['true', 'false']),
  RUN_JOB_RECORD_TIMEOUT_SECONDS: seconds(60, 1, 3_600),
  WORKER_CHECKPOINT_FILE: text(),
  RUN_JOB_SHARDS: optional(number(1, 1, 10_000, 'a whole number').schema),
  JOB_COMPLETION_INDEX: optional(index),
  RUN_JOB_SLOTS: optional(() => v.pipe(list(','), v.array(instant('2026-11-23T02:00:00Z')))),
  RUN_JOB_TERMINATION_LOG: text(),
  RUN_JOB_SHUTDOWN_URLS: several(() =>
    v.pipe(list(','), v.array(url(['http:', 'https:'], 'http://localhost:15020/quitquitquit'))),
  ),
  RUN_JOB_CHECKINS: several(() =>
    endpoints(schemesOf('healthchecks+', 'sentry+', 'cronitor+', 'webhook+'), 'https://hc-ping.com/<ping key>'),
  ),
  RUN_JOB_MONITORS: several(() =>
    endpoints(schemesOf('healthchecks+', 'sentry+', 'cronitor+'), 'https://<api key>@healthchecks.io'),
  ),
  RUN_JOB_NOTIFY: several(() =>
    endpoints([...schemesOf('slack+', 'webhook+'), 'amqp:', 'amqps:'], 'https://hooks.slack.com/services/<path>', [
      'rabbitmq',
    ]),
  ),
  RUN_JOB_NOTIFY_SECRET: text(),
  RUN_JOB_CONSOLE_URL: optional(() => url(['http:', 'https:'], 'https://run-job.example.com')),
  RUN_JOB_RETRIES: number(0, 0, 1_000_000, 'a whole number'),
  RUN_JOB_ENVIRONMENT: text(64),
  RUN_JOB_NOTIFY_TIMEOUT_MS: number(2_000, 0, 600_000, 'a whole number of milliseconds'),
  RUN_JOB_CONSOLE_TOKEN: text(),
  RUN_JOB_TRACE_URL: optional(traceUrl),
  POD_NAME: text(),
  POD_NAMESPACE: text(),
  JOB_NAME: text(),
  JOB_UID: text(),
  CRONJOB_NAME: text(),
  RUN_JOB_SCHEDULE: text(),
  RUN_JOB_TIME_ZONE: text(),
  RUN_JOB_CATCH_UP: oneOf(['latest', 'all']),
  NODE_NAME: text(),
  LOG_LEVEL: oneOf(['debug', 'info', 'warn', 'error']),
  LOG_FORMAT: oneOf(['json', 'pretty']),
  OTEL_SHUTDOWN_TIMEOUT_MS: number(3_000, 0, 600_000, 'a whole number of milliseconds'),
};

/** What each variable comes to. */
export type Values = { readonly [Name in keyof typeof ENVIRONMENT]: (typeof ENVIRONMENT)[Name]['unset'] };
