// Objects of a cluster as the API server gives them, for the slot of an hour in which something goes wrong.
import type { CronJob, Job } from 'kubernetes-types/batch/v1.d.ts';
import type { ContainerState, Event, Pod, PodStatus } from 'kubernetes-types/core/v1.d.ts';

export const NAMESPACE = 'jobs';
export const IMAGE = 'registry.example.com/run-job:1.4.0';

/** The slot, at which everything begins. */
export const SLOT = new Date('2026-11-20T03:00:00Z');

/** So many seconds after the slot. */
export const after = (seconds: number): string =>
  new Date(SLOT.getTime() + seconds * 1_000).toISOString().replace('.000Z', 'Z');

export const JOB_NAME = `orders-${SLOT.getTime() / 60_000}`;
export const POD_NAME = `${JOB_NAME}-x7k2p`;

export const cronJob = (
  spec: Partial<CronJob['spec']> = {},
  status: CronJob['status'] = { lastScheduleTime: after(0) },
): CronJob => ({
  apiVersion: 'batch/v1',
  kind: 'CronJob',
  metadata: {
    name: 'orders',
    namespace: NAMESPACE,
    uid: 'c',
    creationTimestamp: '2026-11-01T00:00:00Z',
    generation: 1,
  },
  spec: {
    schedule: '0 * * * *',
    timeZone: 'Etc/UTC',
    concurrencyPolicy: 'Forbid',
    startingDeadlineSeconds: 600,
    suspend: false,
    successfulJobsHistoryLimit: 3,
    failedJobsHistoryLimit: 1,
    jobTemplate: {
      spec: {
        template: {
          spec: {
            restartPolicy: 'Never',
            containers: [{ name: 'run-job', image: IMAGE, args: ['noop', '--as=orders'] }],
          },
        },
      },
    },
    ...spec,
  },
  status,
});

export const job = (
  status: Job['status'] = { active: 1, ready: 0, startTime: after(1) },
  spec: Partial<Job['spec']> = {},
): Job => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: {
    name: JOB_NAME,
    namespace: NAMESPACE,
    uid: 'j',
    creationTimestamp: after(1),
    annotations: { 'batch.kubernetes.io/cronjob-scheduled-timestamp': after(0) },
    ownerReferences: [
      { apiVersion: 'batch/v1', kind: 'CronJob', name: 'orders', uid: 'c', controller: true, blockOwnerDeletion: true },
    ],
  },
  spec: {
    backoffLimit: 2,
    suspend: false,
    template: { spec: { restartPolicy: 'Never', containers: [{ name: 'run-job', image: IMAGE }] } },
    ...spec,
  },
  status,
});

export const pod = (status: PodStatus): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: POD_NAME,
    namespace: NAMESPACE,
    uid: 'p',
    creationTimestamp: after(1),
    labels: { 'job-name': JOB_NAME, 'batch.kubernetes.io/job-name': JOB_NAME },
    ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: JOB_NAME, uid: 'j', controller: true }],
  },
  spec: {
    restartPolicy: 'Never',
    nodeName: status.phase === 'Pending' ? '' : 'node-1',
    containers: [
      { name: 'run-job', image: IMAGE, resources: { limits: { memory: '256Mi' }, requests: { memory: '256Mi' } } },
    ],
  },
  status,
});

/** A pod on a node whose container is in this state. */
export const podIn = (phase: string, state: ContainerState, more: Partial<PodStatus> = {}): Pod =>
  pod({
    phase,
    conditions: [{ type: 'PodScheduled', status: 'True', lastTransitionTime: after(2) }],
    containerStatuses: [{ name: 'run-job', image: IMAGE, imageID: '', ready: false, restartCount: 0, state }],
    ...more,
  });

export const event = (kind: 'CronJob' | 'Job' | 'Pod', reason: string, message: string, seconds = 3): Event => {
  const name = { CronJob: 'orders', Job: JOB_NAME, Pod: POD_NAME }[kind];
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${name}.${reason}.${seconds}`, namespace: NAMESPACE, creationTimestamp: after(seconds) },
    involvedObject: { kind, name, namespace: NAMESPACE, apiVersion: kind === 'Pod' ? 'v1' : 'batch/v1' },
    reason,
    message,
    type: /^Successful|JobAlreadyActive|Pulling/.test(reason) ? 'Normal' : 'Warning',
    count: 1,
    firstTimestamp: after(seconds),
    lastTimestamp: after(seconds),
    source: { component: kind === 'CronJob' ? 'cronjob-controller' : 'kubelet' },
  };
};
