// Entries that run a program: what the container is told to run, and how run-job gets into an image of its own.
import { describe, expect, test } from 'vitest';
import { complaint, type KubeObject, noHelm, ofKind, render } from './support/chart.ts';

const entry = (job: object) => ({ jobs: { 'db-backup': { schedule: '0 3 * * *', ...job } } });

function podOf(objects: KubeObject[]) {
  const cronJob = ofKind(objects, 'CronJob').find(({ metadata }) => metadata.name.endsWith('db-backup'));
  return cronJob?.spec.jobTemplate.spec.template.spec;
}

const IMAGE = { repository: 'registry.example.com/team/backup', tag: '1.4' };

describe.skipIf(noHelm)('an entry with a command', () => {
  test('is run by run-job exec under its name, with the flags of a run before the dashes', () => {
    const pod = podOf(
      render(
        entry({
          command: ['pg_dump', '-Fc'],
          args: ['--file=$HOME/x', 'orders'],
          timeout: '1h',
          dryRun: true,
          params: { a: 1 },
          exitCodes: { 24: 'succeeded', 3: 'unavailable' },
        }),
      ),
    );
    const { args, command, image, env } = pod.containers[0];
    expect(command).toBeUndefined();
    expect(image).toMatch(/^ghcr.io\/run-job\/run-job:/);
    expect(args[0]).toBe('exec');
    expect(args[1]).toBe('db_backup');
    const dashes = args.indexOf('--');
    expect(args.slice(2, dashes)).toEqual([
      '--timeout=1h',
      expect.stringMatching(/^--locked=/),
      '--dry-run',
      '--params={"a":1}',
      '--exit-code=24=succeeded',
      '--exit-code=3=unavailable',
    ]);
    expect(args.slice(dashes + 1)).toEqual(['pg_dump', '-Fc', '--file=$$HOME/x', 'orders']);
    // An older Node that the program may be would refuse it.
    expect(env.map(({ name }: { name: string }) => name)).not.toContain('NODE_OPTIONS');
  });

  test('in an image of its own finds run-job where it was copied', () => {
    const pod = podOf(render(entry({ command: ['pg_dump'], image: IMAGE })));
    expect(pod.initContainers).toBeUndefined();
    expect(pod.containers[0]).toMatchObject({
      image: 'registry.example.com/team/backup:1.4',
      command: ['/opt/run-job/tini', '--', '/opt/run-job/node', '/opt/run-job/dist/run-job.js'],
    });
  });

  test('has run-job injected by one value, and the migration isn’t touched by it', () => {
    const objects = render({
      ...entry({ command: ['pg_dump'], image: IMAGE }),
      jobDefaults: { runner: { inject: true } },
      jobs: {
        ...entry({ command: ['pg_dump'], image: IMAGE }).jobs,
        'database-cleanup': null,
        'report-generator': null,
      },
      secret: { existing: 'env' },
    });
    const pod = podOf(objects);
    expect(pod.initContainers[0]).toMatchObject({ name: 'run-job-inject', args: ['inject', '/run-job'] });
    expect(pod.volumes).toContainEqual({ name: 'run-job', emptyDir: { sizeLimit: '256Mi' } });
    expect(pod.containers[0].volumeMounts).toContainEqual({
      name: 'run-job',
      mountPath: '/opt/run-job',
      readOnly: true,
    });
    const migration = ofKind(objects, 'Job')[0]?.spec.template.spec;
    expect(migration.initContainers).toBeUndefined();
    expect(migration.containers[0].command).toBeUndefined();
  });

  test('keeps the injected folder and its container apart from what is the user’s', () => {
    const injected = { command: ['pg_dump'], image: IMAGE, runner: { inject: true } };
    expect(complaint(entry({ ...injected, initContainers: [{ name: 'run-job-inject', image: 'x' }] }))).toContain(
      "is named run-job-inject, which is the chart's own with runner.inject: give yours another name",
    );
    const volumes = [{ name: 'tools', emptyDir: {} }];
    const volumeMounts = [{ name: 'tools', mountPath: '/opt/run-job' }];
    expect(complaint(entry({ ...injected, volumes, volumeMounts }))).toContain('a volume is mounted at /opt/run-job');
    expect(complaint(entry({ command: ['pg_dump'], image: IMAGE, volumes, volumeMounts }))).toBe('');
  });

  test('has the tag that it names, whatever digest the defaults have; a digest beside it wins', () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    const jobDefaults = { image: { ...IMAGE, digest } };
    const imageOf = (image: object) =>
      podOf(render({ ...entry({ command: ['pg_dump'], image }), jobDefaults })).containers[0].image;
    expect(imageOf({ tag: '2' })).toBe('registry.example.com/team/backup:2');
    expect(imageOf({})).toBe(`registry.example.com/team/backup@${digest}`);
    const other = `sha256:${'b'.repeat(64)}`;
    expect(imageOf({ tag: '2', digest: other })).toBe(`registry.example.com/team/backup@${other}`);
  });

  test('refuses a credential among its arguments', () => {
    expect(complaint(entry({ command: ['pg_dump', 'postgres://app:hunter2@db/orders'] }))).toContain(
      'looks like a credential',
    );
  });
});
