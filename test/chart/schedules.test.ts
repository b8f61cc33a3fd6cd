// What the chart tells the database of its entries, and where H puts them.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseCron } from '../../src/schedule/cron.ts';
import { readSchedules } from '../../src/schedule/file.ts';
import {
  ciFiles,
  complaint,
  type KubeObject,
  NAMESPACE,
  noHelm,
  RELEASE,
  render,
  type Values,
} from './support/chart.ts';

/** With a database, so that there is a migration. */
const DATABASE = ['--set', 'secret.existing=env'];

const told = (objects: readonly KubeObject[]) => {
  const map = objects.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name.endsWith('-schedules'));
  return readSchedules(parse(map?.data['schedules.yaml'] as string));
};

const cronJobs = (objects: readonly KubeObject[]) => objects.filter(({ kind }) => kind === 'CronJob');

const lines = (values: Values, ...more: string[]) =>
  Object.fromEntries(
    cronJobs(render(values, ...more)).map(({ metadata, spec }) => [
      metadata.labels?.['app.kubernetes.io/component'],
      spec.schedule,
    ]),
  );

describe.skipIf(noHelm)('schedules', () => {
  test.each([undefined, ...ciFiles])('of %s can be applied, and say of each name what its CronJob says', (values) => {
    const objects = render(values, ...DATABASE, '--set', 'migration.enabled=true');
    const { source, schedules } = told(objects);
    expect(source).toBe(`${NAMESPACE}/${RELEASE}`);
    for (const schedule of schedules) {
      const cronJob = cronJobs(objects).find(({ metadata }) => metadata.name === schedule.cronJob);
      expect(cronJob?.spec).toMatchObject({ schedule: schedule.schedule, timeZone: schedule.timeZone });
      const { template, activeDeadlineSeconds } = cronJob?.spec.jobTemplate.spec ?? {};
      expect(template.spec.containers[0].args).toEqual(schedule.args?.map((arg) => arg.replaceAll('$', '$$$$')));
      expect(schedule.activeDeadlineSeconds).toBe(activeDeadlineSeconds);
      const env = Object.fromEntries(
        template.spec.containers[0].env.map(({ name, value }: Record<string, string>) => [name, value]),
      );
      expect(env).toMatchObject({ RUN_JOB_SCHEDULE: schedule.schedule, RUN_JOB_TIME_ZONE: schedule.timeZone });
      expect(env.RUN_JOB_CATCH_UP).toBe(schedule.catchUp === 'all' ? 'all' : undefined);
    }
  });

  test('the migration applies them out of a ConfigMap of its own, which is there before it', () => {
    const objects = render(undefined, ...DATABASE);
    const job = objects.find(({ kind }) => kind === 'Job');
    expect(job?.spec.template.spec.containers[0].args).toEqual(['migrate', '--schedules=/etc/run-job/schedules.yaml']);
    const map = objects.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name.endsWith('-schedules'));
    expect(map?.metadata.annotations).toMatchObject({
      'helm.sh/hook': 'pre-install,pre-upgrade',
      'helm.sh/hook-weight': '-10',
    });
    expect(job?.spec.template.spec.volumes).toContainEqual({
      name: 'run-job-schedules',
      configMap: { name: map?.metadata.name },
    });
  });

  test('what a file says of an entry is there as it was written', () => {
    const [cleanup] = told(render('helm/run-job/ci/schedules-values.yaml', ...DATABASE)).schedules;
    expect(cleanup).toMatchObject({
      name: 'database_cleanup',
      owner: 'platform',
      runbook: 'https://wiki.example.com/cleanup',
      tags: ['nightly', 'storage'],
      lateAfter: 1_800_000,
      pauseAfter: 5,
      blackouts: { timeZone: 'Europe/Berlin', weekly: [{ from: 'Fri 18:00', to: 'Mon 06:00' }] },
    });
  });

  test('a dry run, an entry with a database of its own, and the second of a name are not told of', () => {
    const objects = render(
      {
        jobs: {
          'database-cleanup': { dryRun: true },
          'report-generator': { env: { DATABASE_URL: { valueFrom: { secretKeyRef: { name: 'x', key: 'y' } } } } },
          one: { job: 'x', name: 'same', schedule: '0 1 * * *' },
          two: { job: 'x', name: 'same', schedule: '0 2 * * *' },
        },
      },
      ...DATABASE,
    );
    expect(told(objects).schedules.map(({ name, schedule }) => [name, schedule])).toEqual([['same', '0 1 * * *']]);
  });

  test('a line that the API server takes is one for the chart too', () => {
    const table = readFileSync('test/schedule/controller.json', 'utf8');
    const { verdicts } = JSON.parse(table) as { verdicts: readonly { line: string; taken: boolean }[] };
    // Without those of no ordinary white space, of numbers that no list has, and those that never start a Job.
    const taken = verdicts.filter(
      ({ line, taken }) => taken && /^[\t\n\r\x20-\x7e]+$/.test(line) && !/\d{10}|(^| ),( |$)/.test(line),
    );
    const jobs = Object.fromEntries(
      taken.map(({ line }, index) => [`job-${index}`, { job: 'x', schedule: line, name: `n${index}` }]),
    );
    const rendered = lines({ jobs });
    const values = (line: string) => ({ ...parseCron(line), line: undefined });
    for (const [index, { line }] of taken.entries()) expect(values(rendered[`job-${index}`])).toEqual(values(line));
    expect(taken.length).toBeGreaterThan(35);
  });

  test('H is one number for a release and a key, within its field or its range', () => {
    const jobs = Object.fromEntries(
      Array.from({ length: 60 }, (_, index) => [
        `job-${index}`,
        { job: 'x', schedule: 'H H(2-4) H * H', name: `n${index}` },
      ]),
    );
    const first = lines({ jobs });
    expect(lines({ jobs })).toEqual(first);
    const minutes = new Set<string>();
    for (const [key, line] of Object.entries<string>(first).filter(([name]) => name.startsWith('job-'))) {
      const [minute = '', hour = '', day] = line.split(' ');
      expect(parseCron(line).line, key).toBe(line);
      minutes.add(minute);
      expect(Number(hour)).toBeGreaterThanOrEqual(2);
      expect(Number(hour)).toBeLessThanOrEqual(4);
      expect(Number(day)).toBeLessThanOrEqual(28);
    }
    // Sixty balls in sixty places: some 38 of them are taken.
    expect(minutes.size).toBeGreaterThan(28);
    expect(lines({ jobs: { a: { job: 'x', schedule: 'H/15 * * * *' } } }).a).toMatch(/^\d{1,2}-59\/15 \* \* \* \*$/);
    expect(lines({ jobs: { a: { job: 'x', schedule: 'H(0-29)/10 * * * *' } } }).a).toMatch(/^\d-29\/10 \* \* \* \*$/);
  });

  test.each([
    ['H(30-10) * * * *', 'ends before it begins'],
    ['H(70-90) * * * *', "isn't within 0 and 59"],
    ['H(50-60) * * * *', "isn't within 0 and 59"],
    ['0 2 H(0-5) * *', "isn't within 1 and 31"],
    ['H/0 * * * *', 'the step of'],
    ['HH * * * *', "isn't a minute"],
  ])('%s is refused', (schedule, sentence) => {
    const said = complaint({ jobs: { a: { job: 'x', schedule } } });
    expect(said).toContain(sentence);
  });

  test('names that wait for each other in a circle are refused', () => {
    const after = (name: string) => [{ name }];
    const said = complaint({
      jobs: {
        a: { job: 'x', schedule: '0 1 * * *', after: after('b') },
        b: { job: 'x', schedule: '0 1 * * *', after: after('a') },
        c: { job: 'x', schedule: '0 1 * * *', after: after('a') },
      },
    });
    expect(said).toContain('a, b, c come after each other in a circle');
  });

  test('a job that catches up has time for it', () => {
    const deadline = (catchUp: string) =>
      cronJobs(
        render({ jobs: { a: { job: 'x', schedule: '0 1 * * *', catchUp, catchUpLimit: 4 } } }, ...DATABASE),
      ).find(({ metadata }) => metadata.name.endsWith('-a'))?.spec.jobTemplate.spec.activeDeadlineSeconds;
    expect(deadline('all')).toBeGreaterThan(4 * deadline('latest'));
  });
});
