// What is made from the chart is as it would be made now.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { generated } from '../../deploy/generate/index.ts';
import { jumpHours } from '../../deploy/generate/time-zones.ts';
import { run } from '../../deploy/tools/command.ts';
import { findClient } from '../../deploy/tools/helm.ts';
import { noHelm, objectsIn, podsOf } from './support/chart.ts';
import { typeErrors } from './support/kube-types.ts';
import { violations } from './support/pod-security.ts';

describe.skipIf(noHelm)('generated files', () => {
  const files = noHelm ? {} : generated();

  test.each(Object.keys(files))('%s is what npm run generate makes of the chart', (path) => {
    expect(readFileSync(path, 'utf8')).toBe(files[path]);
  });
});

describe.skipIf(!findClient('kubectl'))('the plain manifests', () => {
  test('build with kubectl, hold nothing of Helm, and are what a restricted namespace takes', () => {
    const { code, stdout, stderr } = run(findClient('kubectl') ?? '', ['kustomize', 'deploy/kubernetes']);
    expect(code, stderr).toBe(0);
    expect(stdout).not.toMatch(/helm/i);
    const objects = objectsIn(stdout);
    expect(objects.map(({ kind }) => kind).sort()).toEqual([
      'ConfigMap',
      'ConfigMap',
      'CronJob',
      'CronJob',
      'Job',
      'Namespace',
    ]);
    expect(typeErrors({ plain: objects })).toEqual([]);
    expect(podsOf(objects).flatMap(violations)).toEqual([]);
  });
});

describe('the list of time zones', () => {
  const lines = readFileSync('helm/run-job/files/time-zones.txt', 'utf8').trim().split('\n');
  const zones = new Map(lines.map((line) => [line.split(' ')[0] ?? '', line.split(' ').slice(1).map(Number)]));

  test('has every zone that this Node knows, and none that it does not', () => {
    expect(Intl.supportedValuesOf('timeZone').filter((zone) => !zones.has(zone))).toEqual([]);
    for (const zone of zones.keys())
      expect(() => new Intl.DateTimeFormat('en', { timeZone: zone }), zone).not.toThrow();
  });

  test.each([
    ['Etc/UTC', []],
    ['Asia/Kolkata', []],
    ['Europe/Berlin', [1, 2]],
    ['America/Havana', [0, 1, 2]],
  ])('knows the hours in which the clocks of %s jump', (zone, hours) => {
    expect(zones.get(zone)).toEqual(hours);
    expect(jumpHours(zone, 2026)).toEqual(hours);
  });
});
