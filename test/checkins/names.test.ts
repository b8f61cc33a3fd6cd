// Names as services have them: stable, and no two names share one.
import { expect, test } from 'vitest';
import { checkInIdOf, identify } from '../../src/checkins/id.ts';
import { slugOf } from '../../src/checkins/slug.ts';
import { PING_KEY, startCheckInServices } from '../support/check-in-services.ts';
import { runToEnd } from '../support/run-job.ts';

test('a name that a slug may be stays as it is', () => {
  for (const name of ['noop', 'database_cleanup', 'cleanup-eu', 'a1', 'x'.repeat(50)]) expect(slugOf(name)).toBe(name);
});

test('any other becomes one of 50 characters at most, the same each time, and no two the same', () => {
  const names = [
    'Cleanup',
    'cleanup.eu',
    'cleanup-eu.',
    'CLEANUP',
    '12345',
    'x'.repeat(51),
    'x'.repeat(100),
    `${'x'.repeat(99)}y`,
    'a.b',
    'a-b.',
    'A.B',
    'Ä',
    slugOf('Cleanup'),
    slugOf(slugOf('Cleanup')),
  ];
  const slugs = names.map(slugOf);
  expect(new Set(slugs).size).toBe(names.length);
  for (const slug of slugs) expect(slug).toMatch(/^(?!\d+$)[a-z0-9_-]{1,50}$/);
});

test('ids are UUIDs of version 5 in the canonical form, one a Job', () => {
  const job = { name: 'noop', scheduledAt: new Date(0), shards: 1, jobUid: 'uid', runId: 'a' };
  expect(identify(job)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(identify({ ...job, runId: 'b' })).toBe(identify(job));
  for (const other of [{ name: 'other' }, { scheduledAt: new Date(1) }, { shards: 2 }, { jobUid: 'other' }])
    expect(identify({ ...job, ...other })).not.toBe(identify(job));
  expect(identify({ ...job, jobUid: undefined })).not.toBe(identify({ ...job, jobUid: undefined, runId: 'b' }));
  expect(checkInIdOf(['a', 'b'])).not.toBe(checkInIdOf(['ab']));
});

test('a name with dots and capitals is checked in with by a slug that Healthchecks takes', async () => {
  const name = 'Nightly.Cleanup.EU';
  await using services = await startCheckInServices([slugOf(name)]);
  const { lines } = await runToEnd(['noop', '--as', name], {
    env: { RUN_JOB_CHECKINS: `healthchecks+${services.url}/ping/${PING_KEY}`, RUN_JOB_NOTIFY_TIMEOUT_MS: '10000' },
  });
  expect(lines.filter(({ level }) => level === 'warn')).toEqual([]);
  expect(services.told.map(({ monitor, state }) => [monitor, state])).toEqual([
    [slugOf(name), 'start'],
    [slugOf(name), 'success'],
  ]);
});

test.for([
  ['several', ['noop', 'noop'], '', 'several checks noop'],
  ['none', [], '', 'it has no check noop'],
  ['none, and it may be made', [], '?create=1', undefined],
] as const)('a check of that slug: %s', async ([_, slugs, query, warning]) => {
  await using services = await startCheckInServices(slugs);
  const { lines } = await runToEnd(['noop'], {
    env: {
      RUN_JOB_CHECKINS: `healthchecks+${services.url}/ping/${PING_KEY}${query}`,
      RUN_JOB_NOTIFY_TIMEOUT_MS: '10000',
    },
  });
  const warnings = lines.filter(({ level }) => level === 'warn').map(({ msg }) => msg);
  if (warning === undefined) expect(warnings).toEqual([]);
  else expect(warnings.join()).toContain(warning);
});
