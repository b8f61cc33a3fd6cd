// Receivers that refuse, hang or aren't there: the run's outcome stands, one sentence says what to do, and the notification is kept for the next.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { recordRun } from '../console/support.ts';
import { startCheckInServices } from '../support/check-in-services.ts';
import { createDatabase } from '../support/database.ts';
import { freePorts } from '../support/free-port.ts';
import { SECRET, startNotificationReceiver } from '../support/notification-receiver.ts';
import { runToEnd } from '../support/run-job.ts';

/** What a webhook and Slack are complained of. */
const both = (sentence: string) => [sentence, sentence] as const;

test.concurrent.for([
  ['400', 400, ['it answered 400', 'it takes no message of this form']],
  ['401', 401, both('is the address or RUN_JOB_NOTIFY_SECRET right?')],
  ['403', 403, ['is the address or RUN_JOB_NOTIFY_SECRET right?', 'its workspace forbids this webhook']],
  ['404', 404, ['it answered 404', 'the webhook or its channel is gone']],
  ['409', 409, both('it answered 409')],
  ['410', 410, ['it answered 410', 'the channel is archived']],
  ['429', 429, both('it is told more than it takes')],
  ['500', 500, both('it answered 500')],
  ['302', 302, both('which leads elsewhere')],
] as const)('%s', async ([_, status, [webhook, slack]]) => {
  await using receiver = await startNotificationReceiver();
  await using database = await createDatabase();
  receiver.status = status;
  const { summary, lines, stdout } = await runToEnd(['throws', '--param', 'kind=error'], {
    database,
    env: {
      RUN_JOB_NOTIFY: `${receiver.webhook} ${receiver.slack}`,
      RUN_JOB_NOTIFY_SECRET: SECRET,
      RUN_JOB_NOTIFY_TIMEOUT_MS: '5000',
    },
  });
  expect(summary).toMatchObject({ status: 'failed', exitCode: 1 });
  const warnings = lines.filter(({ msg }) => msg.startsWith('notifying ')).map(({ msg }) => msg);
  expect(warnings.find((text) => text.includes('webhook at'))).toContain(webhook);
  expect(warnings.find((text) => text.includes('Slack at'))).toContain(slack);
  expect(stdout).not.toMatch(/T0AB1CD2E|whsec_|\/hook/);
  expect(await database.query('select tries, done_at from run_job.notifications')).toEqual([
    { tries: 1, done_at: null },
  ]);
});

test.concurrent('nobody listens, a host that nobody knows, and a broker that isn’t there', async () => {
  await using database = await createDatabase();
  const [port] = await freePorts(1);
  const { summary, lines, stdout } = await runToEnd(['throws', '--param', 'kind=error'], {
    database,
    env: {
      RUN_JOB_NOTIFY: `http://127.0.0.1:${port}/a https://nowhere.invalid/b amqp://us:broker-password@127.0.0.1:${port}/c`,
      RUN_JOB_NOTIFY_TIMEOUT_MS: '3000',
    },
  });
  expect(summary).toMatchObject({ status: 'failed', exitCode: 1 });
  const warnings = lines.filter(({ msg }) => msg.startsWith('notifying ')).map(({ msg }) => msg);
  expect(warnings.find((text) => text.includes('webhook at 127'))).toContain('the connection was refused');
  expect(warnings.find((text) => text.includes('nowhere.invalid'))).toMatch(
    /its host name (?:is unknown|could not be looked up)/,
  );
  expect(warnings.find((text) => text.includes('RabbitMQ at'))).toBeDefined();
  expect(stdout).not.toContain('broker-password');
});

test.concurrent('a host whose clock is three hours fast is believed all the same', async () => {
  await using receiver = await startNotificationReceiver();
  await using services = await startCheckInServices();
  await using database = await createDatabase();
  const clock = fileURLToPath(new URL('../fixtures/fast-clock.cjs', import.meta.url));
  const { summary, lines } = await runToEnd(['throws', '--param', 'kind=error'], {
    database,
    env: {
      NODE_OPTIONS: `--require ${clock}`,
      RUN_JOB_CHECKINS: [services.healthchecks, services.sentry, services.cronitor].join(),
      RUN_JOB_NOTIFY: receiver.webhook,
      RUN_JOB_NOTIFY_SECRET: SECRET,
      RUN_JOB_NOTIFY_TIMEOUT_MS: '20000',
    },
  });
  expect(Date.parse(String(summary.time)) - Date.now()).toBeGreaterThan(2 * 3_600_000);
  expect(lines.filter(({ msg }) => /^notifying |check-in/.test(msg))).toEqual([]);
  expect(receiver.events.map(({ type }) => type)).toEqual(['run_job.failed']);
  expect(services.of('healthchecks')).toEqual(['start', 'fail']);
  expect(services.of('sentry')).toEqual(['in_progress', 'error']);
  expect(services.of('cronitor')).toEqual(['run', 'fail']);
});

test.concurrent('a receiver that hangs keeps nothing from the others, whether a run sends or run-job notify', async () => {
  await using healthy = await startNotificationReceiver();
  await using hanging = await startNotificationReceiver();
  await using database = await createDatabase();
  hanging.silent = true;
  const env = {
    RUN_JOB_NOTIFY: `${hanging.webhook} ${healthy.slack}`,
    RUN_JOB_NOTIFY_SECRET: SECRET,
    RUN_JOB_NOTIFY_TIMEOUT_MS: '3000',
  };
  // More than are taken at once.
  const names = Array.from({ length: 45 }, (_, index) => `name_${index}`);
  for (const name of names.slice(0, 5)) await recordRun(database, { name, status: 'failed', exit_code: 1 });
  const { summary } = await runToEnd(['throws', '--param', 'kind=error'], { database, env });
  expect(summary).toMatchObject({ status: 'failed', exitCode: 1 });
  expect(healthy.texts).toHaveLength(6);
  for (const name of names.slice(5)) await recordRun(database, { name, status: 'failed', exit_code: 1 });
  const ended = await runToEnd(['notify'], { database, env, hangsAfterMs: 40_000 });
  expect(ended.exitCode).toBe(69);
  expect(ended.stdout).toContain('no answer in time');
  expect(new Set(healthy.texts.map((text) => text.split('\n')[0])).size).toBe(46);
  expect(healthy.texts).toHaveLength(46);
});

test.concurrent('a receiver that asks for more patience than there is, is told as what it said', async () => {
  await using database = await createDatabase();
  const server = createServer((_, response) => response.writeHead(429, { 'retry-after': '20' }).end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    const { lines } = await runToEnd(['throws', '--param', 'kind=error'], {
      database,
      env: { RUN_JOB_NOTIFY: `http://127.0.0.1:${port}/`, RUN_JOB_NOTIFY_TIMEOUT_MS: '1000' },
    });
    expect(lines.map(({ msg }) => msg).join('\n')).toContain('it answered 429');
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
