// Runs check in with services outside: what each end is told as, once a Job, by the built executable.
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { CHECK, type CheckInServices, startCheckInServices } from '../support/check-in-services.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { openGate } from '../support/gate.ts';
import { type RunOptions, runJob, runToEnd } from '../support/run-job.ts';

const ALL = ['healthchecks', 'sentry', 'cronitor', 'webhook'] as const;

const SLOT = '2026-11-23T02:00:00Z';

/** The environment of a pod that checks in everywhere. */
function pod(services: CheckInServices, given: Record<string, string> = {}): Record<string, string> {
  return {
    RUN_JOB_CHECKINS: ALL.map((name) => services[name]).join('\n'),
    RUN_JOB_NOTIFY_TIMEOUT_MS: '20000',
    ...given,
  };
}

/** The pods of one Job of Kubernetes. */
const ofJob = (retries = 2) => ({ JOB_UID: randomUUID(), JOB_NAME: 'by-hand', RUN_JOB_RETRIES: String(retries) });

const run = (args: readonly string[], database: TestDatabase | undefined, env: RunOptions['env']) =>
  runToEnd([...args, ...(args.includes('--scheduled-at') ? [] : ['--scheduled-at', SLOT])], {
    ...(database && { database }),
    ...(env && { env }),
  });

/** What every service has heard, in Healthchecks' words. */
function heard(services: CheckInServices): Record<(typeof ALL)[number], readonly string[]> {
  return Object.fromEntries(ALL.map((name) => [name, services.of(name)])) as ReturnType<typeof heard>;
}

const told = (end: 'success' | 'failure' | 'log') => ({
  healthchecks: ['start', ...({ success: ['success'], failure: ['fail'], log: ['log'] } as const)[end]],
  sentry: ['in_progress', ...({ success: ['ok'], failure: ['error'], log: [] } as const)[end]],
  cronitor: ['run', ...({ success: ['complete'], failure: ['fail'], log: [] } as const)[end]],
  webhook: ['start', end],
});

const RETRIED = { JOB_UID: 'a-job', RUN_JOB_RETRIES: '2' };

test.concurrent.for([
  ['succeeded', ['noop'], {}, 0, told('success')],
  ['failed', ['throws', '--param', 'kind=error'], {}, 1, told('failure')],
  ['failed, to be retried', ['throws', '--param', 'kind=error'], RETRIED, 1, told('log')],
  ['failed for good', ['throws', '--param', 'kind=permanent'], RETRIED, 65, told('failure')],
  ['unavailable', ['throws', '--param', 'kind=unavailable'], {}, 69, told('failure')],
  ['unavailable, to be retried', ['throws', '--param', 'kind=unavailable'], RETRIED, 69, told('log')],
  ['timed out', ['hangs', '--param', 'way=returns', '--timeout', '100ms'], {}, 124, told('failure')],
  ['timed out, to be retried', ['hangs', '--param', 'way=returns', '--timeout', '100ms'], RETRIED, 124, told('log')],
  ['crashed', ['crashes', '--param', 'kind=timer'], {}, 70, told('failure')],
] as const)('%s', async ([_, args, env, exitCode, expected]) => {
  await using database = await createDatabase();
  await using services = await startCheckInServices();
  const ended = await run(args, database, pod(services, env));
  expect(ended.exitCode, ended.stdout + ended.stderr).toBe(exitCode);
  expect(heard(services)).toEqual(expected);
  expect(new Set(services.told.map(({ id }) => id)).size).toBe(1);
});

test.concurrent.for([
  ['rejected', ['noop', '--param', 'unknown=1'], {}, 64],
  ['misconfigured', ['noop'], { DATABASE_POOL_SIZE: 'many' }, 78],
] as const)('%s: told as a failure that never started', async ([_, args, env, exitCode]) => {
  await using services = await startCheckInServices();
  await using database = await createDatabase();
  const ended = await run(args, database, pod(services, { ...ofJob(), ...env }));
  expect(ended.exitCode, ended.stdout).toBe(exitCode);
  expect(heard(services)).toEqual({
    healthchecks: ['fail'],
    sentry: ['error'],
    cronitor: ['fail'],
    webhook: ['failure'],
  });
});

test('the end is told over the connection that the start was, also where it follows at once', async () => {
  await using services = await startCheckInServices();
  services.forever = { delayMs: 20 };
  await run(['noop'], undefined, { RUN_JOB_CHECKINS: services.webhook, RUN_JOB_NOTIFY_TIMEOUT_MS: '20000' });
  expect(services.requests).toHaveLength(2);
  expect(services.connections).toBe(1);
});

test('a dry run tells nothing, and neither does one whose slot is done', async () => {
  await using services = await startCheckInServices();
  await using database = await createDatabase();
  await run(['noop', '--dry-run'], database, pod(services));
  expect(services.told).toEqual([]);
  await run(['noop'], database, {});
  const { summary } = await run(['noop'], database, pod(services, ofJob()));
  expect(summary).toMatchObject({ status: 'skipped', reason: 'slot_succeeded' });
  expect(services.told).toEqual([]);
});

test('a Job of three pods (failed, evicted, succeeded): one start, one success, one id', async () => {
  await using services = await startCheckInServices();
  await using database = await createDatabase();
  await using gate = await openGate();
  const env = pod(services, ofJob());
  await run(['waits', '--param', 'gate=/nowhere/at/all'], database, env);
  {
    await using evicted = runJob(['waits', '--param', `gate=${gate.path}`, '--scheduled-at', SLOT], { database, env });
    await evicted.until(gate.arrival());
    evicted.kill('SIGTERM');
    expect((await evicted.done).summary).toMatchObject({ status: 'interrupted', exitCode: 143 });
  }
  await using last = runJob(['waits', '--param', `gate=${gate.path}`, '--scheduled-at', SLOT], { database, env });
  (await last.until(gate.arrival())).open();
  expect((await last.done).summary).toMatchObject({ status: 'succeeded' });
  expect(heard(services)).toEqual({
    healthchecks: ['start', 'log', 'log', 'success'],
    sentry: ['in_progress', 'ok'],
    cronitor: ['run', 'complete'],
    webhook: ['start', 'log', 'log', 'success'],
  });
  expect(new Set(services.told.map(({ id }) => id)).size).toBe(1);
  expect(services.checks.get(CHECK)).toEqual({ status: 'up', startedWith: undefined });
});

test('three failures of a Job that is tried twice more: one start, one failure', async () => {
  await using services = await startCheckInServices();
  await using database = await createDatabase();
  const env = pod(services, ofJob(2));
  for (let pods = 0; pods < 3; pods += 1) await run(['throws', '--param', 'kind=error'], database, env);
  expect(heard(services)).toEqual({
    healthchecks: ['start', 'log', 'log', 'fail'],
    sentry: ['in_progress', 'error'],
    cronitor: ['run', 'fail'],
    webhook: ['start', 'log', 'log', 'failure'],
  });
  expect(services.told.at(-1)?.body).toContain('the rows are wrong');
});

test('pods that were killed count as the failures that they are to Kubernetes, and the next one tells of them', async () => {
  await using services = await startCheckInServices();
  await using database = await createDatabase();
  await using gate = await openGate();
  const env = pod(services, ofJob(1));
  {
    await using killed = runJob(['waits', '--param', `gate=${gate.path}`, '--scheduled-at', SLOT], { database, env });
    await killed.until(gate.arrival());
    await expect.poll(() => services.of('healthchecks')).toEqual(['start']);
    killed.kill('SIGKILL');
    await killed.done;
  }
  const last = await run(['waits', '--param', 'gate=/nowhere/at/all'], database, env);
  expect(last.summary.status).toBe('failed');
  expect(services.of('healthchecks')).toEqual(['start', 'log', 'fail']);
  expect(services.of('sentry')).toEqual(['in_progress', 'error']);
});

test('a run found lost by another Job is told as failed, by its own id, before the new one starts', async () => {
  await using services = await startCheckInServices();
  await using database = await createDatabase();
  await using gate = await openGate();
  {
    await using killed = runJob(['waits', '--param', `gate=${gate.path}`, '--scheduled-at', SLOT], {
      database,
      env: pod(services, ofJob(5)),
    });
    await killed.until(gate.arrival());
    await expect.poll(() => services.of('healthchecks')).toEqual(['start']);
    killed.kill('SIGKILL');
    await killed.done;
  }
  await using next = runJob(['waits', '--param', `gate=${gate.path}`, '--scheduled-at', '2026-11-24T02:00:00Z'], {
    database,
    env: pod(services, ofJob(5)),
  });
  (await next.until(gate.arrival())).open();
  expect((await next.done).summary.status).toBe('succeeded');
  expect(services.of('healthchecks')).toEqual(['start', 'fail', 'start', 'success']);
  const [first, lost, ...others] = services.told.filter(({ service }) => service === 'sentry');
  expect(lost?.id).toBe(first?.id);
  expect(new Set(others.map(({ id }) => id)).size).toBe(1);
  expect(others[0]?.id).not.toBe(first?.id);
});

test('the end of a Job in shards is told by the one that completes it', async () => {
  await using services = await startCheckInServices();
  await using database = await createDatabase();
  const shared = pod(services, ofJob(0));
  const shards = [0, 1, 2].map((index) =>
    run(['noop'], database, { ...shared, RUN_JOB_SHARDS: '3', JOB_COMPLETION_INDEX: String(index) }),
  );
  for (const { exitCode } of await Promise.all(shards)) expect(exitCode).toBe(0);
  expect([...services.of('healthchecks')].sort()).toEqual(['start', 'success']);
  expect([...services.of('sentry')].sort()).toEqual(['in_progress', 'ok']);
  expect(new Set(services.told.map(({ id }) => id)).size).toBe(1);
});

test('shards that fail are told as one failure', async () => {
  await using services = await startCheckInServices();
  await using database = await createDatabase();
  const shared = pod(services, ofJob(0));
  for (const index of [0, 1])
    await run(['throws', '--param', 'kind=error'], database, {
      ...shared,
      RUN_JOB_SHARDS: '2',
      JOB_COMPLETION_INDEX: String(index),
    });
  expect(services.of('sentry')).toEqual(['in_progress', 'error']);
});

test('a run that is blocked is told of by the watchdog', async () => {
  await using services = await startCheckInServices();
  await using database = await createDatabase();
  const ended = await run(['hangs', '--param', 'way=blocks', '--timeout', '200ms'], database, {
    ...pod(services),
    WORKER_SHUTDOWN_TIMEOUT_SECONDS: '0.2',
  });
  expect(ended.signal).toBe('SIGKILL');
  const ends = heard(services);
  expect(ends.sentry.at(-1)).toBe('error');
  expect(ends.healthchecks.at(-1)).toBe('fail');
  expect(ends.webhook.at(-1)).toBe('failure');
});

test('without a database: the ids are those of the Job all the same', async () => {
  await using services = await startCheckInServices();
  const env = pod(services, ofJob(1));
  await run(['throws', '--param', 'kind=error'], undefined, env);
  await run(['noop', '--as', 'throws'], undefined, env);
  expect(services.of('healthchecks')).toEqual(['start', 'log', 'start', 'success']);
  expect(new Set(services.told.map(({ id }) => id)).size).toBe(1);
});

test('an event loop that drains is seen at once, whatever a service keeps us waiting for', async () => {
  await using services = await startCheckInServices();
  services.forever = { delayMs: Number.POSITIVE_INFINITY };
  const ended = await run(['crashes', '--param', 'kind=drained'], undefined, {
    RUN_JOB_CHECKINS: services.webhook,
    RUN_JOB_NOTIFY_TIMEOUT_MS: '1000',
  });
  expect(ended.summary).toMatchObject({ status: 'crashed' });
  const at = (text: string) => Date.parse(String(ended.lines.find(({ msg }) => msg.includes(text))?.time));
  expect(at('crashed: ') - at('run started')).toBeLessThan(900);
});
