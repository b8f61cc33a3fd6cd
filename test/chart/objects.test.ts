// Every object that the chart can render is one that a real cluster takes, Pod Security `restricted` included.
import { globSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { refusals } from './support/api-server.ts';
import {
  CHART,
  ciFiles,
  helm,
  type KubeObject,
  lint,
  noHelm,
  objectsIn,
  ofKind,
  podsOf,
  render,
  SHIPPED,
} from './support/chart.ts';
import { typeErrors } from './support/kube-types.ts';
import { violations } from './support/pod-security.ts';

const cases = noHelm ? {} : Object.fromEntries(ciFiles.map((file) => [file, render(file)]));

/** Values that are each fine and may only be wrong together. */
const combinations: Record<string, object> = {
  'everything on': {
    secret: {
      existing: 'env',
      refs: { AMQP_URL: { name: 'mq', key: 'url' } },
      values: { DATABASE_URL: 'postgres://db/app' },
    },
    serviceAccount: { create: true },
    networkPolicy: { enabled: true },
    prometheusRule: { enabled: true },
    grafanaDashboard: { enabled: true },
    notifications: { enabled: true },
    jobDefaults: { shards: 10, locked: 'wait' },
  },
  'everything off': {
    config: { LOG_LEVEL: null },
    jobs: { 'database-cleanup': null, 'report-generator': { enabled: false } },
    migration: { enabled: false },
    test: { enabled: false },
  },
  'the longest names': {
    fullnameOverride: 'f'.repeat(63),
    jobs: { ['j'.repeat(63)]: { schedule: '@yearly', shards: 1000 }, ['k'.repeat(63)]: { schedule: '@monthly' } },
  },
  'a tag that looks like a number': { image: { tag: '20261101' } },
};

describe.skipIf(noHelm)('every rendered object', () => {
  test.each(ciFiles)('passes helm lint --strict with %s', (file) => {
    const { code, stdout, stderr } = lint(file);
    expect(stdout + stderr, stdout).not.toMatch(/\[(ERROR|WARNING)\]/);
    expect(code, stdout + stderr).toBe(0);
  });

  const all: Record<string, KubeObject[]> = { ...cases };
  for (const file of noHelm ? [] : globSync('examples/*/values.yaml')) all[file] = render(file);
  for (const [title, values] of Object.entries(noHelm ? {} : combinations)) all[title] = render(values);

  test('has only fields that Kubernetes knows, of the right types, in 1.29 and in a current version', () => {
    expect(typeErrors(all)).toEqual([]);
  });

  test('would not pass with an unknown field, a missing one or one in the wrong place', () => {
    const broken = structuredClone(Object.values(cases).flat())
      .filter(({ kind }) => kind === 'CronJob')
      .slice(0, 3);
    const [unknown, missing, misplaced] = broken;
    if (!unknown || !missing || !misplaced) throw new Error('too few CronJobs');
    unknown.spec.jobTemplate.spec.template.spec.containers[0].securityContext.runAsNonroot = true;
    delete missing.spec.jobTemplate.spec.template.spec.containers;
    misplaced.spec.jobTemplate.spec.startingDeadlineSeconds = 60;
    const errors = typeErrors({ unknown: [unknown], missing: [missing], misplaced: [misplaced] }).join('\n');
    expect(errors).toMatch(/unknown\.oldest.*runAsNonroot/);
    expect(errors).toMatch(/unknown\.newest.*runAsNonroot/);
    expect(errors).toMatch(/missing\.newest.*containers/);
    expect(errors).toMatch(/misplaced\.oldest.*startingDeadlineSeconds/);
  });

  test.each(Object.keys(all))('breaks no rule of the API server (%s)', (title) => {
    expect((all[title] ?? []).flatMap(refusals)).toEqual([]);
  });

  test.each(Object.keys(all))('is admitted where Pod Security is restricted (%s)', (title) => {
    expect(podsOf(all[title] ?? []).flatMap(violations)).toEqual([]);
  });

  test.each(Object.keys(all))('has a name of its own in the namespace of the release (%s)', (title) => {
    const objects = (all[title] ?? []).filter(({ metadata }) => metadata.name !== 'extra');
    const ids = objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { kind, metadata } of objects) {
      if (!/templated|extra/.test(metadata.name)) expect(metadata.namespace, `${kind}/${metadata.name}`).toBe('jobs');
    }
  });

  test('is rendered the same each time, and hooks into nothing that Argo CD has no phase for', () => {
    const text = () =>
      helm('template', 'billing', CHART, '-f', `${CHART}/ci/observability-values.yaml`, '--set', 'secret.existing=env')
        .stdout;
    expect(text()).toBe(text());
    const hooks = Object.values(all)
      .flat()
      .map(({ metadata }) => metadata.annotations?.['helm.sh/hook'])
      .filter((hook) => hook !== undefined);
    expect(new Set(hooks)).toEqual(new Set(['pre-install,pre-upgrade', 'test']));
  });

  test("a release's name with a dot leaves names that an Indexed Job's pods can have as host names", () => {
    const { stdout } = helm('template', 'billing.v2', CHART, '-f', SHIPPED, '--set', 'jobs.database-cleanup.shards=3');
    const names = ofKind(objectsIn(stdout), 'CronJob').map(({ metadata }) => metadata.name);
    expect(names).toEqual(['billing-v2-run-job-database-cleanup', 'billing-v2-run-job-report-generator']);
  });

  // YAML reads each of these as something else than text.
  test.each(['123', '7', '1e3', '0x10', 'true', 'null', '2026-11-26'])('a name such as %s stays a name', (name) => {
    const { stdout, stderr } = helm(
      ...['template', name, CHART, '-n', name, '-f', `${CHART}/ci/observability-values.yaml`],
      ...['-f', `${CHART}/ci/network-values.yaml`, '-f', `${CHART}/ci/console-values.yaml`],
      ...['--set-string', `fullnameOverride=${name},nameOverride=${name},serviceAccount.name=${name}`],
      ...['--set', 'serviceAccount.create=true', '--set', `jobs.${name}.schedule=@daily`],
    );
    const objects = objectsIn(stdout);
    expect(objects.length, stderr).toBeGreaterThan(10);
    expect(objects.flatMap(refusals)).toEqual([]);
    expect(typeErrors({ [`name ${name}`]: objects })).toEqual([]);
    const own = objects.filter(({ metadata }) => !/extra|templated/.test(metadata.name));
    expect(new Set(own.map(({ metadata }) => metadata.labels?.['app.kubernetes.io/instance']))).toEqual(
      new Set([name]),
    );
  });

  test('two jobs whose names are cut stay two', () => {
    const jobs = { [`${'a'.repeat(60)}-1`]: { schedule: '@daily' }, [`${'a'.repeat(60)}-2`]: { schedule: '@daily' } };
    const names = ofKind(render({ jobs }), 'CronJob').map(({ metadata }) => metadata.name);
    expect(new Set(names).size).toBe(4);
    for (const name of names) expect(name.length).toBeLessThanOrEqual(52);
  });
});

describe('the stand-in for the API server', () => {
  const cronJob = (spec: object, name = 'c'): KubeObject => ({
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name },
    spec: {
      schedule: '@daily',
      timeZone: 'Etc/UTC',
      jobTemplate: {
        spec: {
          podFailurePolicy: {
            rules: [{ action: 'FailJob', onExitCodes: { containerName: 'a', operator: 'In', values: [64] } }],
          },
          template: {
            spec: { restartPolicy: 'Never', terminationGracePeriodSeconds: 1, containers: [{ name: 'a', image: 'i' }] },
          },
          ...spec,
        },
      },
    },
  });
  const rules = (rule: object) => ({ podFailurePolicy: { rules: [rule] } });

  test.each<[string, object, string?]>([
    ['no more than 52 characters', {}, 'n'.repeat(53)],
    [
      'must not be 0',
      rules({ action: 'FailJob', onExitCodes: { containerName: 'a', operator: 'In', values: [0, 1] } }),
    ],
    [
      'must be ordered',
      rules({ action: 'FailJob', onExitCodes: { containerName: 'a', operator: 'In', values: [65, 64] } }),
    ],
    [
      'must be ordered',
      rules({ action: 'FailJob', onExitCodes: { containerName: 'a', operator: 'In', values: [64, 64] } }),
    ],
    [
      "isn't a container",
      rules({ action: 'FailJob', onExitCodes: { containerName: 'b', operator: 'In', values: [64] } }),
    ],
    ["isn't a condition", rules({ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] })],
    ['only Failed', { podReplacementPolicy: 'TerminatingOrFailed' }],
    ['requires indexed', { backoffLimitPerIndex: 1 }],
    ['host names', { completionMode: 'Indexed', completions: 11 }, 'n'.repeat(50)],
    [
      '"Never" is supported',
      {
        template: {
          spec: {
            restartPolicy: 'OnFailure',
            terminationGracePeriodSeconds: 1,
            containers: [{ name: 'a', image: 'i' }],
          },
        },
      },
    ],
    [
      'Not found',
      {
        template: {
          spec: {
            restartPolicy: 'Never',
            terminationGracePeriodSeconds: 1,
            containers: [{ name: 'a', image: 'i', volumeMounts: [{ name: 'v', mountPath: '/v' }] }],
          },
        },
      },
    ],
  ])('says %s', (message, spec, name) => {
    expect(refusals(cronJob({})).join()).toBe('');
    expect(refusals(cronJob(spec, name)).join('\n')).toContain(message);
  });

  test('sees what breaks Pod Security restricted', () => {
    const object = cronJob({});
    const [pod] = podsOf([object]);
    expect(pod && violations(pod).length).toBeGreaterThanOrEqual(4);
  });
});
