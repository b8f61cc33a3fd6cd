// `run-job backfill --emit=job`: one Indexed Job that the API server takes, and whose pods each do their own slot.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { refusals } from '../chart/support/api-server.ts';
import { type KubeObject, noHelm, only, render } from '../chart/support/chart.ts';
import { typeErrors } from '../chart/support/kube-types.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { runToEnd } from '../support/run-job.ts';
import { backfill, ends, hour, schedule } from './support.ts';

interface Variable {
  readonly name: string;
  readonly value?: string;
}

/** The CronJob that the chart makes of an entry. */
function cronJobFile(database: TestDatabase, values: object): string {
  const path = join(inject('scratchFolder'), `${database.name}-cronjob.json`);
  const cronJob = only(
    render({ jobs: { hourly: { job: 'fills_slots', schedule: '0 * * * *', ...values } } }),
    'CronJob',
    'hourly',
  );
  writeFileSync(path, JSON.stringify({ ...cronJob, metadata: { ...cronJob.metadata, uid: 'cron-uid' } }));
  return path;
}

// biome-ignore lint/suspicious/noExplicitAny: what it is comes out of the test
type Job = any;

const container = (job: Job) =>
  job.spec.template.spec.containers.find(({ name }: { name: string }) => name === 'run-job');

/** What a pod of this index would be started with, of what we ourselves read. */
function podOf(job: Job, index: number) {
  const env: Variable[] = container(job).env;
  const own = env.filter(({ name, value }) => name.startsWith('RUN_JOB_S') && value !== undefined);
  return {
    args: container(job).args as string[],
    env: { ...Object.fromEntries(own.map(({ name, value }) => [name, value])), JOB_COMPLETION_INDEX: String(index) },
  };
}

describe.skipIf(noHelm)('with a CronJob of the chart', () => {
  test('each index is a slot; a failure ends its own index, and nothing else', async () => {
    await using database = await createDatabase();
    await schedule(database, 'hourly', { job: 'fills_slots', params: { failing: [hour(3)] } });
    await runToEnd(['fills_slots', '--as=hourly', '--scheduled-at', hour(2)], { database });
    const path = cronJobFile(database, { activeDeadlineSeconds: 1_000 });
    const { exitCode, stdout, stderr } = await backfill(
      database,
      'hourly',
      [1, 4],
      ['--emit=job', `--cronjob=${path}`, '--newest-first', '--parallel=2'],
    );
    expect(exitCode, stderr).toBe(0);
    const job: Job = JSON.parse(stdout);
    expect(refusals(job as KubeObject)).toEqual([]);
    expect(typeErrors({ backfill: [job as KubeObject] })).toEqual([]);
    expect(job.metadata.name).toMatch(/^billing-run-job-hourly-backfill-[0-9a-f]{6}$/);
    expect(job.metadata.ownerReferences).toMatchObject([{ kind: 'CronJob', uid: 'cron-uid', controller: true }]);
    expect(job.spec).toMatchObject({
      completionMode: 'Indexed',
      completions: 3,
      parallelism: 2,
      activeDeadlineSeconds: 2_000,
    });
    expect(Object.keys(job.spec)).not.toContain('backoffLimit');
    expect(job.spec.podFailurePolicy.rules).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ action: 'FailIndex', onExitCodes: expect.objectContaining({ values: [65, 79] }) }),
        expect.objectContaining({ action: 'FailJob', onExitCodes: expect.objectContaining({ values: [64, 78] }) }),
      ]),
    );
    for (const index of [0, 1, 2]) {
      const { args, env } = podOf(job, index);
      const ended = await runToEnd(args, { database, env });
      expect(ended.summary, ended.stdout).toMatchObject({ name: 'hourly', scheduledAt: hour([4, 3, 1][index] ?? 0) });
    }
    expect(await ends(database, 'hourly')).toEqual(['1 succeeded', '2 succeeded', '3 failed', '4 succeeded']);
    const { args, env } = podOf(job, 3);
    const beyond = await runToEnd(args, { database, env });
    expect(beyond.summary).toMatchObject({ status: 'misconfigured', exitCode: 78 });
    expect(beyond.summary.error?.message).toContain('JOB_COMPLETION_INDEX must be below 3');
  });

  test('of a sharded schedule each index is a part of a slot', async () => {
    await using database = await createDatabase();
    await schedule(database, 'hourly', { job: 'fills_slots', shards: 3 });
    const path = cronJobFile(database, { shards: 3 });
    const { stdout } = await backfill(database, 'hourly', [1, 2], ['--emit=job', `--cronjob=${path}`]);
    const job: Job = JSON.parse(stdout);
    expect(refusals(job as KubeObject)).toEqual([]);
    expect(job.spec).toMatchObject({ completions: 6, parallelism: 1 });
    for (const index of [0, 1, 2, 5]) await runToEnd(podOf(job, index).args, { database, env: podOf(job, index).env });
    expect(await ends(database, 'hourly')).toEqual(['1', '1.1', '1.2', '2.2'].map((at) => `${at} succeeded`));
  });

  test('a CronJob that was written by hand: pods that restart, a name with dots, a command of its own', async () => {
    await using database = await createDatabase();
    await schedule(database, 'hourly', { job: 'fills_slots' });
    const path = join(inject('scratchFolder'), `${database.name}-own.json`);
    const template = {
      spec: { restartPolicy: 'OnFailure', containers: [{ name: 'x', image: 'x', command: ['run-job', 'y'] }] },
    };
    const name = `fills.slots.${'long.'.repeat(8)}`.slice(0, 52);
    writeFileSync(
      path,
      JSON.stringify({
        kind: 'CronJob',
        metadata: { name, uid: 'cron-uid' },
        spec: { schedule: '0 * * * *', jobTemplate: { spec: { template } } },
      }),
    );
    const { stdout } = await backfill(database, 'hourly', [1, 2], ['--emit=job', `--cronjob=${path}`]);
    const job: Job = JSON.parse(stdout);
    // Of the pods that the chart makes these lack a grace period, which the server fills in.
    expect(refusals(job as KubeObject).filter((refusal) => !refusal.includes('terminationGracePeriod'))).toEqual([]);
    expect(typeErrors({ own: [job as KubeObject] })).toEqual([]);
    // A pod's host is named after the Job and its index, without dots.
    expect(`${job.metadata.name}-1`).toMatch(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
    expect(job.spec.template.spec.containers[0]).toMatchObject({
      command: ['run-job'],
      args: ['fills_slots', '--as=hourly', '--locked=wait'],
    });
  });

  test('what one Job can’t do is refused', async () => {
    await using database = await createDatabase();
    await schedule(database, 'hourly', { job: 'fills_slots', to: '2026-11-20T02:30:00Z' });
    await schedule(database, 'hourly', { job: 'noop', from: '2026-11-20T02:30:00Z' });
    const path = cronJobFile(database, {});
    for (const [span, args, sentence] of [
      [[1, 4], [`--cronjob=${path}`], 'runs something else from 2026-11-20T02:30:00.000Z on'],
      [[1, 2], [], 'no CronJob of hourly is known'],
      [[1, 2], ['--cronjob=/nowhere'], "--cronjob /nowhere can't be read: ENOENT"],
      [[1, 2], [`--cronjob=${path}`, '--from=2026-01-01', '--current-schedule'], 'one Job holds 5000 slots at most'],
    ] as const) {
      const ended = await backfill(database, 'hourly', span, ['--emit=job', ...args]);
      expect(ended).toMatchObject({ exitCode: 64, stdout: '' });
      expect(ended.stderr).toContain(sentence);
    }
    await schedule(database, 'wide', { job: 'fills_slots', shards: 50_000 });
    const wide = await backfill(database, 'wide', [1, 3], ['--emit=job', `--cronjob=${path}`]);
    expect(wide.stderr).toContain('one Job has 100000 indexes at most, and 3 slots of 50000 parts are 150000');
    const nothing = await backfill(database, 'hourly', [1, 1], ['--emit=job', '--only=failed', `--cronjob=${path}`]);
    expect(nothing.stderr).toContain('has no slot to run');
  });
});
