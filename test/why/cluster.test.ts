// `run-job why` with a cluster: what Kubernetes shows of a slot that has no run, as real kubectl fetches it.
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { findClient } from '../../deploy/tools/helm.ts';
import { ownCluster } from '../../src/kubernetes/in-cluster.ts';
import { lookAt } from '../../src/kubernetes/look.ts';
import { schedule } from '../backfill/support.ts';
import { makeCertificates } from '../rabbitmq/certificates.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { type Ended, runToEnd } from '../support/run-job.ts';
import { type KubeApi, type Objects, startKubeApi } from './kube-api.ts';
import { after, cronJob, event, IMAGE, JOB_NAME, job, NAMESPACE, POD_NAME, pod, podIn, SLOT } from './objects.ts';

const KUBECTL = findClient('kubectl');

/** The environment in which kubectl finds this server. */
function reaching(api: KubeApi): Record<string, string> {
  const path = join(mkdtempSync(join(inject('scratchFolder'), 'kube-')), 'config');
  writeFileSync(
    path,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'test', cluster: { server: api.url } }],
      users: [{ name: 'test', user: { token: 'kubectl-token' } }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'test', namespace: NAMESPACE } }],
      'current-context': 'test',
    }),
  );
  return { KUBECONFIG: path, PATH: `${dirname(KUBECTL ?? '')}${delimiter}${process.env.PATH}`, HOME: dirname(path) };
}

async function why(database: TestDatabase, objects: Objects, args: readonly string[] = []): Promise<Ended> {
  await using api = await startKubeApi(objects);
  const ended = await runToEnd(['why', 'orders', '--at', SLOT.toISOString(), ...args], {
    database,
    env: reaching(api),
  });
  expect(ended.exitCode, ended.stderr).toBe(0);
  return ended;
}

const lineOf = ({ stdout }: Ended, head: string) => stdout.split('\n').find((line) => line.startsWith(head)) ?? '';

const UNSCHEDULABLE =
  '0/3 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, 2 Insufficient memory. preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod.';
const BACK_OFF = `Back-off pulling image "${IMAGE}": ErrImagePull: rpc error: code = NotFound desc = failed to pull and unpack image: not found`;
const QUOTA = `Error creating: pods "${JOB_NAME}-" is forbidden: exceeded quota: compute, requested: limits.memory=256Mi, used: limits.memory=1Gi, limited: limits.memory=1Gi`;

/** What a run that finds no database leaves. */
const SUMMARY = JSON.stringify({
  status: 'misconfigured',
  exitCode: 78,
  error: { name: 'ConfigError', message: 'DATABASE_URL must be a URL' },
});

const CASES: readonly { what: string; objects: Objects; because: string | RegExp; remedy: string; told?: string }[] = [
  {
    what: 'no node takes its pod',
    objects: {
      cronjobs: [cronJob()],
      jobs: [job()],
      pods: [
        pod({
          phase: 'Pending',
          conditions: [
            {
              type: 'PodScheduled',
              status: 'False',
              reason: 'Unschedulable',
              message: UNSCHEDULABLE,
              lastTransitionTime: after(1),
            },
          ],
        }),
      ],
      events: [
        event('CronJob', 'SuccessfulCreate', `Created job ${JOB_NAME}`, 1),
        event('Pod', 'FailedScheduling', UNSCHEDULABLE, 2),
      ],
    },
    because: `its pod ${POD_NAME} has no node: 0/3 nodes are available`,
    remedy: 'ask for less memory, or add a node that has it',
    told: `2026-11-20 03:00:02  Pod       ${POD_NAME}: FailedScheduling: 0/3 nodes`,
  },
  {
    what: 'its image can’t be had',
    objects: {
      cronjobs: [cronJob()],
      jobs: [job()],
      pods: [podIn('Pending', { waiting: { reason: 'ImagePullBackOff', message: BACK_OFF } })],
    },
    because: `can't get the image ${IMAGE} (ImagePullBackOff): Back-off pulling image`,
    remedy: 'pull secret',
  },
  {
    what: 'its Secret is missing',
    objects: {
      cronjobs: [cronJob()],
      jobs: [job()],
      pods: [
        podIn('Pending', {
          waiting: { reason: 'CreateContainerConfigError', message: 'secret "orders-db" not found' },
        }),
      ],
    },
    because: 'can\'t start its container (CreateContainerConfigError): secret "orders-db" not found',
    remedy: 'a Secret or a ConfigMap',
  },
  {
    what: 'its volume can’t be mounted',
    objects: {
      cronjobs: [cronJob()],
      jobs: [job()],
      pods: [podIn('Pending', { waiting: { reason: 'ContainerCreating' } })],
      events: [event('Pod', 'FailedMount', 'MountVolume.SetUp failed for volume "data"', 30)],
    },
    because: 'can\'t start: FailedMount: MountVolume.SetUp failed for volume "data"',
    remedy: 'tries again by itself',
  },
  {
    what: 'a quota keeps its Job from making a pod',
    objects: {
      cronjobs: [cronJob()],
      jobs: [job({ startTime: after(1) })],
      events: [event('Job', 'FailedCreate', QUOTA)],
    },
    because: 'may not make a pod: Error creating: pods',
    remedy: 'raise the quota of jobs',
  },
  {
    what: 'its Job was ended by a deadline',
    objects: {
      cronjobs: [cronJob()],
      jobs: [
        job({
          failed: 1,
          conditions: [
            {
              type: 'Failed',
              status: 'True',
              reason: 'DeadlineExceeded',
              message: 'Job was active longer than specified deadline',
              lastTransitionTime: after(900),
            },
          ],
        }),
      ],
    },
    because: `its Job ${JOB_NAME} failed and left no record: DeadlineExceeded: Job was active longer than specified deadline`,
    remedy: 'run-job backfill orders',
    told: `2026-11-20 03:15:00  Job       ${JOB_NAME}: Failed, DeadlineExceeded`,
  },
  {
    what: 'its pod was killed for memory before it said anything',
    objects: {
      cronjobs: [cronJob()],
      jobs: [job()],
      pods: [
        podIn('Failed', {
          terminated: { exitCode: 137, reason: 'OOMKilled', startedAt: after(3), finishedAt: after(4) },
        }),
      ],
    },
    because: 'the kernel killed it for memory (OOMKilled; its limit is 256Mi)',
    remedy: 'raise the memory limit',
    told: `2026-11-20 03:00:04  Pod       ${POD_NAME}: run-job ends with 137, OOMKilled`,
  },
  {
    what: 'its pod was evicted',
    objects: {
      cronjobs: [cronJob()],
      jobs: [job()],
      pods: [pod({ phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory. ' })],
    },
    because: 'which was evicted: The node was low on resource: memory.',
    remedy: 'give it requests that fit',
  },
  {
    what: 'its node was drained',
    objects: {
      cronjobs: [cronJob()],
      jobs: [job()],
      pods: [
        podIn(
          'Failed',
          { terminated: { exitCode: 143, reason: 'Error', finishedAt: after(9) } },
          {
            conditions: [
              {
                type: 'DisruptionTarget',
                status: 'True',
                reason: 'EvictionByEvictionAPI',
                message: 'Eviction API: evicting',
                lastTransitionTime: after(8),
              },
            ],
          },
        ),
      ],
    },
    because: 'which Kubernetes took away (EvictionByEvictionAPI): Eviction API: evicting',
    remedy: 'run-job backfill orders',
  },
  {
    what: 'its run was misconfigured, and could record nothing',
    objects: {
      cronjobs: [cronJob()],
      jobs: [job()],
      pods: [
        podIn('Failed', { terminated: { exitCode: 78, reason: 'Error', message: SUMMARY, finishedAt: after(4) } }),
      ],
    },
    because: 'run-job ended with 78: misconfigured, DATABASE_URL must be a URL',
    remedy: `kubectl logs ${POD_NAME}`,
  },
  {
    what: 'it was done with another database',
    objects: {
      cronjobs: [cronJob()],
      jobs: [job({ succeeded: 1 })],
      pods: [podIn('Succeeded', { terminated: { exitCode: 0, reason: 'Completed', finishedAt: after(4) } })],
    },
    because: 'ended with 0 and left no record here',
    remedy: 'compare the DATABASE_URL',
  },
  {
    what: 'its pod runs, and waits',
    objects: { cronjobs: [cronJob()], jobs: [job()], pods: [podIn('Running', { running: { startedAt: after(3) } })] },
    because:
      /runs since 2026-11-20T03:00:03Z, and has no record yet: it comes after extract of 2026-11-20T03:00:00.000Z, which is missed/,
    remedy: `kubectl logs ${POD_NAME} says what it waits for`,
  },
  {
    what: 'its CronJob is suspended',
    objects: { cronjobs: [cronJob({ suspend: true }, {})] },
    because: "the CronJob jobs/orders is suspended (spec.suspend), although its schedule isn't",
    remedy: `kubectl patch cronjob orders --namespace jobs --patch '{"spec":{"suspend":false}}', then run-job backfill orders`,
  },
  {
    what: 'the Job before was still active',
    objects: {
      cronjobs: [cronJob({}, { lastScheduleTime: after(-3_600), active: [{ name: 'orders-1' }] })],
      events: [
        event(
          'CronJob',
          'JobAlreadyActive',
          'Not starting job because prior execution is running and concurrency policy is Forbid',
          1,
        ),
      ],
    },
    because: 'its Job before was still active (concurrencyPolicy Forbid)',
    remedy: 'let the slots be further apart',
  },
  {
    what: 'the controller came too late',
    objects: {
      cronjobs: [cronJob({}, { lastScheduleTime: after(-3_600) })],
      events: [
        event('CronJob', 'MissSchedule', 'Missed scheduled time to start a job: Fri, 20 Nov 2026 03:00:00 +0000', 700),
      ],
    },
    because: 'came to it too late for its startingDeadlineSeconds of 10m',
    remedy: 'raise startingDeadlineSeconds',
  },
  {
    what: 'the controller may make no Job',
    objects: {
      cronjobs: [cronJob({}, { lastScheduleTime: after(-3_600) })],
      events: [
        event('CronJob', 'FailedCreate', 'Error creating job: jobs.batch is forbidden: exceeded quota: counts', 1),
      ],
    },
    because: 'could not start it: Error creating job: jobs.batch is forbidden',
    remedy: 'mend what refuses the Job',
  },
  {
    what: 'the controller does nothing',
    objects: { cronjobs: [cronJob({}, { lastScheduleTime: after(-7_200) })] },
    because: 'the controller has started nothing of the CronJob jobs/orders since 2026-11-20T01:00:00.000Z',
    remedy: 'kube-controller-manager',
  },
  {
    what: 'its Job is gone',
    objects: { cronjobs: [cronJob()] },
    because: 'Kubernetes started it, and its Job is gone without a record',
    remedy: 'run-job backfill orders',
  },
  {
    what: 'its CronJob has other times',
    objects: { cronjobs: [cronJob({ schedule: '30 * * * *' })] },
    because: 'runs at other times than its schedule says: "30 * * * *" in place of "0 * * * *"',
    remedy: 'run-job schedules apply',
  },
  {
    what: 'there is no CronJob',
    objects: {},
    because: 'there is no CronJob jobs/orders',
    remedy: 'deploy it, or retire its schedule',
  },
];

describe.skipIf(KUBECTL === undefined)('as kubectl sees it', () => {
  test.concurrent.for(CASES)('$what', async ({ objects, because, remedy, told }) => {
    await using database = await createDatabase();
    await schedule(database, 'extract');
    await schedule(database, 'orders', { cronJob: 'orders', after: [{ name: 'extract', slot: 'same' }] });
    const ended = await why(database, objects);
    expect(ended.stdout).toContain('orders, slot 2026-11-20 03:00:00 UTC, missed');
    expect(ended.stdout).toContain('Cluster: seen by kubectl');
    if (typeof because === 'string') expect(lineOf(ended, 'Why: ')).toContain(because);
    else expect(lineOf(ended, 'Why: ')).toMatch(because);
    expect(lineOf(ended, 'Do: ')).toContain(remedy);
    if (told) expect(ended.stdout).toContain(told);
    const times = ended.stdout.split('\n').flatMap((line) => /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/.exec(line) ?? []);
    expect(times).toEqual([...times].sort());
  });

  test('a run that died is explained by its pod', async () => {
    await using database = await createDatabase();
    await schedule(database, 'orders', { cronJob: 'orders' });
    await database.query(
      `insert into run_job.runs (id, job, name, scheduled_at, shard_index, shard_count, status, exit_code, started_at, ended_at, deadline, dry_run, forced, version, host, pid, lock_key, job_name, pod_name, namespace)
       values (gen_random_uuid(), 'noop', 'orders', $1, 0, 1, 'lost', 137, $2, $3, $3, false, false, '1', 'h', 1, 1, $4, $5, 'jobs')`,
      [SLOT, after(5), after(60), JOB_NAME, POD_NAME],
    );
    const oom = await why(database, {
      cronjobs: [cronJob()],
      jobs: [job()],
      pods: [podIn('Failed', { terminated: { exitCode: 137, reason: 'OOMKilled', finishedAt: after(40) } })],
    });
    expect(lineOf(oom, 'Why: ')).toMatch(
      /run [0-9a-f-]{36} died with its pod orders-\d+-x7k2p: the kernel killed it for memory/,
    );
    const gone = await why(database, { cronjobs: [cronJob()] });
    expect(lineOf(gone, 'Why: ')).toContain('died without a word');
    expect(lineOf(gone, 'Do: ')).toContain(`kubectl describe pod ${POD_NAME}`);
  });

  test('what may not be seen is said, and the rest is told', async () => {
    await using database = await createDatabase();
    await schedule(database, 'orders', { cronJob: 'orders' });
    const some = await why(database, { cronjobs: [cronJob({ suspend: true })], forbidden: ['events', 'pods'] });
    expect(lineOf(some, 'Not seen: events')).toContain('cannot list resource "events"');
    expect(some.stdout).toContain('Not seen: pods: ');
    expect(lineOf(some, 'Why: ')).toContain('is suspended');
    const none = await why(database, { forbidden: ['cronjobs'] });
    expect(lineOf(none, 'Not seen: ')).toContain('Not seen: CronJob, Job, Pod and their events: kubectl get --raw');
    expect(lineOf(none, 'Why: ')).toContain('what the cluster knows could not be seen');
  });

  test('a CronJob that nobody has told of is found by what it runs', async () => {
    await using database = await createDatabase();
    await schedule(database, 'orders');
    const found = await why(database, { cronjobs: [cronJob({ suspend: true })] });
    expect(lineOf(found, 'Why: ')).toContain('the CronJob jobs/orders is suspended');
    const other = await why(database, { cronjobs: [] });
    expect(other.stdout).toContain('Not seen: CronJob: none of jobs is known to run orders');
  });

  test('as JSON it says the same', async () => {
    await using database = await createDatabase();
    await schedule(database, 'orders', { cronJob: 'orders' });
    const { stdout } = await why(database, { cronjobs: [cronJob({ suspend: true })] }, ['--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      name: 'orders',
      slot: { at: SLOT.toISOString(), state: 'missed' },
      because: expect.stringContaining('is suspended'),
      remedy: expect.stringContaining('kubectl patch cronjob'),
      seenBy: 'kubectl',
      timeline: expect.arrayContaining([expect.objectContaining({ of: 'schedule', text: 'the slot' })]),
    });
  });
});

test('inside of a cluster the service account’s token is enough', async () => {
  using certificates = makeCertificates();
  const [cert, key, ca] = [certificates.server.cert, certificates.server.key, certificates.ca].map((path) =>
    readFileSync(path, 'utf8'),
  );
  const tls = { cert: cert ?? '', key: key ?? '' };
  const folder = mkdtempSync(join(inject('scratchFolder'), 'account-'));
  await using api = await startKubeApi({ cronjobs: [cronJob()], forbidden: ['events'] }, tls);
  const env = { KUBERNETES_SERVICE_HOST: 'localhost', KUBERNETES_SERVICE_PORT: String(api.port) };
  expect(ownCluster(env, folder)).toBeUndefined();
  for (const [file, text] of [
    ['token', 's3cr3t-token\n'],
    ['ca.crt', ca ?? ''],
    ['namespace', NAMESPACE],
  ] as const)
    writeFileSync(join(folder, file), text);
  expect(ownCluster({}, folder)).toBeUndefined();
  const cluster = ownCluster(env, folder);
  if (!cluster) throw new Error('There is a cluster.');
  const view = await lookAt(cluster, { name: 'orders', job: 'noop', cronJob: 'orders', slot: SLOT, jobs: [] });
  expect(view).toMatchObject({ namespace: NAMESPACE, cronJob: { metadata: { name: 'orders' } }, jobs: [], pods: [] });
  expect(view.unseen).toEqual([
    expect.stringMatching(/^events: the service account's token at localhost:\d+: HTTP 403, events is forbidden/),
  ]);
  expect(JSON.stringify(view)).not.toContain('s3cr3t');
  expect(api.asked.every(({ token }) => token === 's3cr3t-token')).toBe(true);
  writeFileSync(join(folder, 'ca.crt'), '');
  const untrusted = ownCluster(env, folder);
  await expect(untrusted?.get('/version')).rejects.toThrow(/certificate/);
});
