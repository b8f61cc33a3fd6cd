// The environment variables as the documentation tells of them. What each is for stands here, since no run has a use for it.
import { ENVIRONMENT } from '../src/app/environment.ts';

const DESCRIPTIONS: Readonly<Record<keyof typeof ENVIRONMENT, string>> = {
  DATABASE_URL:
    'PostgreSQL that holds the lock and the history, and that jobs work on. Without it, runs are neither locked nor recorded',
  DATABASE_POOL_SIZE: 'Most connections that a job may open',
  AMQP_URL: 'RabbitMQ; several, separated by commas, are tried in turn',
  AMQP_EXCHANGE: 'Exchange that messages are published to',
  AMQP_CA_FILE: 'File with the certificates of the authorities to trust for amqps',
  AMQP_CERT_FILE: 'File with the client certificate for amqps',
  AMQP_KEY_FILE: 'File with the key of the client certificate',
  WORKER_DEFAULT_TIMEOUT_SECONDS: 'Timeout of a job that names none',
  WORKER_SHUTDOWN_TIMEOUT_SECONDS: 'Grace that a job has to stop, once it is asked to',
  WORKER_MAX_CONCURRENT_JOBS: 'Most runs at once, of all jobs on the database',
  WORKER_CONNECT_TIMEOUT_SECONDS: 'Longest wait for a connection to PostgreSQL or RabbitMQ',
  WORKER_LOCK_WAIT_SECONDS: 'Longest wait for the lock, for a place, and for a database that is full or just starting',
  WORKER_LOCK_CHECK_SECONDS:
    "How often the lock's connection is proved to be alive, and how long that may take; more than 7 counts as 7",
  RUN_JOB_DIRS:
    'Folders with your jobs (.ts, .mts, .js, .mjs), separated by colons; the folder jobs, where there is one, unless set',
  RUN_JOB_HISTORY_DAYS: 'How long the records of runs are kept',
  RUN_JOB_REQUIRE_DATABASE:
    'true: a run without DATABASE_URL is misconfigured (78), rather than neither locked nor recorded',
  RUN_JOB_RECORD_TIMEOUT_SECONDS:
    'How long a run tries to record how it ended, while the database is out of reach or takes no writes',
  WORKER_CHECKPOINT_FILE: 'File on a volume in which a job keeps its progress where there is no DATABASE_URL',
  RUN_JOB_SHARDS: 'Parts of the work when Kubernetes runs the job as an Indexed Job: its completions',
  JOB_COMPLETION_INDEX: "This pod's part; Kubernetes sets it",
  RUN_JOB_SLOTS:
    'Scheduled times of an Indexed Job that run-job backfill has made, separated by commas: each index does one, or one part of one',
  RUN_JOB_TERMINATION_LOG: 'Where the termination message goes; /dev/termination-log unless set',
  RUN_JOB_SHUTDOWN_URLS: 'URLs of sidecars that are sent a POST when the run is over, separated by commas',
  RUN_JOB_CHECKINS:
    'Where runs check in: URLs of Healthchecks.io, Cronitor or a webhook, or a DSN of Sentry; several, separated by commas or line breaks',
  RUN_JOB_MONITORS:
    'Where `run-job schedules apply` makes the monitors of what it applies: URLs of Healthchecks.io, Sentry or Cronitor with an API key; several, separated by commas or line breaks',
  RUN_JOB_NOTIFY:
    'Who is notified of failures, recoveries and slots that nobody ran: URLs of webhooks or of Slack, rabbitmq (by AMQP_URL), or a URL of RabbitMQ; several, separated by commas or line breaks',
  RUN_JOB_NOTIFY_SECRET: 'What the webhooks of RUN_JOB_NOTIFY check the signature by',
  RUN_JOB_CONSOLE_URL: 'Where the console is, for links in notifications',
  RUN_JOB_RETRIES:
    'How often Kubernetes starts a new pod after one that failed (backoffLimit): what is still to be tried again is told as no failure',
  RUN_JOB_ENVIRONMENT: 'The environment that check-ins and notifications name, such as production',
  RUN_JOB_NOTIFY_TIMEOUT_MS: 'Longest wait for check-ins and notifications to be sent at the end, while telemetry is',
  RUN_JOB_CONSOLE_TOKEN:
    'What a person or a program must know to be let in by `run-job serve`, where it listens on more than loopback',
  RUN_JOB_TRACE_URL: 'Where the console of `run-job serve` links to a trace; {traceId} stands for its id',
  POD_NAME: 'Kubernetes pod (downward API)',
  POD_NAMESPACE: 'Kubernetes namespace (downward API)',
  JOB_NAME: 'Kubernetes Job (downward API); tells the scheduled time',
  JOB_UID: 'uid of the Kubernetes Job (downward API), whose pods share one scheduled time',
  CRONJOB_NAME: 'Kubernetes CronJob',
  RUN_JOB_SCHEDULE: "The CronJob's cron line; with it a run tells of its name's schedule where nobody has applied any",
  RUN_JOB_TIME_ZONE: 'The time zone of that line; Etc/UTC unless set',
  RUN_JOB_CATCH_UP:
    'all: a run that a CronJob has started first does the slots that were missed, where the schedule says catchUp: all as well',
  NODE_NAME: 'Kubernetes node (downward API)',
  LOG_LEVEL: 'Least level that is logged: debug, info, warn or error (info)',
  LOG_FORMAT: 'json or pretty; pretty on a terminal, else json',
  OTEL_SHUTDOWN_TIMEOUT_MS: 'Longest wait for telemetry to be sent at the end',
};

export interface Variable {
  readonly name: string;
  /** Empty when there is none. */
  readonly fallback: string;
  readonly description: string;
}

/** Every variable that run-job reads, in the order of its table. */
export function describeVariables(): Variable[] {
  return Object.entries(ENVIRONMENT).map(([name, { unset }]) => ({
    name,
    fallback: typeof unset === 'string' || typeof unset === 'number' ? String(unset) : '',
    description: DESCRIPTIONS[name as keyof typeof ENVIRONMENT],
  }));
}
