// A run found lost is told as failed by whoever finds it: the next run, `run-job notify`, the console, or a person who cancels it.
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { ask, form, serveConsole } from '../console/support.ts';
import { CHECK, startCheckInServices } from '../support/check-in-services.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { openGate } from '../support/gate.ts';
import { SECRET, startNotificationReceiver } from '../support/notification-receiver.ts';
import { type RunOptions, runJob, runToEnd } from '../support/run-job.ts';

/** A run that has checked in, and was killed; nobody holds its lock any more. */
async function killedRun(
  database: TestDatabase,
  env: Record<string, string>,
  started: () => readonly string[],
): Promise<string> {
  await using gate = await openGate();
  await using running = runJob(['waits', '--as', 'nightly', '--param', `gate=${gate.path}`], { database, env });
  await running.until(gate.arrival());
  await expect.poll(started).toContain('start');
  running.kill('SIGKILL');
  await running.done;
  const dead = `select id from run_job.runs r where status = 'running' and not exists (
    select from pg_locks where locktype = 'advisory' and (classid::bigint << 32 | objid::bigint) = r.lock_key)`;
  await expect.poll(async () => (await database.query(dead)).length).toBe(1);
  const [{ id } = { id: '' }] = await database.query<{ id: string }>('select id from run_job.runs');
  return id;
}

const finders = {
  'run-job notify': async (database: TestDatabase, env: RunOptions['env']) => {
    const { exitCode, stdout } = await runToEnd(['notify'], { database, env: { ...env } });
    expect({ exitCode, stdout }).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('1 run was lost') });
  },
  'run-job cancel': async (database: TestDatabase, env: RunOptions['env'], id: string) => {
    const { exitCode, stdout } = await runToEnd(['cancel', id], { database, env: { ...env } });
    expect({ exitCode, stdout }).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('was dead already') });
  },
  'the console, by itself': async (database: TestDatabase, env: RunOptions['env']) => {
    await using console = await serveConsole({ database, env: { ...env } });
    await expect
      .poll(async () => (await database.query('select status from run_job.runs'))[0])
      .toEqual({ status: 'lost' });
    console.running.kill('SIGTERM');
    expect((await console.running.done).exitCode).toBe(0);
  },
  'a person at the console': async (database: TestDatabase, env: RunOptions['env'], id: string) => {
    // Whose role closes records and sends nothing, so that the console finds none by itself.
    await database.query(`do $$ begin create role console_${database.name} login password 'x'; end $$`);
    const role = `console_${database.name}`;
    for (const grant of [
      `usage on schema run_job to ${role}`,
      `select on all tables in schema run_job to ${role}`,
      `insert on run_job.cancellations, run_job.audit to ${role}`,
      `update (status, exit_code, ended_at, error) on run_job.runs to ${role}`,
    ])
      await database.query(`grant ${grant}`);
    const url = Object.assign(new URL(database.url), { username: role, password: 'x' }).href;
    try {
      await using console = await serveConsole({
        database: { ...database, url },
        env: { ...env },
        args: ['--actions'],
      });
      // Its own page says already that it is lost, and offers nothing; one that was open before does.
      const page = await ask(console.url, '/jobs/nightly');
      const cookie = String(page.headers['set-cookie']).split(';')[0] ?? '';
      const token = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
      const sent = form({ csrf: token, why: 'dead' }, { cookie, origin: console.url });
      const { status, text } = await ask(console.url, `/runs/${id}/cancel`, sent);
      expect(status, text).toBe(303);
      await expect
        .poll(async () => (await database.query('select status from run_job.runs'))[0])
        .toEqual({ status: 'lost' });
      await expect.poll(() => heardOf.get(database.name)?.()).toContain('fail');
    } finally {
      await database.query(`drop owned by ${role}; drop role ${role}`);
    }
  },
} as const;

/** What the check of a database's runs has heard. */
const heardOf = new Map<string, () => readonly string[]>();

test.for(Object.entries(finders))('%s', async ([_, find]) => {
  await using services = await startCheckInServices();
  await using database = await createDatabase();
  heardOf.set(database.name, () => services.of('healthchecks'));
  const env = {
    RUN_JOB_CHECKINS: `${services.healthchecks}\n${services.sentry}`,
    RUN_JOB_NOTIFY_TIMEOUT_MS: '20000',
    JOB_UID: randomUUID(),
    RUN_JOB_RETRIES: '0',
  };
  const id = await killedRun(database, env, () => services.of('healthchecks'));
  await find(database, { ...env, JOB_UID: undefined, RUN_JOB_RETRIES: undefined }, id);
  await expect.poll(() => services.of('healthchecks')).toEqual(['start', 'fail']);
  await expect.poll(() => services.of('sentry')).toEqual(['in_progress', 'error']);
  expect(new Set(services.told.map(({ id: checkIn }) => checkIn)).size).toBe(1);
  expect(services.checks.get(CHECK)).toEqual({ status: 'down', startedWith: undefined });
  // Once: who looks next has nothing to tell.
  await runToEnd(['notify'], { database, env });
  expect(services.of('healthchecks')).toEqual(['start', 'fail']);
});

test('a finder that is killed between closing a record and telling of it leaves it to the next, which tells it once', async () => {
  await using services = await startCheckInServices();
  await using database = await createDatabase();
  const env = {
    RUN_JOB_CHECKINS: services.healthchecks,
    RUN_JOB_NOTIFY_TIMEOUT_MS: '20000',
    JOB_UID: randomUUID(),
    RUN_JOB_RETRIES: '0',
  };
  await killedRun(database, env, () => services.of('healthchecks'));
  services.forever = { status: 500, delayMs: Number.POSITIVE_INFINITY };
  const finder = { ...env, JOB_UID: undefined, RUN_JOB_RETRIES: undefined };
  await using killed = runJob(['notify'], { database, env: finder });
  await expect.poll(() => services.requests.filter(({ path }) => path.endsWith('/fail')).length).toBe(1);
  expect(await database.query('select status from run_job.runs')).toEqual([{ status: 'lost' }]);
  killed.kill('SIGKILL');
  await killed.done;
  services.forever = undefined;
  // Its finder may still be at it.
  await runToEnd(['notify'], { database, env: finder });
  expect(services.of('healthchecks')).toEqual(['start']);
  await database.query('update run_job.untold set next_try_at = now()');
  // Who doesn't know where to tell leaves it to who does.
  await runToEnd(['notify'], { database, env: { ...finder, RUN_JOB_CHECKINS: undefined } });
  await runToEnd(['notify'], { database, env: finder });
  expect(services.of('healthchecks')).toEqual(['start', 'fail']);
  expect(await database.query('select from run_job.untold')).toEqual([]);
});

test('a run that finds one before it is killed leaves it too; once the name has succeeded, it is no news', async () => {
  await using services = await startCheckInServices();
  await using database = await createDatabase();
  const env = { RUN_JOB_CHECKINS: services.healthchecks, RUN_JOB_NOTIFY_TIMEOUT_MS: '20000' };
  await killedRun(database, env, () => services.of('healthchecks'));
  services.forever = { status: 500, delayMs: Number.POSITIVE_INFINITY };
  await using gate = await openGate();
  await using next = runJob(['waits', '--as', 'nightly', '--param', `gate=${gate.path}`], { database, env });
  await next.until(gate.arrival());
  next.kill('SIGKILL');
  await next.done;
  services.forever = undefined;
  expect(await database.query('select from run_job.untold')).toHaveLength(1);
  const { summary } = await runToEnd(['noop', '--as', 'nightly'], { database, env });
  expect(summary).toMatchObject({ exitCode: 0 });
  // Of the second, which this one has found.
  expect(services.of('healthchecks')).toEqual(['start', 'fail', 'start', 'success']);
  await database.query('update run_job.untold set next_try_at = now()');
  await runToEnd(['notify'], { database, env });
  expect(services.of('healthchecks')).toEqual(['start', 'fail', 'start', 'success']);
  expect(await database.query('select from run_job.untold')).toEqual([]);
});

test('a schema that lacks the newest step is told with the remedy', async () => {
  await using database = await createDatabase();
  await database.query('drop function run_job.take_untold');
  const { exitCode, stderr } = await runToEnd(['notify'], {
    database,
    env: { RUN_JOB_CHECKINS: 'https://hc.invalid/ping' },
  });
  expect({ exitCode, stderr }).toEqual({
    exitCode: 78,
    stderr: expect.stringMatching(/^run-job: .*run `run-job migrate`\n$/),
  });
});

test('a pod that Kubernetes replaces is no failure yet, whoever finds it', async () => {
  await using services = await startCheckInServices();
  await using database = await createDatabase();
  const env = {
    RUN_JOB_CHECKINS: `${services.healthchecks}\n${services.sentry}`,
    RUN_JOB_NOTIFY_TIMEOUT_MS: '20000',
    JOB_UID: randomUUID(),
    RUN_JOB_RETRIES: '2',
  };
  await killedRun(database, env, () => services.of('healthchecks'));
  await runToEnd(['notify'], { database, env });
  expect(services.of('healthchecks')).toEqual(['start', 'log']);
  expect(services.of('sentry')).toEqual(['in_progress']);
});

test('two shards that are found lost are told as one failure', async () => {
  await using services = await startCheckInServices();
  await using database = await createDatabase();
  const shared = {
    RUN_JOB_CHECKINS: services.healthchecks,
    RUN_JOB_NOTIFY_TIMEOUT_MS: '20000',
    JOB_UID: randomUUID(),
    RUN_JOB_RETRIES: '0',
    RUN_JOB_SHARDS: '2',
  };
  await using gate = await openGate();
  const args = ['waits', '--as', 'nightly', '--param', `gate=${gate.path}`, '--scheduled-at', '2026-11-23T02:00:00Z'];
  await using first = runJob(args, { database, env: { ...shared, JOB_COMPLETION_INDEX: '0' } });
  await first.until(gate.arrival());
  await using second = runJob(args, { database, env: { ...shared, JOB_COMPLETION_INDEX: '1' } });
  await second.until(gate.arrival());
  await expect.poll(() => services.of('healthchecks')).toEqual(['start']);
  for (const shard of [first, second]) {
    shard.kill('SIGKILL');
    await shard.done;
  }
  const lost = async () => {
    await runToEnd(['notify'], { database, env: { RUN_JOB_CHECKINS: services.healthchecks } });
    return (await database.query(`select from run_job.runs where status = 'lost'`)).length;
  };
  await expect.poll(lost).toBe(2);
  expect(services.of('healthchecks')).toEqual(['start', 'fail']);
});

test('a run that never checked in is told to nobody', async () => {
  await using services = await startCheckInServices();
  await using database = await createDatabase();
  await using gate = await openGate();
  await using running = runJob(['waits', '--as', 'nightly', '--param', `gate=${gate.path}`], { database });
  await running.until(gate.arrival());
  running.kill('SIGKILL');
  await running.done;
  const look = async () => {
    const { stdout } = await runToEnd(['notify'], { database, env: { RUN_JOB_CHECKINS: services.healthchecks } });
    return stdout;
  };
  await expect.poll(look).toContain('1 run was lost');
  expect(services.told).toEqual([]);
});

test('the console sends what no run could, and only looks where its role may do no more', async () => {
  await using receiver = await startNotificationReceiver();
  await using database = await createDatabase();
  const env = { RUN_JOB_NOTIFY: receiver.webhook, RUN_JOB_NOTIFY_SECRET: SECRET };
  await runToEnd(['throws', '--param', 'kind=error', '--as', 'nightly'], { database });
  const role = `looks_${database.name}`;
  await database.query(`create role ${role} login password 'x'`);
  await database.query(
    `grant usage on schema run_job to ${role}; grant select on all tables in schema run_job to ${role}`,
  );
  const url = Object.assign(new URL(database.url), { username: role, password: 'x' }).href;
  try {
    await using looking = await serveConsole({ database: { ...database, url }, env });
    await expect.poll(looking.said).toContain(`GRANT SELECT, UPDATE ON run_job.notifications TO ${role}`);
    expect((await ask(looking.url, '/')).status).toBe(200);
    expect(receiver.requests).toEqual([]);
    looking.running.kill('SIGTERM');
    expect((await looking.running.done).exitCode).toBe(0);
    await database.query(`grant update on run_job.notifications to ${role}`);
    await using sending = await serveConsole({ database: { ...database, url }, env });
    await expect.poll(() => receiver.events.map(({ type }) => type)).toEqual(['run_job.failed']);
    await expect.poll(sending.said).toContain('1 notification sent');
    sending.running.kill('SIGTERM');
    expect((await sending.running.done).exitCode).toBe(0);
  } finally {
    await database.query(`drop owned by ${role}; drop role ${role}`);
  }
});
