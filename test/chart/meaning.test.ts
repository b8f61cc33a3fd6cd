// What the rendered objects mean: who may overlap with whom, who ends a run that takes too long, and who can read what.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { readConfig } from '../../src/app/config.ts';
import { ENVIRONMENT, type Variable } from '../../src/app/environment.ts';
import { STEP_LIMITS } from '../../src/runner/limited.ts';
import { EXIT } from '../../src/runner/outcome.ts';
import { CHART, ciFiles, type KubeObject, NONE, noHelm, ofKind, only, podsOf, render } from './support/chart.ts';

const seconds = (text: string) => {
  const units: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 };
  return [...text.matchAll(/([\d.]+)(ms|s|m|h|d)/g)].reduce(
    (sum, [, n, unit]) => sum + Number(n) * (units[unit ?? ''] ?? 0),
    0,
  );
};
const containerOf = (cronJob: KubeObject) => cronJob.spec.jobTemplate.spec.template.spec.containers[0];
const flag = (cronJob: KubeObject, name: string) =>
  containerOf(cronJob)
    .args.find((arg: string) => arg.startsWith(`--${name}=`))
    ?.slice(name.length + 3);
const variable = (container: { env: { name: string; value?: string; valueFrom?: object }[] }, name: string) =>
  container.env.find((item) => item.name === name);

/** An exit code of docs/decisions/exit-codes.md that only a pod of Kubernetes ends with. */
const CANCELLED = 79;

describe.skipIf(noHelm)('every CronJob', () => {
  test('is one that somebody has asked for: the chart by itself makes none', () => {
    expect(ofKind(render(NONE), 'CronJob')).toEqual([]);
  });

  test.each(ciFiles.filter((file) => file !== NONE))(
    'never overlaps with itself, keeps its deadlines in order and runs nothing twice (%s)',
    (file) => {
      const { config = {}, jobs = {} } = (parse(readFileSync(file, 'utf8')) ?? {}) as {
        config?: Record<string, number>;
        jobs?: Record<string, { automountServiceAccountToken?: boolean } | null>;
      };
      const withToken = Object.keys(jobs).filter((key) => jobs[key]?.automountServiceAccountToken);
      // What runs no job has no deadline of a run.
      const runs = ({ spec }: KubeObject) => spec.jobTemplate.spec.template.spec.containers[0].args[0] !== 'notify';
      const cronJobs = ofKind(render(file), 'CronJob').filter(runs);
      expect(cronJobs.length).toBeGreaterThan(0);
      for (const cronJob of cronJobs) {
        const { spec } = cronJob;
        const job = spec.jobTemplate.spec;
        const pod = job.template.spec;
        expect(spec.concurrencyPolicy).toBe('Forbid');
        expect(spec.startingDeadlineSeconds).toBeGreaterThanOrEqual(10);
        expect(pod.restartPolicy).toBe('Never');
        expect(job.podReplacementPolicy).toBe('Failed');
        const grace = config.WORKER_SHUTDOWN_TIMEOUT_SECONDS ?? 30;
        const flush = (config.OTEL_SHUTDOWN_TIMEOUT_MS ?? 3000) / 1000;
        const wait = config.WORKER_LOCK_WAIT_SECONDS ?? 600;
        const record = 60;
        const timeout = seconds(flag(cronJob, 'timeout'));
        expect(timeout).toBeGreaterThan(0);
        expect(job.activeDeadlineSeconds).toBeGreaterThan(timeout + wait + grace + flush + record);
        expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(grace + flush + record);
        const mayHaveToken = withToken.some((key) => cronJob.metadata.name.endsWith(`-${key}`));
        expect(pod.automountServiceAccountToken).toBe(mayHaveToken);
        expect(pod.containers[0].terminationMessagePath).toBe('/dev/termination-log');
      }
    },
  );

  test('leaves a pod that is told to stop the time that the runner may take to end', () => {
    const { unlock, close, shutdownUrls, output } = STEP_LIMITS;
    const end = 60 + (unlock + 4 * close + shutdownUrls + output) / 1000;
    const pod = only(render(), 'CronJob', 'cleanup').spec.jobTemplate.spec.template.spec;
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(30 + 3 + end);
  });

  test('makes of an exit code what the table says: disruptions first, then what no retry can mend', () => {
    const rulesOf = (more: object) =>
      only(render({ jobs: { 'database-cleanup': more } }), 'CronJob', 'database-cleanup').spec.jobTemplate.spec
        .podFailurePolicy.rules;
    const rule = (action: string, ...values: number[]) => ({
      action,
      onExitCodes: { containerName: 'run-job', operator: 'In', values: values.sort((a, b) => a - b) },
    });
    const disruption = { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] };
    const { rejected, permanent, misconfigured } = EXIT;
    expect(rulesOf({})).toEqual([
      disruption,
      rule('Ignore', EXIT.continued),
      rule('FailJob', rejected, permanent, misconfigured, CANCELLED),
    ]);
    // FailJob would send SIGTERM to the other shards.
    expect(rulesOf({ shards: 2 })).toEqual([
      disruption,
      rule('Ignore', EXIT.continued),
      rule('FailIndex', permanent),
      rule('FailJob', rejected, misconfigured, CANCELLED),
    ]);
  });

  test('gets a deadline that leaves room for every retry and the waits between them', () => {
    const deadline = (more: object) =>
      only(render({ jobs: { 'database-cleanup': { timeout: '10m', ...more } } }), 'CronJob', 'cleanup').spec.jobTemplate
        .spec.activeDeadlineSeconds;
    // The way to the run, the run (wait, timeout, grace, flush and record), and closing.
    const pod = 120 + 2 * 10 + (600 + 600 + 30 + 3 + 60) + 20;
    expect(deadline({ retries: 0 })).toBe(pod);
    expect(deadline({ retries: 3 })).toBe(4 * pod + 10 + 20 + 40);
    // What it comes after is waited for before the lock is: the longest of several, and as long as for the lock unless said.
    const after = [{ name: 'extract', slot: 'same', within: '2h' }];
    expect(deadline({ retries: 0, after })).toBe(pod + 7_200);
    const [one] = after;
    expect(
      deadline({
        retries: 0,
        after: [
          { ...one, within: '1m' },
          { name: 'other', slot: 'latest' },
        ],
      }),
    ).toBe(pod + 600);
    expect(deadline({ retries: 8 })).toBe(9 * pod + 10 + 20 + 40 + 80 + 160 + 320 + 600 + 600);
    expect(deadline({ retries: 0, env: { WORKER_LOCK_WAIT_SECONDS: 60 } })).toBe(pod - 540);
    // A database that has no connection left is waited for by all.
    expect(deadline({ retries: 0, locked: 'skip' })).toBe(pod);
    expect(deadline({ retries: 0, env: { RUN_JOB_RECORD_TIMEOUT_SECONDS: 90 } })).toBe(pod + 30);
    expect(deadline({ retries: 0, startAllowance: '10m' })).toBe(pod + 480);
    expect(deadline({ retries: 1, shards: 10, parallelism: 4 })).toBe(3 * (2 * pod + 10));
    // A pod that goes on counts as no retry, and its time counts.
    expect(deadline({ retries: 0, maxRounds: 4 })).toBe(4 * pod + 10 + 20 + 40);
    expect(deadline({ retries: 2, maxRounds: 2 })).toBe(4 * pod + 10 + 20 + 40);
    // Unless said, as many shards run at once as there are places.
    expect(deadline({ retries: 0, shards: 10 })).toBe(pod);
    expect(deadline({ retries: 0, shards: 21 })).toBe(3 * pod);
    expect(deadline({ retries: 0, env: { WORKER_SHUTDOWN_TIMEOUT_SECONDS: 90 } })).toBe(pod + 60);
  });

  test('takes a legal 0, false or empty list over a default that is none of it', () => {
    const values = {
      jobDefaults: { suspend: true, dryRun: true, shutdownUrls: ['http://127.0.0.1/quit'] },
      jobs: {
        'database-cleanup': {
          retries: 0,
          ttlSecondsAfterFinished: 0,
          failedJobsHistoryLimit: 0,
          suspend: false,
          dryRun: false,
          shutdownUrls: [],
        },
      },
    };
    const cronJob = only(render(values), 'CronJob', 'cleanup');
    expect(cronJob.spec).toMatchObject({ failedJobsHistoryLimit: 0 });
    expect(cronJob.spec).not.toHaveProperty('suspend');
    expect(cronJob.spec.jobTemplate.spec).toMatchObject({ backoffLimit: 0, ttlSecondsAfterFinished: 0 });
    expect(containerOf(cronJob).args).not.toContain('--dry-run');
    expect(variable(containerOf(cronJob), 'RUN_JOB_SHUTDOWN_URLS')).toBeUndefined();
  });

  test('hands parameters on as the JSON that they were, out of reach of the kubelet', () => {
    const params = {
      maxRows: 1_000_000,
      ratio: 0.25,
      note: 'a $(VAR) and $$(VAR), <b> & "c" \\ ü',
      list: [1, true, null],
      deep: { a: {} },
    };
    const given: string = flag(
      only(render({ jobs: { 'database-cleanup': { params } } }), 'CronJob', 'cleanup'),
      'params',
    );
    // What the kubelet makes of it: $$ is a dollar, and nothing is left that it would take for a variable.
    expect(given.replaceAll('$$', '')).not.toMatch(/\$/);
    expect(JSON.parse(given.replaceAll('$$', '$'))).toEqual(params);
  });

  test('tells its pods who they are', () => {
    const cronJob = only(render(), 'CronJob', 'cleanup');
    const container = containerOf(cronJob);
    expect(variable(container, 'CRONJOB_NAME')?.value).toBe(cronJob.metadata.name);
    const sources = ['POD_NAME', 'POD_NAMESPACE', 'NODE_NAME', 'JOB_NAME', 'JOB_UID'].map(
      (name) => variable(container, name)?.valueFrom,
    );
    expect(sources).toEqual(
      [
        'metadata.name',
        'metadata.namespace',
        'spec.nodeName',
        "metadata.labels['batch.kubernetes.io/job-name']",
        "metadata.labels['batch.kubernetes.io/controller-uid']",
      ].map((fieldPath) => ({ fieldRef: { fieldPath } })),
    );
  });

  test('gives runs a name of their own where the key is not that of the job, or where it is told one', () => {
    const names = (jobs: object) =>
      ofKind(render({ jobs: { 'database-cleanup': null, 'report-generator': null, ...jobs } }), 'CronJob').map(
        (cronJob) => [containerOf(cronJob).args[0], flag(cronJob, 'as')],
      );
    const schedule = '0 3 * * *';
    expect(
      names({
        acme: { schedule, job: 'database_cleanup' },
        'database-cleanup': { schedule },
        globex: { schedule, job: 'database_cleanup', name: 'globex_cleanup' },
        'send-invoices': { schedule, job: 'send_invoices' },
        'send-reminders': { schedule, name: 'send_reminders' },
      }),
    ).toEqual([
      ['database_cleanup', 'acme'],
      ['database_cleanup', undefined],
      ['database_cleanup', 'globex_cleanup'],
      ['send_invoices', undefined],
      ['send_reminders', undefined],
    ]);
  });

  test('says what happens when its lock is held, so that it does not hang on a default of the image', () => {
    expect(flag(only(render(), 'CronJob', 'cleanup'), 'locked')).toBe('wait');
    expect(flag(only(render({ jobDefaults: { locked: 'skip' } }), 'CronJob', 'cleanup'), 'locked')).toBe('skip');
  });

  test('knows at least the time that the runner takes where no variable says otherwise', () => {
    const text = readFileSync(`${CHART}/templates/_times.tpl`, 'utf8');
    const [, defaults = ''] = /define "run-job.runnerDefaults" -}}\n([^{]*)/.exec(text) ?? [];
    const chart = parse(defaults) as Record<string, number>;
    const { WORKER_MAX_CONCURRENT_JOBS: places, ...times } = chart;
    expect(Object.keys(times).length).toBeGreaterThan(4);
    const variables: Record<string, Variable | undefined> = ENVIRONMENT;
    const runner = (name: string) => variables[name]?.unset;
    for (const [name, value] of Object.entries(times))
      expect(value, name).toBeGreaterThanOrEqual(Number(runner(name) ?? 0));
    expect(String(places)).toBe(String(runner('WORKER_MAX_CONCURRENT_JOBS')));
  });

  test('takes of these variables what the runner takes, and no more', () => {
    const text = readFileSync(`${CHART}/templates/_times.tpl`, 'utf8');
    const [, bounds = ''] = /define "run-job.runnerBounds" -}}\n([^{]*)/.exec(text) ?? [];
    const all = parse(bounds) as Record<string, [number, number, boolean]>;
    expect(Object.keys(all)).toHaveLength(11);
    for (const [name, [least, most, whole]] of Object.entries(all)) {
      const refused = (value: number) => readConfig({ [name]: String(value) }).problems.length > 0;
      expect([least, most, least - 0.001, most + 1, least + 1.5].map(refused), name).toEqual([
        ...[false, false, true, true],
        whole,
      ]);
    }
  });

  test('is given whole numbers digit by digit, wherever they stand', () => {
    const n = 20240101;
    const most = Number.MAX_SAFE_INTEGER;
    const objects = render({
      image: { tag: n },
      config: { OTEL_BSP_MAX_QUEUE_SIZE: n },
      secret: { values: { PIN: n, DATABASE_URL: 'postgres://db', BIG: most } },
      migration: { env: { A: n } },
      jobs: { 'database-cleanup': { env: { A: n, B: most, C: true }, params: { maxRows: most, list: [n, 0.25] } } },
    });
    const container = containerOf(only(objects, 'CronJob', 'cleanup'));
    expect(container.image).toMatch(/:20240101$/);
    expect(['A', 'B', 'C'].map((name) => variable(container, name)?.value)).toEqual(['20240101', String(most), 'true']);
    expect(container.args.at(-1)).toBe(`--params={"list":[20240101,0.25],"maxRows":${most}}`);
    expect(only(objects, 'ConfigMap', '-run-job').data.OTEL_BSP_MAX_QUEUE_SIZE).toBe('20240101');
    for (const { data } of ofKind(objects, 'Secret')) {
      expect(Buffer.from(data.PIN, 'base64').toString()).toBe('20240101');
      expect(Buffer.from(data.BIG, 'base64').toString()).toBe(String(most));
    }
    const [migrate] = podsOf(ofKind(objects, 'Job'));
    expect(variable(migrate?.spec.containers[0], 'A')?.value).toBe('20240101');
    expect(variable(migrate?.spec.containers[0], 'OTEL_BSP_MAX_QUEUE_SIZE')?.value).toBe('20240101');
  });

  test.each([
    ['ghcr.io/run-job/run-job', 'mirror.example.com/run-job/run-job:1'],
    ['localhost/run-job', 'mirror.example.com/run-job:1'],
    ['registry:5000/team/jobs', 'mirror.example.com/team/jobs:1'],
    ['team/jobs', 'mirror.example.com/team/jobs:1'],
  ])('takes %s from the registry of an umbrella chart, with its pull secrets and the own ones', (repository, image) => {
    const objects = render({
      global: { imageRegistry: 'mirror.example.com', imagePullSecrets: ['a', { name: 'b' }] },
      image: { repository, tag: 1 },
      imagePullSecrets: [{ name: 'b' }, { name: 'c' }],
    });
    for (const { spec } of podsOf(objects)) {
      expect(spec.containers[0].image).toBe(image);
      expect(spec.imagePullSecrets).toEqual([{ name: 'a' }, { name: 'b' }, { name: 'c' }]);
    }
  });

  test("bounds JavaScript's heap by the memory limit, and not at all without one", () => {
    const heap = (job: object) =>
      variable(containerOf(only(render({ jobs: { 'database-cleanup': job } }), 'CronJob', 'cleanup')), 'NODE_OPTIONS')
        ?.value;
    expect(heap({})).toBe('--max-old-space-size-percentage=75');
    expect(heap({ heapPercent: 60, env: { NODE_OPTIONS: '--trace-warnings' } })).toBe(
      '--max-old-space-size-percentage=60 --trace-warnings',
    );
    expect(heap({ env: { NODE_OPTIONS: '--max-old-space-size=100' } })).toBe('--max-old-space-size=100');
    expect(
      heap({ env: { NODE_OPTIONS: { valueFrom: { configMapKeyRef: { name: 'n', key: 'o' } } } } }),
    ).toBeUndefined();
    expect(heap({ resources: { limits: { memory: null } } })).toBeUndefined();
  });

  test('takes a variable as its entry has it, not mixed with that of the defaults', () => {
    const from = (source: string) => ({
      DATABASE_URL: { valueFrom: { [source]: { name: source.toLowerCase(), key: 'url' } } },
    });
    const values = {
      jobDefaults: { env: from('configMapKeyRef') },
      jobs: { 'database-cleanup': { env: from('secretKeyRef') } },
    };
    const container = containerOf(only(render(values), 'CronJob', 'cleanup'));
    expect(variable(container, 'DATABASE_URL')).toEqual({ name: 'DATABASE_URL', ...from('secretKeyRef').DATABASE_URL });
  });

  test('becomes an Indexed Job whose shards each have their own retries', () => {
    const job = only(render('helm/run-job/ci/shards-values.yaml'), 'CronJob', 'database-cleanup').spec.jobTemplate.spec;
    expect(job).toMatchObject({ completionMode: 'Indexed', completions: 12, parallelism: 4, backoffLimitPerIndex: 1 });
    expect(job.backoffLimit).toBeUndefined();
    expect(variable(job.template.spec.containers[0], 'RUN_JOB_SHARDS')?.value).toBe('12');
  });

  test('starts sidecars before the job, as containers that do not keep it alive, and stops injected ones by URL', () => {
    for (const cronJob of ofKind(render('helm/run-job/ci/sidecars-values.yaml'), 'CronJob')) {
      const pod = cronJob.spec.jobTemplate.spec.template.spec;
      expect(pod.initContainers[0]).toMatchObject({ name: 'cloud-sql-proxy', restartPolicy: 'Always' });
      expect(pod.initContainers[1].restartPolicy).toBeUndefined();
      expect(variable(pod.containers[0], 'RUN_JOB_SHUTDOWN_URLS')?.value).toBe(
        'http://127.0.0.1:15020/quitquitquit,http://127.0.0.1:4191/shutdown',
      );
    }
  });
});

describe.skipIf(noHelm)('secrets', () => {
  test('are in no ConfigMap, no argument and no plain variable, and come by reference', () => {
    const secret = { values: { DATABASE_URL: 'postgres://u:hunter2@db/app', AMQP_URL: 'amqp://u:hunter2@mq' } };
    const objects = render({ secret, networkPolicy: { enabled: true }, prometheusRule: { enabled: true } });
    for (const object of objects) {
      if (object.kind !== 'Secret') expect(JSON.stringify(object)).not.toContain('hunter2');
    }
    const [data] = ofKind(objects, 'Secret').map((object) => object.data);
    expect(Buffer.from(data.DATABASE_URL, 'base64').toString()).toBe(secret.values.DATABASE_URL);
    for (const { spec, object } of podsOf(objects)) {
      const names = spec.containers[0].envFrom.flatMap(
        (source: { secretRef?: { name: string } }) => source.secretRef?.name ?? [],
      );
      expect(names).toEqual([object.kind === 'Job' ? 'billing-run-job-migrate' : 'billing-run-job']);
    }
  });

  test('of others are read variable by variable', () => {
    for (const { spec, object } of podsOf(render('helm/run-job/ci/secrets-values.yaml'))) {
      expect(spec.containers[0].envFrom).toContainEqual({ secretRef: { name: 'billing-jobs' } });
      const name = object.kind === 'Job' ? 'billing-db-owner' : 'billing-db-app';
      expect(variable(spec.containers[0], 'DATABASE_URL')?.valueFrom).toEqual({ secretKeyRef: { name, key: 'uri' } });
    }
  });

  test('and settings show in the pod template when they change, so that an upgrade can be seen', () => {
    const sum = (values: object) =>
      podsOf(render(values)).map(({ metadata }) => metadata.annotations?.['checksum/config']);
    expect(sum({})).not.toEqual(sum({ config: { LOG_LEVEL: 'debug' } }));
    expect(sum({ secret: { values: { A: '1' } } })).not.toEqual(sum({ secret: { values: { A: '2' } } }));
  });
});

describe.skipIf(noHelm)('the migration', () => {
  const on = {
    secret: { values: { DATABASE_URL: 'x' } },
    serviceAccount: { create: true },
    networkPolicy: { enabled: true },
  };

  test('finds all that it needs before the release has any objects of its own', () => {
    const objects = render(on);
    const hooks = objects.filter(
      ({ metadata }) => metadata.annotations?.['helm.sh/hook'] === 'pre-install,pre-upgrade',
    );
    const weight = (object: KubeObject) => Number(object.metadata.annotations?.['helm.sh/hook-weight']);
    const job = only(hooks, 'Job');
    const pod = job.spec.template.spec;
    const earlier = hooks
      .filter((object) => weight(object) < weight(job))
      .map(({ kind, metadata }) => `${kind}/${metadata.name}`);
    expect(earlier.sort()).toEqual([
      `ConfigMap/${job.metadata.name.replace('-migrate', '-schedules')}`,
      ...['NetworkPolicy', 'Secret', 'ServiceAccount'].map((kind) => `${kind}/${job.metadata.name}`),
    ]);
    expect(earlier).toContain(`ServiceAccount/${pod.serviceAccountName}`);
    for (const source of pod.containers[0].envFrom) expect(earlier).toContain(`Secret/${source.secretRef.name}`);
    expect(variable(pod.containers[0], 'LOG_LEVEL')?.value).toBe('info');
    expect(pod.containers[0].args[0]).toBe('migrate');
  });

  test('is kept when it failed, and removed before the next', () => {
    const annotations = only(render(on), 'Job').metadata.annotations;
    expect(annotations?.['helm.sh/hook-delete-policy']).toBe('before-hook-creation');
  });

  test('ends before helm gives up waiting for it', () => {
    expect(only(render(on), 'Job').spec.activeDeadlineSeconds).toBeLessThan(300);
  });
});

describe.skipIf(noHelm)('what is off or on by a value', () => {
  const has = (values: object, kind: string) => ofKind(render(values), kind).length > 0;

  test.each<[string, string, object, object]>([
    [
      'the migration',
      'Job',
      { secret: { existing: 'env' } },
      { secret: { existing: 'env' }, migration: { enabled: false } },
    ],
    [
      'the migration, with nothing to migrate',
      'Job',
      { secret: { values: { DATABASE_URL: 'x' } } },
      { secret: { values: { AMQP_URL: 'x' } } },
    ],
    ['the test', 'Pod', {}, { test: { enabled: false } }],
    ['the network policy', 'NetworkPolicy', { networkPolicy: { enabled: true } }, {}],
    ['the alerts', 'PrometheusRule', { prometheusRule: { enabled: true } }, {}],
    ['the service account', 'ServiceAccount', { serviceAccount: { create: true } }, {}],
    ['the ConfigMap', 'ConfigMap', {}, { config: { LOG_LEVEL: null } }],
    [
      'the dashboard',
      'ConfigMap',
      { config: { LOG_LEVEL: null }, grafanaDashboard: { enabled: true } },
      { config: { LOG_LEVEL: null } },
    ],
    [
      'an object of mine',
      'Role',
      {
        extraObjects: [
          { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name: 'r' }, rules: [] },
        ],
      },
      {},
    ],
    ['all jobs', 'CronJob', {}, { jobDefaults: { enabled: false } }],
  ])('%s', (_, kind, on, off) => {
    expect(has(on, kind)).toBe(true);
    expect(has(off, kind)).toBe(false);
  });

  test('the network policy covers every pod of the release and lets nothing in', () => {
    const objects = render({ networkPolicy: { enabled: true } });
    const { spec } = only(objects, 'NetworkPolicy', 'billing-run-job');
    expect(spec.policyTypes).toEqual(['Ingress', 'Egress']);
    expect(spec.ingress).toEqual([]);
    for (const { metadata } of podsOf(objects)) expect(metadata.labels).toMatchObject(spec.podSelector.matchLabels);
  });

  test('services outside are reached only on the ports that are listed for them, by the migration too', () => {
    const reach = (values: object) =>
      ofKind(
        render({ secret: { existing: 'keys' }, networkPolicy: { enabled: true, ...values } }),
        'NetworkPolicy',
      ).map(({ spec }) =>
        spec.egress.filter(({ ports }: { ports: { port: number }[] }) => ports.some(({ port }) => port === 443)),
      );
    const to = [{ ipBlock: { cidr: '192.0.2.0/24' } }];
    expect(reach({})).toEqual([[], []]);
    expect(reach({ alertingPorts: [443], alertingPeers: to })).toEqual(
      Array.from({ length: 2 }, () => [{ ports: [{ port: 443, protocol: 'TCP' }], to }]),
    );
  });

  test('helm test runs the doctor on what the entries need, as each of them reaches it', () => {
    const uri = (name: string) => ({ DATABASE_URL: { valueFrom: { secretKeyRef: { name, key: 'uri' } } } });
    const jobs = {
      'database-cleanup': { env: uri('cleanup') },
      'cleanup-of-the-archive': { job: 'database_cleanup', schedule: '@weekly', env: uri('cleanup') },
      'report-generator': { env: uri('report'), dryRun: true },
      mine: { schedule: '@daily', env: uri('report') },
      off: { schedule: '@daily', enabled: false },
    };
    const pods = ofKind(render({ jobs }), 'Pod');
    expect(
      pods.map(({ metadata, spec }) => [
        metadata.name,
        spec.containers[0].args,
        variable(spec.containers[0], 'DATABASE_URL')?.valueFrom,
      ]),
    ).toEqual([
      ['billing-run-job-doctor', ['doctor', '--jobs=database_cleanup'], uri('cleanup').DATABASE_URL.valueFrom],
      ['billing-run-job-doctor-mine', ['doctor', '--jobs=mine'], uri('report').DATABASE_URL.valueFrom],
      [
        'billing-run-job-doctor-report-generator',
        ['doctor', '--jobs=report_generator', '--dry-run'],
        uri('report').DATABASE_URL.valueFrom,
      ],
    ]);
    expect(only(render({ jobDefaults: { enabled: false } }), 'Pod').spec.containers[0].args).toEqual(['doctor']);
  });

  test('helm test runs the doctor with the settings and secrets of the jobs', () => {
    const pod = only(render({ secret: { existing: 'env' } }), 'Pod', 'doctor');
    expect(pod.metadata.annotations?.['helm.sh/hook']).toBe('test');
    expect(pod.spec.containers[0].args).toEqual(['doctor', '--jobs=database_cleanup,report_generator']);
    expect(pod.spec.containers[0].envFrom).toEqual([
      { configMapRef: { name: 'billing-run-job' } },
      { secretRef: { name: 'env' } },
    ]);
  });
});
