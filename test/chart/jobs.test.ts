// The chart's jobs are the jobs that ship.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseDuration } from '../../src/duration.ts';
import { noHelm, ofKind, render } from './support/chart.ts';

interface Listed {
  readonly name: string;
  readonly timeout?: string;
}

describe.skipIf(noHelm)("the chart's jobs", () => {
  const list = spawnSync(process.execPath, ['dist/run-job.js', 'list', '--json'], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH },
  });
  const shipped = JSON.parse(list.stdout || '[]') as Listed[];
  const scheduled = (noHelm ? [] : ofKind(render(), 'CronJob')).map(({ spec }) => {
    const [name, ...flags]: string[] = spec.jobTemplate.spec.template.spec.containers[0].args;
    return {
      name,
      schedule: spec.schedule,
      timeout: flags.find((flag) => flag.startsWith('--timeout='))?.slice('--timeout='.length) ?? '',
    };
  });

  test('are exactly the shipped jobs', () => {
    expect(list.stderr + list.status).toBe('0');
    expect(scheduled.map(({ name }) => name).sort()).toEqual(shipped.map(({ name }) => name).sort());
    expect(shipped.length).toBeGreaterThan(0);
  });

  test('have timeouts that agree with the jobs themselves', () => {
    for (const { name, timeout } of shipped) {
      const given = scheduled.find((job) => job.name === name)?.timeout ?? '';
      expect(parseDuration(given), name).toBe(parseDuration(timeout ?? '300s'));
    }
  });

  test('run when they should: the cleanup daily at two, the report on Mondays at eight', () => {
    const at = Object.fromEntries(scheduled.map(({ name, schedule }) => [name, schedule]));
    expect(at).toEqual({ database_cleanup: '0 2 * * *', report_generator: '0 8 * * 1' });
  });

  test('are of the version of the package', () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    const chart = readFileSync('helm/run-job/Chart.yaml', 'utf8');
    expect(/^version: (.*)$/m.exec(chart)?.[1]).toBe(version);
    expect(/^appVersion: (.*)$/m.exec(chart)?.[1]).toBe(version);
  });
});
