// Values that can't work are refused when the chart is rendered, in a sentence that names the value.
import { describe, expect, test } from 'vitest';
import { complaint, noHelm } from './support/chart.ts';

const cleanup = (values: object) => ({ jobs: { 'database-cleanup': values } });
const program = (values: object) => cleanup({ command: ['rsync'], ...values });

describe.skipIf(noHelm)('bad values are refused with a sentence', () => {
  test.each<[string, object, string]>([
    // Typos
    ['a typo at the top', { jobz: {} }, "additional properties 'jobz' not allowed"],
    [
      'a typo in a job',
      cleanup({ shedule: '@daily' }),
      "'/jobs/database-cleanup': additional properties 'shedule' not allowed",
    ],
    ['a typo in the defaults', { jobDefaults: { timout: '5m' } }, "additional properties 'timout' not allowed"],
    [
      'a typo in a setting',
      { config: { WORKER_SHUTDOWN_TIMEOUT: 30 } },
      "'/config': additional properties 'WORKER_SHUTDOWN_TIMEOUT' not allowed",
    ],
    ['a typo deep inside', cleanup({ resources: { limit: {} } }), "additional properties 'limit' not allowed"],
    ['an unknown choice', cleanup({ locked: 'queue' }), "value must be one of 'skip', 'wait', 'fail'"],
    // Schedules
    ['no schedule', { jobs: { mine: {} } }, 'jobs.mine.schedule is missing: give it a cron line, such as "0 2 * * *"'],
    [
      'a schedule in words',
      cleanup({ schedule: 'every day' }),
      'value must be \'a cron line of five fields, such as "0 2 * * *"',
    ],
    ['six fields', cleanup({ schedule: '0 0 2 * * *' }), "value must be 'a cron line of five fields"],
    [
      'a zone in the schedule',
      cleanup({ schedule: 'TZ=Europe/Berlin 0 2 * * *' }),
      "value must be 'a cron line of five fields",
    ],
    [
      'a minute that is none',
      cleanup({ schedule: '61 2 * * *' }),
      '"61 2 * * *" isn\'t a cron line that Kubernetes takes: its minute "61" isn\'t within 0 and 59',
    ],
    ['an hour that is none', cleanup({ schedule: '0 24 * * *' }), 'its hour "24" isn\'t within 0 and 23'],
    ['day 0', cleanup({ schedule: '0 2 0 * *' }), 'its day of the month "0" isn\'t within 1 and 31'],
    ['Sunday as 7', cleanup({ schedule: '0 2 * * 7' }), 'its day of the week "7" isn\'t within 0 and 6: Sunday is 0'],
    ['a backward range', cleanup({ schedule: '0 18-6 * * *' }), 'the range of its hour "18-6" ends before it begins'],
    ['a step of 0', cleanup({ schedule: '*/0 * * * *' }), 'the step of its minute "*/0" is 0'],
    [
      'a list of nothing',
      cleanup({ schedule: '0 , * * *' }),
      '"0 , * * *" isn\'t a cron line to work by: no hour is in its list ",", and so it would never start a Job',
    ],
    ['a field that is none', cleanup({ schedule: '0 2 * * MOO' }), '"MOO" isn\'t a day of the week'],
    [
      'an unknown macro',
      cleanup({ schedule: '@nightly' }),
      'the names it may have are @annually, @daily, @hourly, @midnight, @monthly, @weekly, @yearly',
    ],
    // Time zones
    [
      'a zone that is none',
      cleanup({ timeZone: 'Europe/Bärlin' }),
      "value must be 'an IANA time zone, such as Etc/UTC or Europe/Berlin'",
    ],
    [
      'a misspelt zone',
      cleanup({ timeZone: 'Europe/Berln' }),
      'jobs.database-cleanup.timeZone: "Europe/Berln" isn\'t an IANA time zone',
    ],
    ['half a zone', cleanup({ timeZone: 'new_york' }), 'did you mean America/New_York?'],
    ['the local zone', cleanup({ timeZone: 'Local' }), '"Local" isn\'t an IANA time zone'],
    // Durations and numbers
    [
      'a duration without a unit',
      cleanup({ timeout: '30' }),
      "'/jobs/database-cleanup/timeout': value must be 'a duration: a number and its unit, such as 90s, 30m or 1h30m'",
    ],
    ['a duration in words', cleanup({ timeout: '30 minutes' }), "value must be 'a duration"],
    ['a duration as a number', cleanup({ timeout: 30 }), 'got number, want string'],
    ['no time at all', cleanup({ timeout: '0s' }), '"0s" is no time at all'],
    [
      'a setting with a unit',
      { config: { WORKER_SHUTDOWN_TIMEOUT_SECONDS: '30s' } },
      'WORKER_SHUTDOWN_TIMEOUT_SECONDS (for jobs.database-cleanup) is "30s": write a plain number',
    ],
    [
      'a limit of no run at all',
      { config: { WORKER_MAX_CONCURRENT_JOBS: 0 } },
      'WORKER_MAX_CONCURRENT_JOBS (for jobs.database-cleanup) is 0, with which no run begins: write a whole number from 1 to 10000',
    ],
    [
      'half a run',
      { config: { WORKER_MAX_CONCURRENT_JOBS: '2.5' } },
      'is 2.5, with which no run begins: write a whole number from 1 to 10000',
    ],
    [
      'a wait that the runner refuses',
      cleanup({ env: { WORKER_LOCK_WAIT_SECONDS: '100000' } }),
      'WORKER_LOCK_WAIT_SECONDS (for jobs.database-cleanup) is 100000, with which no run begins: write a number from 0 to 86400',
    ],
    ['a negative number', cleanup({ retries: -1 }), 'minimum: got -1, want 0'],
    ['a starting deadline that never starts', cleanup({ startingDeadlineSeconds: 5 }), 'minimum: got 5, want 10'],
    [
      'a quantity that is none',
      cleanup({ resources: { limits: { memory: '256 MB' } } }),
      "value must be 'a quantity such as 250m, 128Mi or 1Gi'",
    ],
    [
      'a URL that is none',
      cleanup({ shutdownUrls: ['localhost:15020'] }),
      "value must be 'a URL such as http://127.0.0.1:15020/quitquitquit'",
    ],
    ['a digest that is none', { image: { digest: 'latest' } }, "value must be 'a digest such as sha256:"],
    ['an alert age that is none', cleanup({ alerts: { successWithin: '1 day' } }), "value must be 'a duration"],
    // Names
    [
      'a key that no object can have',
      { jobs: { database_cleanup: { schedule: '@daily' } } },
      "value must be 'a name of lower-case letters, digits and dashes",
    ],
    ['a job that is none', cleanup({ job: 'database-cleanup' }), "value must be 'the name of a job in snake_case"],
    [
      'a name that no object can have',
      { fullnameOverride: 'My_Jobs' },
      "'/fullnameOverride': value must be 'a name of lower-case letters, digits and dashes",
    ],
    [
      "a volume of the chart's own name",
      cleanup({ volumes: [{ name: 'tmp', emptyDir: {} }] }),
      "a volume is named tmp, which is the chart's own at /tmp: give yours another name, or set tmpSize",
    ],
    [
      "a sidecar of the chart's own name",
      cleanup({ sidecars: [{ name: 'run-job', image: 'proxy' }] }),
      "a sidecar or init container is named run-job, which is the job's own",
    ],
    [
      'a volume at the place of the chart’s own',
      cleanup({ volumes: [{ name: 'scratch', emptyDir: {} }], volumeMounts: [{ name: 'scratch', mountPath: '/tmp' }] }),
      "a volume is mounted at /tmp, where the chart's own emptyDir is: mount it elsewhere, or set tmpSize",
    ],
    // Times that don't add up
    [
      'a Job that ends before the runner',
      cleanup({ activeDeadlineSeconds: 2493 }),
      'jobs.database-cleanup.activeDeadlineSeconds (2493) must be more than lock wait + timeout + grace + flush + record (600 + 1800 + 30 + 3 + 60 = 2493 s), else Kubernetes ends the run before the runner can say why',
    ],
    [
      'a Job that ends while the lock is waited for',
      cleanup({ timeout: '1m', activeDeadlineSeconds: 150, env: { WORKER_LOCK_WAIT_SECONDS: '60' } }),
      '(60 + 60 + 30 + 3 + 60 = 213 s)',
    ],
    [
      'a pod that is killed in its grace',
      { ...cleanup({ terminationGracePeriodSeconds: 123 }), config: { WORKER_SHUTDOWN_TIMEOUT_SECONDS: 60 } },
      'jobs.database-cleanup.terminationGracePeriodSeconds (123) must be more than grace + flush + record (60 + 3 + 60 = 123 s), else a run that is told to stop is killed before it can close its record',
    ],
    [
      "a pod that is killed in its job's own grace",
      cleanup({ terminationGracePeriodSeconds: 60, env: { WORKER_SHUTDOWN_TIMEOUT_SECONDS: '120' } }),
      '(120 + 3 + 60 = 183 s)',
    ],
    [
      'more at once than there are',
      cleanup({ shards: 2, parallelism: 3 }),
      'parallelism (3) is more than its shards (2)',
    ],
    [
      'more at once than there are places',
      cleanup({ shards: 16, parallelism: 12 }),
      'jobs.database-cleanup.parallelism (12) is more than may be at work at once (WORKER_MAX_CONCURRENT_JOBS, 10): the rest of its pods would only wait; set it to 10 at most, leave it out, or raise WORKER_MAX_CONCURRENT_JOBS in config',
    ],
    [
      'more at once than the places that config leaves',
      { ...cleanup({ shards: 16, parallelism: 6 }), config: { WORKER_MAX_CONCURRENT_JOBS: 5 } },
      'parallelism (6) is more than may be at work at once (WORKER_MAX_CONCURRENT_JOBS, 5)',
    ],
    [
      'a run of more days than one may take',
      cleanup({ timeout: '24d' }),
      'jobs.database-cleanup.timeout: "24d" is more than a run may take: write at most 23d',
    ],
    [
      'a setting that the runner refuses',
      { config: { RUN_JOB_HISTORY_DAYS: '0.5' } },
      'RUN_JOB_HISTORY_DAYS (for jobs.database-cleanup) is 0.5, with which no run begins: write a whole number from 1 to 36500',
    ],
    ['a history that no object can keep', cleanup({ failedJobsHistoryLimit: 1e10 }), 'failedJobsHistoryLimit'],
    [
      'a day that no month has',
      cleanup({ blackouts: { dates: ['2026-11-31'] } }),
      `value must be 'a date such as "2026-12-24"`,
    ],
    // Images, and names of other objects
    [
      'a tag within the repository',
      { image: { repository: 'ghcr.io/team/jobs:1.0' } },
      "'/image/repository': value must be 'an image without its tag, such as ghcr.io/run-job/run-job'",
    ],
    [
      'a repository with capitals',
      cleanup({ image: { repository: 'ghcr.io/Team/jobs', tag: '1' } }),
      "value must be 'an image without",
    ],
    ['a tag that no image has', { image: { tag: '1.0 beta' } }, "'/image/tag': value must be 'a tag of letters"],
    [
      'a registry with a scheme',
      { global: { imageRegistry: 'https://registry.example.com' } },
      "value must be 'a registry without a scheme, such as registry.example.com:5000'",
    ],
    ['a folder that is relative', cleanup({ workingDir: 'app' }), "value must be 'an absolute path, such as /app'"],
    ['a Secret that can’t be', { secret: { existing: 'My_Secret' } }, "value must be 'the name of a Secret"],
    [
      'a service account that can’t be',
      { serviceAccount: { name: 'My_Account' } },
      "value must be 'the name of an object",
    ],
    [
      'a label’s name that can’t be',
      cleanup({ labels: { 'my team': 'x' } }),
      "value must be 'a name of letters, digits",
    ],
    [
      'a label that can’t be',
      { commonLabels: { team: 'the payments' } },
      "'/commonLabels/team': value must be 'a label of",
    ],
    [
      'an annotation’s name that can’t be',
      { commonAnnotations: { 'my team': 'x' } },
      "value must be 'a name of letters",
    ],
    [
      'an alert’s label that can’t be',
      { prometheusRule: { alertLabels: { 'my-team': 'x' } } },
      "value must be 'a label of Prometheus: letters, digits and underscores'",
    ],
    // Other names for what there is
    [
      'backoffLimit',
      cleanup({ backoffLimit: 3 }),
      "'/jobs/database-cleanup/backoffLimit': value must be 'left out: use retries'",
    ],
    ['timeOut', { jobDefaults: { timeOut: '5m' } }, "'/jobDefaults/timeOut': value must be 'left out: use timeout'"],
    [
      'concurrencyPolicy',
      cleanup({ concurrencyPolicy: 'Allow' }),
      "value must be 'left out: it is always Forbid; use locked'",
    ],
    ['timezone', cleanup({ timezone: 'Etc/UTC' }), "value must be 'left out: use timeZone'"],
    ['cron', cleanup({ cron: '@daily' }), "value must be 'left out: use schedule'"],
    ['extraEnv', cleanup({ extraEnv: { A: 'b' } }), "value must be 'left out: use env'"],
    [
      "an image of a job's own without a tag",
      cleanup({ image: { repository: 'mine' } }),
      'jobs.database-cleanup.image needs a tag or a digest: what runs must not change by itself',
    ],
    [
      "an injection into the chart's own image",
      cleanup({ runner: { inject: true } }),
      "jobs.database-cleanup.runner.inject is for an image of the job's own",
    ],
    [
      'a job and a command',
      cleanup({ job: 'database_cleanup', command: ['pg_dump'] }),
      'jobs.database-cleanup has both job and command',
    ],
    [
      'exit codes of what is no program',
      cleanup({ exitCodes: { 24: 'succeeded' } }),
      'jobs.database-cleanup.exitCodes are those of a program, and it has no command',
    ],
    [
      'an exit code that none can be',
      program({ exitCodes: { 300: 'succeeded' } }),
      "additional properties '300' not allowed",
    ],
    [
      'what no exit code can mean',
      program({ exitCodes: { 24: 'ok' } }),
      "'/jobs/database-cleanup/exitCodes/24': value must be one of",
    ],
    ['resources of the chart', { resources: {} }, "'/resources': value must be 'left out: use jobDefaults.resources'"],
    // Numbers that Helm has changed
    [
      'more digits than a float keeps',
      { secret: { values: { PIN: 12345678901234567890n } } },
      'secret.values.PIN is a number with more digits than Helm keeps: quote it',
    ],
    [
      'the first whole number that it loses',
      cleanup({ env: { ID: 2 ** 53 } }),
      'jobs.database-cleanup.env.ID is a number with more digits',
    ],
    [
      'such a number deep in the parameters',
      cleanup({ params: { a: [{ id: -(2 ** 60) }] } }),
      'jobs.database-cleanup.params.a[0].id is a number with more digits',
    ],
    [
      'one in the settings',
      { config: { OTEL_BSP_MAX_QUEUE_SIZE: 2 ** 55 } },
      'config.OTEL_BSP_MAX_QUEUE_SIZE is a number with more digits',
    ],
    [
      'a fraction where a text is wanted',
      { jobDefaults: { env: { APP_VERSION: 1.1 } } },
      'jobDefaults.env.APP_VERSION is a number with a fraction, which may have lost a digit already (1.10 is read as 1.1): quote it',
    ],
    [
      'a parameter that YAML doesn’t take for a name',
      cleanup({ params: { n: 5 } }),
      'jobs.database-cleanup.params has a name that YAML reads as false, such as y, n, yes, no, on or off: quote it',
    ],
    [
      'a variable that YAML doesn’t take for a name',
      { migration: { env: { Y: '5' } } },
      'migration.env has a name that YAML reads as true',
    ],
    // Variables by which a run knows what it stands for
    ...['JOB_NAME', 'RUN_JOB_SLOTS', 'CRONJOB_NAME'].map((name): [string, object, string] => [
      `${name} by hand`,
      cleanup({ env: { [name]: 'x' } }),
      `jobs.database-cleanup.env: ${name} is set for each run, which tells by it what it stands for`,
    ]),
    // Arguments with which nothing would be done
    [
      'help in the place of work',
      cleanup({ args: ['--help'] }),
      'jobs.database-cleanup.args: --help prints help and ends with 0, so that the work would never be done',
    ],
    ['the same in short', { jobDefaults: { args: ['-h'] } }, 'args: -h prints help and ends with 0'],
    [
      'one slot for ever',
      cleanup({ args: ['--scheduled-at=2026-01-01T00:00:00Z'] }),
      'args: --scheduled-at stands for one slot, which every run but the first would find done',
    ],
    [
      'a dry run that the chart doesn’t know of',
      cleanup({ args: ['--dry-run'] }),
      "--dry-run is the chart's: use dryRun",
    ],
    ['a name that it doesn’t know of', cleanup({ args: ['--as', 'x'] }), "--as is the chart's: use name"],
    ['a fraction as a secret', { secret: { values: { A: 0.5 } } }, 'secret.values.A is a number with a fraction'],
    ['a fraction for the migration', { migration: { env: { A: 0.5 } } }, 'migration.env.A is a number with a fraction'],
    [
      'a tag that is a fraction',
      { image: { tag: 1.1 } },
      `'/image/tag': value must be 'a tag in quotes, such as "1.10"`,
    ],
    // Labels of the chart's own
    ...(
      [
        ['commonLabels', { commonLabels: { 'app.kubernetes.io/name': 'x' } }],
        ['jobDefaults.podLabels', { jobDefaults: { podLabels: { 'app.kubernetes.io/name': 'x' } } }],
        ['jobs.database-cleanup.labels', cleanup({ labels: { 'app.kubernetes.io/name': 'x' } })],
      ] as const
    ).map(([where, values]): [string, object, string] => [
      `a label of the chart's own in ${where}`,
      values,
      `${where}: the chart sets app.kubernetes.io/name itself`,
    ]),
    [
      'a label of the chart',
      { commonLabels: { 'helm.sh/chart': 'x' } },
      'commonLabels: the chart sets helm.sh/chart itself',
    ],
    // Names of runs
    [
      'a name that no run can have',
      cleanup({ name: 'Acme Cleanup' }),
      "value must be 'a name of letters, digits, dots, dashes and underscores",
    ],
    ['one name for all', { jobDefaults: { name: 'x' } }, 'jobDefaults.name would give every entry the same name'],
    // Secrets in the open
    [
      'a credential in the ConfigMap',
      { config: { DATABASE_URL: 'postgres://db/app' } },
      'config.DATABASE_URL looks like a credential',
    ],
    [
      'headers of a hosted backend',
      { config: { OTEL_EXPORTER_OTLP_HEADERS: 'api-key=1' } },
      'config.OTEL_EXPORTER_OTLP_HEADERS looks like a credential',
    ],
    [
      'a password within a URL',
      { config: { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://u:p@collector' } },
      'config.OTEL_EXPORTER_OTLP_ENDPOINT looks like a credential',
    ],
    [
      'a credential in the environment',
      cleanup({ env: { AMQP_URL: 'amqp://mq' } }),
      'jobs.database-cleanup.env.AMQP_URL looks like a credential',
    ],
    [
      'a credential in the arguments',
      cleanup({ params: { apiToken: 'x' } }),
      'jobs.database-cleanup.params.apiToken looks like a credential',
    ],
    [
      'a password deep in the parameters',
      cleanup({ params: { from: { url: 'postgres://u:p@db/app' } } }),
      'jobs.database-cleanup.params looks like a credential',
    ],
    [
      'a password in further arguments',
      cleanup({ args: ['--param', 'from=postgres://u:p@db/app'] }),
      'jobs.database-cleanup.args looks like a credential',
    ],
    [
      'a credential for the migration',
      { migration: { env: { DATABASE_URL: 'postgres://db' } } },
      'migration.env.DATABASE_URL looks like a credential',
    ],
    [
      'the keys of monitors for the migration',
      { migration: { env: { RUN_JOB_MONITORS: 'https://key@healthchecks.io' } } },
      'migration.env.RUN_JOB_MONITORS looks like a credential',
    ],
    [
      'the keys of monitors for all',
      { config: { RUN_JOB_MONITORS: 'https://key@healthchecks.io' } },
      'config.RUN_JOB_MONITORS looks like a credential',
    ],
    ['a variable with no source', cleanup({ env: { A: { valueFrom: {} } } }), 'minProperties'],
  ])('%s', (_, values, message) => {
    expect(complaint(values).replaceAll(/\s+/g, ' ')).toContain(message);
  });

  test('a cluster that is too old is told so', async () => {
    const { helm } = await import('./support/chart.ts');
    expect(helm('template', 'r', 'helm/run-job', '--kube-version', '1.28.9').stderr).toContain(
      'kubeVersion: >=1.29.0-0',
    );
    expect(helm('template', 'r', 'helm/run-job', '--kube-version', '1.29.1-gke.100').code).toBe(0);
  });
});
