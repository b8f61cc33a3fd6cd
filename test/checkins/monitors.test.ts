// `run-job schedules apply` makes the monitors of what it applies, by the built executable: what each service is asked for, what stays as
// somebody chose it there, and what a service that is down costs.
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { freePorts } from '../support/free-port.ts';
import {
  CHECK_DEFAULTS,
  CRONITOR_API_KEY,
  HEALTHCHECKS_API_KEY,
  JOB_DEFAULTS,
  type MonitorServices,
  READ_ONLY_KEY,
  SENTRY_TOKEN,
  startMonitorServices,
  TELEMETRY_KEY,
} from '../support/monitor-services.ts';
import { runToEnd } from '../support/run-job.ts';

const KEYS = [HEALTHCHECKS_API_KEY, SENTRY_TOKEN, CRONITOR_API_KEY, READ_ONLY_KEY, TELEMETRY_KEY];

const NIGHTLY = {
  name: 'nightly',
  schedule: '0 2 * * *',
  timeZone: 'Europe/Berlin',
  lateAfter: '12m',
  activeDeadlineSeconds: 3_600,
  owner: 'payments',
  runbook: 'https://wiki/nightly',
  tags: ['money', 'night shift'],
};

function fileOf(schedules: readonly object[]): string {
  const path = join(inject('scratchFolder'), `monitored-${randomUUID()}.json`);
  writeFileSync(path, JSON.stringify({ source: 'test/test', schedules }));
  return path;
}

/** Applies these schedules; nothing that is said holds a key. */
async function apply(
  database: TestDatabase,
  to: string,
  schedules: readonly object[],
  args: readonly string[] = ['schedules', 'apply', '--file'],
  more: readonly string[] = [],
) {
  const ended = await runToEnd([...args, fileOf(schedules), ...more], { database, env: { RUN_JOB_MONITORS: to } });
  for (const key of KEYS) expect(ended.stdout + ended.stderr).not.toContain(key);
  return ended;
}

const migrated = () => createDatabase({ migrated: true });

test('a monitor at each service, with what each knows of: schedule, zone, grace, how late and how long, owner and tags', async () => {
  await using services = await startMonitorServices();
  await using database = await migrated();
  const { exitCode, stdout } = await apply(database, services.all, [NIGHTLY]);
  expect({ exitCode, lines: stdout.trim().split('\n').sort() }).toEqual({
    exitCode: 0,
    lines: [
      'nightly is new',
      ...['Cronitor', 'Healthchecks', 'Sentry'].map(
        (service) => `nightly: the monitor at ${service} at ${new URL(services.url).host} is made`,
      ),
    ],
  });
  expect(services.checks.get('nightly')).toMatchObject({
    name: 'nightly',
    schedule: '0 2 * * *',
    tz: 'Europe/Berlin',
    // How late it may begin, and how long the Job may take.
    grace: 12 * 60 + 3_600,
    tags: 'money night-shift',
    desc: 'owner: payments\nrunbook: https://wiki/nightly',
    channels: 'all-of-them',
  });
  expect(services.monitors.get('nightly')).toMatchObject({
    name: 'nightly',
    owner: 'team:7',
    config: {
      schedule_type: 'crontab',
      schedule: '0 2 * * *',
      timezone: 'Europe/Berlin',
      checkin_margin: 12,
      max_runtime: 60,
    },
  });
  expect(services.jobs.get('nightly')).toMatchObject({
    schedule: '0 2 * * *',
    timezone: 'Europe/Berlin',
    grace_seconds: 720,
    assertions: ['metric.duration < 60 min'],
    tags: ['money', 'night shift'],
    note: 'owner: payments\nrunbook: https://wiki/nightly',
    notify: ['default'],
  });
});

test('applied again: nothing is sent; and what has changed is changed, and nothing beside it', async () => {
  await using services = await startMonitorServices();
  await using database = await migrated();
  await apply(database, services.all, [NIGHTLY]);
  const made = services.sent.length;
  expect((await apply(database, services.all, [NIGHTLY])).stdout).toBe('1 unchanged\n3 monitors unchanged\n');
  expect(services.sent).toHaveLength(made);
  const { stdout } = await apply(database, services.all, [
    { ...NIGHTLY, schedule: '30 3 * * *', tags: ['money', 'eu'] },
  ]);
  expect(stdout).toContain('is changed (schedule, tags)');
  expect(services.sent.slice(made).map(({ body }) => body)).toEqual(
    expect.arrayContaining([
      { schedule: '30 3 * * *', tz: 'Europe/Berlin', tags: 'money eu' },
      { config: { schedule_type: 'crontab', schedule: '30 3 * * *', timezone: 'Europe/Berlin' } },
      {
        monitors: [
          { key: 'nightly', type: 'job', schedule: '30 3 * * *', timezone: 'Europe/Berlin', tags: ['money', 'eu'] },
        ],
      },
    ]),
  );
});

test('what a person has chosen there stays, and is said; the rest follows', async () => {
  await using services = await startMonitorServices();
  await using database = await migrated();
  await apply(database, services.all, [NIGHTLY]);
  Object.assign(services.checks.get('nightly') ?? {}, {
    grace: 7_200,
    tags: 'money by-hand',
    name: 'The nightly one',
    channels: 'only-this',
  });
  const monitor = services.monitors.get('nightly') as { config: Record<string, unknown> };
  monitor.config.max_runtime = 90;
  Object.assign(services.jobs.get('nightly') ?? {}, {
    grace_seconds: 5,
    assertions: ['metric.duration < 60 min', 'metric.error_count < 5'],
    notify: ['on-call'],
  });
  const changed = { ...NIGHTLY, schedule: '15 4 * * *', activeDeadlineSeconds: 1_800, lateAfter: '20m' };
  // Twice: what stays is still known to be somebody's the next time.
  for (const _ of [1, 2]) {
    const { exitCode, stdout } = await apply(database, services.all, [changed]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('grace as somebody chose there');
    expect(stdout).toContain('max runtime as somebody chose there');
    expect(services.checks.get('nightly')).toMatchObject({
      schedule: '15 4 * * *',
      grace: 7_200,
      tags: 'money by-hand',
      name: 'The nightly one',
      channels: 'only-this',
    });
    expect(monitor.config).toMatchObject({ schedule: '15 4 * * *', max_runtime: 90, checkin_margin: 20 });
    expect(services.jobs.get('nightly')).toMatchObject({
      schedule: '15 4 * * *',
      grace_seconds: 5,
      assertions: ['metric.error_count < 5', 'metric.duration < 30 min'],
      notify: ['on-call'],
    });
  }
  // Who takes it back has chosen nothing any more.
  Object.assign(services.checks.get('nightly') ?? {}, { grace: 12 * 60 + 3_600 });
  await apply(database, services.healthchecks, [changed]);
  expect(services.checks.get('nightly')).toMatchObject({ grace: 20 * 60 + 1_800 });
});

test('monitors that were there before: what nobody chose is filled in, and what somebody chose stays', async () => {
  await using services = await startMonitorServices();
  await using database = await migrated();
  // By ?create=1, or by the first telemetry; and by hand.
  services.checks.set('nightly', { ...CHECK_DEFAULTS, uuid: randomUUID(), name: 'nightly' });
  services.jobs.set('nightly', { ...JOB_DEFAULTS, key: 'nightly' });
  services.checks.set('weekly', { ...CHECK_DEFAULTS, uuid: randomUUID(), timeout: 604_800, grace: 60, tags: 'mine' });
  const weekly = { name: 'weekly', schedule: '@weekly', tags: ['ours'] };
  const { stdout } = await apply(database, `${services.healthchecks} ${services.cronitor}`, [NIGHTLY, weekly]);
  expect(services.checks.get('nightly')).toMatchObject({ schedule: '0 2 * * *', grace: 4_320 });
  expect(services.jobs.get('nightly')).toMatchObject({ schedule: '0 2 * * *', grace_seconds: 720 });
  expect(services.checks.get('weekly')).toMatchObject({ timeout: 604_800, grace: 60, tags: 'mine ours' });
  expect(services.checks.get('weekly')).not.toHaveProperty('schedule');
  expect(stdout).toContain('is changed (tags); schedule, grace as somebody chose there');
  // A name of Kubernetes' for a time, as other crons write it.
  expect(services.jobs.get('weekly')).toMatchObject({ schedule: '0 0 * * 0', timezone: 'Etc/UTC' });
});

test('--dry-run says the same and sends nothing; nothing is remembered of it', async () => {
  await using services = await startMonitorServices();
  await using database = await migrated();
  const dry = await apply(database, services.all, [NIGHTLY], undefined, ['--dry-run']);
  expect(dry.exitCode).toBe(0);
  expect(dry.stdout.match(/would be made/g)).toHaveLength(3);
  expect(services.sent).toEqual([]);
  expect(await database.query('select * from run_job.monitors')).toEqual([]);
});

test('nothing is deleted: of what is retired or suspended it is said that a person has to', async () => {
  await using services = await startMonitorServices();
  await using database = await migrated();
  await apply(database, services.healthchecks, [NIGHTLY]);
  const { stdout } = await apply(database, services.healthchecks, [
    { name: 'hourly', schedule: '@hourly', suspend: true },
  ]);
  expect(stdout).toContain('nightly: its schedule is told of no more: delete or pause its monitor there');
  expect(stdout).toContain('hourly: its schedule is suspended: where it has a monitor there, pause it');
  expect([...services.checks.keys()]).toEqual(['nightly']);
});

test('a name that no slug may be is made as it is checked in with', async () => {
  await using services = await startMonitorServices();
  await using database = await migrated();
  const names = ['Nightly.Cleanup', 'a'.repeat(120), '12345'];
  const { exitCode } = await apply(
    database,
    services.all,
    names.map((name) => ({ name, schedule: '5/20 1 ? * MON' })),
  );
  expect(exitCode).toBe(0);
  const { slugOf } = await import('../../src/checkins/slug.ts');
  for (const kept of [services.checks, services.monitors, services.jobs])
    expect([...kept.keys()].sort()).toEqual(names.map(slugOf).sort());
  expect([...services.jobs.values()][0]).toMatchObject({ schedule: '5-59/20 1 * * MON' });
});

/** What services may answer with, and the sentence that it makes. */
const BAD = [
  ['500', { answer: { status: 500 } }, 'it answered 500'],
  ['401', { answer: { status: 401 } }, 'is the key right?'],
  ['403', { answer: { status: 403, body: '{}' } }, 'is the key right?'],
  ['404 for all', { answer: { status: 404 } }, 'it answered 404'],
  ['429 for an hour', { answer: { status: 429, headers: { 'retry-after': '3600' } } }, 'it answered 429'],
  ['a redirect', { answer: { status: 302, headers: { location: 'http://127.0.0.1:1/' } } }, 'which leads elsewhere'],
  ['a page', { answer: { status: 200, body: '<html>' } }, 'no JSON'],
  ['silence', { silent: true }, 'no answer in time'],
] as const satisfies readonly (readonly [string, Partial<MonitorServices>, string])[];

test.concurrent.for(BAD)(
  '%s: the schedules are applied all the same, which is said, with exit code 69',
  async ([_, spoilt, sentence]) => {
    await using services = await startMonitorServices();
    await using database = await migrated();
    Object.assign(services, spoilt);
    const ended = await runToEnd(['schedules', 'apply', '--file', fileOf([NIGHTLY])], {
      database,
      env: { RUN_JOB_MONITORS: services.all, WORKER_CONNECT_TIMEOUT_SECONDS: '2' },
    });
    expect(ended.exitCode, ended.stdout).toBe(69);
    const lines = ended.stdout.trim().split('\n');
    expect(lines[0]).toBe('nightly is new');
    expect(lines.filter((line) => line.includes('is not up to date') && line.includes(sentence))).toHaveLength(3);
    expect(await database.query('select name from run_job.schedules where valid_to is null')).toEqual([
      { name: 'nightly' },
    ]);
  },
);

test('the hook of an upgrade doesn’t fail over a service that is down, and the next one makes what is missing', async () => {
  await using services = await startMonitorServices();
  await using database = await createDatabase();
  const migrate = ['migrate', '--schedules'];
  const [port] = await freePorts(1);
  const down = await apply(
    database,
    `healthchecks+http://${HEALTHCHECKS_API_KEY}@127.0.0.1:${port}`,
    [NIGHTLY],
    migrate,
  );
  expect(down.exitCode).toBe(0);
  expect(down.stdout).toContain('is not up to date: the connection was refused');
  expect((await apply(database, services.healthchecks, [NIGHTLY], migrate)).stdout).toContain('is made');
  expect([...services.checks.keys()]).toEqual(['nightly']);
});

test.concurrent.for([
  [
    'a key that only reads',
    (all: MonitorServices) => all.healthchecks.replace(HEALTHCHECKS_API_KEY, READ_ONLY_KEY),
    'read-write key',
  ],
  [
    'a key for telemetry',
    (all: MonitorServices) => all.cronitor.replace(CRONITOR_API_KEY, TELEMETRY_KEY),
    'left out the schedule',
  ],
  ['another project', (all: MonitorServices) => all.sentry.replace('/billing', '/nowhere'), 'Invalid project'],
] as const)('%s is told as such', async ([_, address, sentence]) => {
  await using services = await startMonitorServices();
  await using database = await migrated();
  const ended = await apply(database, address(services), [NIGHTLY]);
  expect(ended.exitCode).toBe(69);
  expect(ended.stdout).toContain(sentence);
});

test('an owner that Sentry doesn’t know is said, and the monitor made without', async () => {
  await using services = await startMonitorServices();
  await using database = await migrated();
  const ended = await apply(database, services.sentry, [
    { ...NIGHTLY, owner: 'Anna from billing' },
    { name: 'b', schedule: '@daily', owner: 'ghosts' },
  ]);
  expect(ended.exitCode).toBe(0);
  expect(ended.stdout).toContain('its owner Anna from billing is no team there');
  expect(ended.stdout).toContain('its owner ghosts is no team there');
  expect(services.monitors.get('nightly')).toMatchObject({ owner: null });
});

test.for([
  ['healthchecks.io', 'must be a URL'],
  ['https://healthchecks.io', 'it needs the API key before the host'],
  ['https://key-of-mine@alerts.example.com', 'nobody knows what is at this host'],
  ['https://token-of-mine@sentry.io/acme', 'Sentry needs an organization and a project'],
] as const)('%s: a sentence that holds no address', async ([address, sentence]) => {
  await using database = await migrated();
  const { exitCode, stdout, stderr } = await apply(database, address, [NIGHTLY]);
  expect([69, 78]).toContain(exitCode);
  expect(stdout + stderr).toContain(sentence);
  expect(stdout + stderr).not.toContain('of-mine');
});

test('--json has the monitors of each schedule', async () => {
  await using services = await startMonitorServices();
  await using database = await migrated();
  const { stdout } = await apply(database, services.healthchecks, [NIGHTLY], undefined, ['--json']);
  expect(JSON.parse(stdout)).toEqual([
    {
      name: 'nightly',
      change: 'new',
      monitors: [{ service: expect.stringMatching(/^Healthchecks at /), change: 'made' }],
    },
  ]);
});

test('doctor says whether the keys open what they are for', async () => {
  await using services = await startMonitorServices();
  const wrong = services.healthchecks.replace(HEALTHCHECKS_API_KEY, 'hcw_not-the-right-one-at-all');
  const env = { RUN_JOB_MONITORS: `${services.all}\n${wrong}\nhttps://nobody@nowhere.example.com` };
  const { stdout } = await runToEnd(['doctor', '--json'], { env });
  const findings = JSON.parse(stdout).filter(({ check }: { check: string }) => check === 'alerting');
  expect(findings.map(({ verdict }: { verdict: string }) => verdict)).toEqual([
    ...['ok', 'ok', 'ok', 'warning', 'misconfigured'],
  ]);
  expect(services.sent).toEqual([]);
  for (const key of [...KEYS, 'hcw_not-the-right-one-at-all']) expect(stdout).not.toContain(key);
});
