// What helm says after an install: what to type next, with this release's names, and what to beware of.
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { NONE, noHelm, notes, ofKind, render } from './support/chart.ts';

const DST = 'clocks of';
const text = (values?: object) => notes(values).replaceAll(/\s+/g, ' ');
const at = (schedule: string, timeZone: string) => text({ jobs: { 'database-cleanup': { schedule, timeZone } } });

describe.skipIf(noHelm)('the notes', () => {
  test("name this release's objects in commands that can be pasted", () => {
    const shown = text();
    expect(shown).toContain('helm test billing -n jobs --logs');
    expect(shown).toContain('job=database-cleanup-now-$(date +%s)');
    expect(shown).toContain('kubectl -n jobs create job $job --from=cronjob/billing-run-job-database-cleanup');
    // The log can't be followed before the container runs.
    expect(shown).toContain('until kubectl -n jobs logs -f job/$job 2>/dev/null; do sleep 1; done');
    expect(shown).toContain('billing-run-job-report-generator: report_generator at "0 8 * * 1" Etc/UTC');
    expect(shown).toContain(`patch cronjob billing-run-job-database-cleanup -p '{"spec":{"suspend":true}}'`);
  });

  test('give a Job a name that fits and is new each time, however long the key is', () => {
    const shown = text({
      jobDefaults: { enabled: false },
      jobs: { ['k'.repeat(63)]: { schedule: '@daily', enabled: true } },
    });
    const [, start = ''] = /job=(\S+)-\$\(date \+%s\)/.exec(shown) ?? [];
    expect(`${start}-${Math.floor(Date.now() / 1000)}-999`.length).toBeLessThanOrEqual(63);
  });

  test('name what runs are known by, where that is not the job', () => {
    expect(text({ jobs: { acme: { schedule: '@daily', job: 'database_cleanup' } } })).toContain(
      'billing-run-job-acme: database_cleanup at "@daily" Etc/UTC as acme',
    );
  });

  const many = (count: number, more: (index: number) => object) => ({
    jobs: Object.fromEntries(
      Array.from({ length: count }, (_, index) => [
        `j${index}`,
        { job: 'mine', schedule: '0 3 * * *', ...more(index) },
      ]),
    ),
  });

  test.each<[string, object, string]>([
    ['eleven entries in one minute', many(11, () => ({})), '11 pods start at 03:00 Etc/UTC, and 10 runs'],
    [
      'entries whose minutes meet now and then',
      many(12, (i) => ({ schedule: i < 6 ? '*/15 * * * *' : '30 4 * * *' })),
      '12 pods start at 04:30',
    ],
    ['shards, which take a place each', many(3, () => ({ shards: 8, parallelism: 4 })), '12 pods start at 03:00'],
    [
      'fewer places',
      { ...many(3, () => ({})), config: { WORKER_MAX_CONCURRENT_JOBS: 2 } },
      '3 pods start at 03:00 Etc/UTC, and 2 runs',
    ],
    [
      'days of the month, which may meet any weekday',
      many(11, (i) => ({ schedule: i % 2 ? '0 3 1 * *' : '0 3 * * 1' })),
      '11 pods start',
    ],
  ])('warn of %s', (_, values, message) => {
    expect(text(values)).toContain(message);
    expect(text(values)).toContain('Spread their minutes');
  });

  test.each<[string, object]>([
    ['ten entries', many(10, () => ({}))],
    ['other minutes', many(20, (i) => ({ schedule: `${i} 3 * * *` }))],
    ['other weekdays', many(14, (i) => ({ schedule: `0 3 * * ${i % 7}` }))],
    ['suspended ones', many(14, (i) => ({ suspend: i > 8 }))],
  ])('do not warn of %s', (_, values) => {
    expect(text(values)).not.toContain('pods start');
  });

  test('say how to give it a Secret, until it has one', () => {
    expect(text()).toContain('WARNING: no Secret gives a DATABASE_URL');
    expect(text({ secret: { refs: { AMQP_URL: { name: 'mq', key: 'url' } } } })).toContain(
      'no Secret gives a DATABASE_URL',
    );
    expect(text({ secret: { existing: 'env' } })).not.toContain('WARNING');
    expect(text({ secret: { values: { DATABASE_URL: 'postgres://db' } } })).toContain(
      'WARNING: the Secret was made from values',
    );
  });

  test('say that the migration has no database, where only the jobs have one', () => {
    const env = { DATABASE_URL: { valueFrom: { secretKeyRef: { name: 'db', key: 'uri' } } } };
    const jobs = { 'database-cleanup': { env }, 'report-generator': { env } };
    expect(text({ jobs })).toContain('WARNING: nothing was migrated');
    expect(text({ jobs })).not.toContain('neither locked nor recorded');
    expect(text({ jobs, migration: { env } })).not.toContain('WARNING');
    expect(text({ jobs: { 'database-cleanup': { env } } })).toContain('no Secret gives a DATABASE_URL');
  });

  test.each([
    ['0 2 * * *', 'Europe/Berlin'],
    ['30 1 * * *', 'America/New_York'],
    ['59 1-5 * * 1', 'Europe/London'],
    ['0 */2 * * *', 'Australia/Sydney'],
    ['@daily', 'America/Havana'],
  ])('warn of %s in %s: a night when the clocks jump may skip or repeat it', (schedule, zone) => {
    expect(at(schedule, zone)).toContain(`${DST} ${zone} may jump`);
  });

  test.each([
    ['0 2 * * *', 'Etc/UTC'],
    ['0 2 * * *', 'Asia/Tokyo'],
    ['0 4 * * *', 'Europe/Berlin'],
    ['*/5 * * * *', 'Europe/Berlin'],
  ])('do not warn of %s in %s', (schedule, zone) => {
    expect(at(schedule, zone)).not.toContain(DST);
  });

  test('say so when every job is off', () => {
    expect(text({ jobDefaults: { enabled: false } })).toContain('WARNING: there are no jobs');
  });

  test('say how to add a job where there is none, in values that the chart takes', () => {
    const shown = notes(NONE);
    expect(shown).toContain('There are no jobs yet');
    expect(shown).not.toContain('WARNING: there are no jobs');
    const lines = shown.split('\n').filter((line) => /^ {2,}\S/.test(line));
    const added = lines.slice(
      lines.findIndex((line) => line.trim() === 'jobs:'),
      lines.findIndex((line) => line.includes('report-generator')) + 1,
    );
    const values = parse(added.join('\n').replace(/^ {2}/gm, ''));
    const jobs = ofKind(render(values), 'CronJob').map(({ metadata }) => metadata.name);
    expect(jobs).toEqual([
      'billing-run-job-database-cleanup',
      'billing-run-job-hello',
      'billing-run-job-report-generator',
    ]);
    expect(values.jobs['database-cleanup']).toMatchObject({ dryRun: true });
  });
});
