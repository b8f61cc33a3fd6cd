// What helm says after an install: what to type next, with this release's names, and what to beware of.
import { describe, expect, test } from 'vitest';
import { noHelm, notes } from './support/chart.ts';

const DST = 'clocks of';
const text = (values?: object) => notes(values).replaceAll(/\s+/g, ' ');
const at = (schedule: string, timeZone: string) => text({ jobs: { 'database-cleanup': { schedule, timeZone } } });

describe.skipIf(noHelm)('the notes', () => {
  test("name this release's objects in commands that can be pasted", () => {
    const shown = text();
    expect(shown).toContain('helm test billing -n jobs --logs');
    expect(shown).toContain(
      'kubectl -n jobs create job database-cleanup-now --from=cronjob/billing-run-job-database-cleanup',
    );
    // The log can't be followed before the container runs.
    expect(shown).toContain('until kubectl -n jobs logs -f job/database-cleanup-now 2>/dev/null; do sleep 1; done');
    expect(shown).toContain('billing-run-job-report-generator: report_generator at "0 8 * * 1" Etc/UTC');
    expect(shown).toContain(`patch cronjob billing-run-job-database-cleanup -p '{"spec":{"suspend":true}}'`);
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

  test('say so when there is no job', () => {
    expect(text({ jobDefaults: { enabled: false } })).toContain('WARNING: there are no jobs');
  });
});
