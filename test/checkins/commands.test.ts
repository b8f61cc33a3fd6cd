// Whether those who are to be told can be: `run-job checkins test` and `run-job doctor`.
import { expect, test } from 'vitest';
import { CHECK, CRONITOR_KEY, PING_KEY, SENTRY_KEY, startCheckInServices } from '../support/check-in-services.ts';
import { runToEnd } from '../support/run-job.ts';

const KEYS = [CHECK, PING_KEY, SENTRY_KEY, CRONITOR_KEY];

test('checkins test: one marked test to each, which changes no job’s monitor', async () => {
  await using services = await startCheckInServices(['nightly']);
  const keyed = services.healthchecks.replace(CHECK, PING_KEY);
  const env = { RUN_JOB_CHECKINS: [keyed, services.sentry, services.cronitor, services.webhook].join('\n') };
  const { exitCode, stdout, stderr } = await runToEnd(['checkins', 'test', '--name', 'nightly'], { env });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout.trim().split('\n')).toHaveLength(4);
  expect(stdout).toMatch(/^ok {4}Sentry at .*look there whether it has arrived\)$/m);
  expect(services.told.map(({ service, monitor, state }) => [service, monitor, state]).sort()).toEqual([
    ['cronitor', 'run-job-test', 'complete'],
    ['healthchecks', 'nightly', 'log'],
    ['sentry', 'run-job-test', 'ok'],
    ['webhook', '/hook/of/ours', 'log'],
  ]);
  expect(services.checks.get('nightly')).toEqual({ status: 'new', startedWith: undefined });
  for (const key of KEYS) expect(stdout).not.toContain(key);
});

test('checkins test: what is not taken is said, with exit code 69', async () => {
  await using services = await startCheckInServices();
  const env = { RUN_JOB_CHECKINS: services.healthchecks.replace(CHECK, PING_KEY) };
  const { exitCode, stdout } = await runToEnd(['checkins', 'test'], { env });
  expect(exitCode).toBe(69);
  expect(stdout).toContain('it has no check run-job-test');
});

test.for([
  [['checkins'], {}, 64],
  [['checkins', 'send'], {}, 64],
  [['checkins', 'test'], {}, 78],
  [['checkins', 'test'], { RUN_JOB_CHECKINS: 'https://cronitor.link/' }, 78],
] as const)('%j with %j: exit code %i', async ([args, env, expected]) => {
  const { exitCode, stderr } = await runToEnd(args, { env });
  expect(exitCode).toBe(expected);
  expect(stderr.trim().split('\n')).toHaveLength(1);
});

test('doctor asks whether they are there, and tells them nothing', async () => {
  await using services = await startCheckInServices();
  const env = {
    RUN_JOB_CHECKINS: `${services.sentry} http://127.0.0.1:1/hook`,
    RUN_JOB_NOTIFY: `slack+${services.url}/services/a/b/c rabbitmq`,
  };
  const { stdout } = await runToEnd(['doctor', '--json'], { env });
  const findings = JSON.parse(stdout).filter(({ check }: { check: string }) => check === 'alerting');
  expect(findings.map(({ verdict }: { verdict: string }) => verdict)).toEqual(['ok', 'warning', 'ok', 'misconfigured']);
  expect(services.told).toEqual([]);
  for (const key of KEYS) expect(stdout).not.toContain(key);
});
