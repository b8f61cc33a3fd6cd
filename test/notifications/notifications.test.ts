// Only what changes is notified of, once, with all that is known of it; by the built executable.
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { serveConsole } from '../console/support.ts';
import type { TestDatabase } from '../support/database.ts';
import { onEveryPostgres } from '../support/every-postgres.ts';
import { openGate } from '../support/gate.ts';
import { type NotificationReceiver, SECRET, startNotificationReceiver } from '../support/notification-receiver.ts';
import { runJob, runToEnd } from '../support/run-job.ts';
import { killAtRandom } from './kill-at-random.ts';

const notifying = (receiver: NotificationReceiver, to = receiver.webhook) => ({
  RUN_JOB_NOTIFY: to,
  RUN_JOB_NOTIFY_SECRET: SECRET,
  RUN_JOB_NOTIFY_TIMEOUT_MS: '20000',
});

/** A run of the name `nightly` that succeeds or fails. */
const run = (database: TestDatabase, good: boolean, env: Record<string, string> = {}) =>
  runToEnd([...(good ? ['noop'] : ['throws', '--param', 'kind=causes']), '--as', 'nightly'], { database, env });

const outbox = (database: TestDatabase) =>
  database.query<{ key: string; kind: string; name: string; done: boolean; tries: number }>(
    'select key, kind, name, done_at is not null as done, tries from run_job.notifications order by created_at, key',
  );

const kinds = async (database: TestDatabase) => (await outbox(database)).map(({ kind }) => kind);

async function apply(database: TestDatabase, schedule: object): Promise<void> {
  const path = join(inject('scratchFolder'), `notified-${randomUUID()}.json`);
  writeFileSync(path, JSON.stringify({ source: 'test/test', schedules: [schedule] }));
  const { exitCode, stderr } = await runToEnd(['schedules', 'apply', '--file', path], { database });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
}

const notify = (database: TestDatabase, env: Record<string, string>) => runToEnd(['notify'], { database, env });

onEveryPostgres((create) => {
  const createDatabase = () => create({ migrated: true });

  test('the first failure and the recovery are told, and nothing in between', async () => {
    await using receiver = await startNotificationReceiver();
    await using database = await createDatabase();
    const env = notifying(receiver);
    for (const good of [true, false, false, false, true, true]) await run(database, good, env);
    expect(receiver.events.map(({ type, subject }) => [type, subject])).toEqual([
      ['run_job.failed', 'nightly'],
      ['run_job.recovered', 'nightly'],
    ]);
    expect(receiver.events[1]?.data).toMatchObject({ failures: 3 });
    expect((await outbox(database)).every(({ done }) => done)).toBe(true);
  });

  test('with notifyEvery, every so many failures are told', async () => {
    await using receiver = await startNotificationReceiver();
    await using database = await createDatabase();
    await apply(database, { name: 'nightly', schedule: '0 0 1 1 *', notifyEvery: 2 });
    for (let failures = 0; failures < 5; failures += 1) await run(database, false, notifying(receiver));
    expect(receiver.events.map(({ data }) => data.failures)).toEqual([1, 2, 4]);
  });

  test('the breaker that pauses a name is told, and a person who does is not', async () => {
    await using receiver = await startNotificationReceiver();
    await using database = await createDatabase();
    await apply(database, { name: 'nightly', schedule: '0 0 1 1 *', pauseAfter: 2 });
    for (let failures = 0; failures < 2; failures += 1) await run(database, false, notifying(receiver));
    await notify(database, notifying(receiver));
    expect(receiver.events.map(({ type }) => type)).toEqual(['run_job.failed', 'run_job.paused']);
    expect(receiver.events[1]?.data.text.split('\n')).toEqual([
      'nightly was paused after 2 failures in a row, and runs no more until somebody resumes it',
      'look further: run-job status nightly',
    ]);
    await runToEnd(['resume', 'nightly'], { database });
    await runToEnd(['pause', 'nightly', '--why', 'by hand'], { database });
    await notify(database, notifying(receiver));
    expect(receiver.events).toHaveLength(2);
  });

  test('a failure that Kubernetes tries again is no news, and that of the last pod is', async () => {
    await using receiver = await startNotificationReceiver();
    await using database = await createDatabase();
    const env = { ...notifying(receiver), JOB_UID: randomUUID(), RUN_JOB_RETRIES: '2' };
    await run(database, false, env);
    await run(database, false, env);
    expect(receiver.events).toEqual([]);
    await run(database, false, env);
    expect(receiver.events.map(({ data }) => data.pod)).toEqual([{ number: 3, of: 3 }]);
  });

  test('of shards that fail, one is told; and one recovery, when all are done', async () => {
    await using receiver = await startNotificationReceiver();
    await using database = await createDatabase();
    const ofJob = () => ({ ...notifying(receiver), JOB_UID: randomUUID(), RUN_JOB_RETRIES: '0', RUN_JOB_SHARDS: '2' });
    const failing = ofJob();
    for (const index of ['0', '1']) await run(database, false, { ...failing, JOB_COMPLETION_INDEX: index });
    expect(receiver.events.map(({ type }) => type)).toEqual(['run_job.failed']);
    const good = ofJob();
    await run(database, true, { ...good, JOB_COMPLETION_INDEX: '0' });
    expect(receiver.events).toHaveLength(1);
    await run(database, true, { ...good, JOB_COMPLETION_INDEX: '1' });
    expect(receiver.events.map(({ type }) => type)).toEqual(['run_job.failed', 'run_job.recovered']);
  });

  test('a dry run, a cancelled slot and a typing error of a person are no news', async () => {
    await using database = await createDatabase();
    await runToEnd(['throws', '--param', 'kind=error', '--dry-run'], { database });
    await runToEnd(['noop', '--param', 'unknown=1'], { database });
    expect(await outbox(database)).toEqual([]);
  });

  test('the text says who, what failed in the root cause’s words, which pod, whose it is, and where to look further', async () => {
    await using receiver = await startNotificationReceiver();
    await using database = await createDatabase();
    await apply(database, {
      name: 'nightly',
      schedule: '0 0 1 1 *',
      owner: 'payments',
      runbook: 'https://wiki/nightly',
    });
    const { summary } = await runToEnd(
      ['throws', '--param', 'kind=causes', '--as', 'nightly', '--scheduled-at', '2026-11-23T02:00:00Z'],
      {
        database,
        env: {
          ...notifying(receiver, `${receiver.webhook} ${receiver.slack}`),
          RUN_JOB_CONSOLE_URL: 'https://run-job.example.com/',
          RUN_JOB_ENVIRONMENT: 'production',
          TRACEPARENT: '00-8f431b7aa08441bbbd5a0100fd91f9fe-00f067aa0ba902b7-01',
          JOB_UID: 'u',
          RUN_JOB_RETRIES: '0',
        },
      },
    );
    const text = [
      'nightly (production) failed',
      'innermost',
      'slot 2026-11-23 02:00 UTC, failed, exit code 1, pod 1 of 1',
      'owner: payments',
      'runbook: https://wiki/nightly',
      'trace: 8f431b7aa08441bbbd5a0100fd91f9fe',
      `https://run-job.example.com/runs/${summary.runId}`,
      `look further: run-job show ${summary.runId}`,
    ];
    expect(receiver.events[0]?.data.text.split('\n')).toEqual(text);
    expect(receiver.texts[0]?.split('\n')).toEqual([`*${text[0]}*`, ...text.slice(1)]);
    expect(receiver.events[0]?.id).toBe(`failed:${summary.runId}`);
  });

  test('what can’t be sent is sent by the next who looks, to whom lacks it', async () => {
    await using receiver = await startNotificationReceiver();
    await using other = await startNotificationReceiver();
    await using database = await createDatabase();
    other.status = 500;
    const env = notifying(receiver, `${receiver.webhook} ${other.webhook}`);
    const { summary, lines } = await run(database, false, env);
    expect(summary.exitCode).toBe(1);
    expect(
      lines
        .filter(({ level }) => level === 'warn')
        .map(({ msg }) => msg)
        .join(),
    ).toContain('it answered 500');
    expect([receiver.events.length, other.events.length]).toEqual([1, 0]);
    other.status = undefined;
    // Not due yet: whoever has taken it may still be at it.
    expect((await notify(database, env)).stdout).toContain('0 sent');
    await database.query('update run_job.notifications set next_try_at = now()');
    expect(await notify(database, env)).toMatchObject({ exitCode: 0 });
    expect([receiver.events.length, other.events.length]).toEqual([1, 1]);
  });

  test('what was written while the database’s clock was ahead is sent once it is set back', async () => {
    await using receiver = await startNotificationReceiver();
    await using database = await createDatabase();
    await run(database, false);
    await database.query(
      `update run_job.notifications set created_at = created_at + interval '3 days', next_try_at = next_try_at + interval '3 days'`,
    );
    expect((await notify(database, notifying(receiver))).exitCode).toBe(0);
    expect(receiver.events.map(({ type }) => type)).toEqual(['run_job.failed']);
  });

  test('a receiver that is silent holds up no run, and notify says so by its exit code', async () => {
    await using receiver = await startNotificationReceiver();
    await using database = await createDatabase();
    receiver.silent = true;
    const { summary } = await run(database, false, { ...notifying(receiver), RUN_JOB_NOTIFY_TIMEOUT_MS: '500' });
    expect(summary).toMatchObject({ status: 'failed', exitCode: 1 });
    receiver.silent = false;
    receiver.status = 404;
    await database.query('update run_job.notifications set next_try_at = now()');
    const ended = await notify(database, notifying(receiver));
    expect(ended.exitCode).toBe(69);
    expect(ended.stdout).toContain('it answered 404');
    expect(ended.stdout + ended.stderr).not.toContain('/hook');
  });

  test('a run that was killed is told as lost by whoever looks, also where no other run comes', async () => {
    await using receiver = await startNotificationReceiver();
    await using database = await createDatabase();
    await using gate = await openGate();
    await using killed = runJob(['waits', '--as', 'nightly', '--param', `gate=${gate.path}`], { database });
    await killed.until(gate.arrival());
    killed.kill('SIGKILL');
    await killed.done;
    const look = async () => {
      await notify(database, notifying(receiver));
      return kinds(database);
    };
    await expect.poll(look).toEqual(['lost']);
    expect(receiver.events.map(({ type }) => type)).toEqual(['run_job.lost']);
    await run(database, true, notifying(receiver));
    expect(receiver.events.map(({ type }) => type)).toEqual(['run_job.lost', 'run_job.recovered']);
  });

  test('slots that nobody ran are told once, until the name succeeds', async () => {
    await using receiver = await startNotificationReceiver();
    await using database = await createDatabase();
    await apply(database, { name: 'nightly', schedule: '* * * * *', lateAfter: '1s' });
    await database.query(
      `update run_job.schedules set valid_from = valid_from - interval '10 minutes', settled_to = settled_to - interval '10 minutes'`,
    );
    const env = notifying(receiver);
    await notify(database, env);
    await notify(database, env);
    expect(receiver.events.map(({ type }) => type)).toEqual(['run_job.missed']);
    expect(receiver.events[0]?.data.text).toMatch(/^nightly missed its slot \d{4}-/);
    await run(database, true, env);
    expect(receiver.events.map(({ type }) => type)).toEqual(['run_job.missed', 'run_job.recovered']);
  });

  test('a slot that is late, and may still be begun, is told as overdue', async () => {
    await using receiver = await startNotificationReceiver();
    await using database = await createDatabase();
    await apply(database, { name: 'nightly', schedule: '0 * * * *', lateAfter: '1s' });
    await database.query(
      `update run_job.schedules set valid_from = date_trunc('hour', now()) - interval '1 minute', settled_to = date_trunc('hour', now()) - interval '1 minute'`,
    );
    await notify(database, notifying(receiver));
    expect(receiver.events.map(({ type }) => type)).toEqual(['run_job.overdue']);
  });
});

test('a name with full stops, in two environments: each of both is told by an id of its own, without one', async () => {
  const { createDatabase } = await import('../support/database.ts');
  await using receiver = await startNotificationReceiver();
  const ids: string[] = [];
  for (const environment of ['staging', 'pro.duction']) {
    await using database = await createDatabase();
    await apply(database, { name: 'nightly.eu', schedule: '* * * * *', lateAfter: '1s' });
    await database.query(
      `update run_job.schedules set valid_from = '2026-11-23 01:59:30Z', settled_to = '2026-11-23 01:59:30Z'`,
    );
    await notify(database, { ...notifying(receiver), RUN_JOB_ENVIRONMENT: environment });
    ids.push(...receiver.events.slice(ids.length).map(({ id }) => id));
  }
  expect(ids).toEqual([
    'staging:missed:nightly~eu:2026-11-23T02:00:00Z',
    'pro~duction:missed:nightly~eu:2026-11-23T02:00:00Z',
  ]);
});

test.for([
  ['no prefix', 'c2lnbmVkLWJ5LXVzLWFuZC1ub2JvZHktZWxzZQ=='],
  ['too short', 'whsec_c2hvcnQ='],
  ['no base64', 'whsec_signed-by-us-and-nobody-else!'],
  ['too long', `whsec_${Buffer.alloc(65).toString('base64')}`],
] as const)('a secret with %s: a sentence without it, and the notification waits', async ([_, secret]) => {
  const { createDatabase } = await import('../support/database.ts');
  await using receiver = await startNotificationReceiver();
  await using database = await createDatabase();
  const env = { ...notifying(receiver), RUN_JOB_NOTIFY_SECRET: secret };
  const { summary, lines, stdout, stderr } = await run(database, false, env);
  expect(summary.exitCode).toBe(1);
  const warnings = lines.filter(({ level }) => level === 'warn').map(({ msg }) => msg);
  expect(warnings.join()).toContain('RUN_JOB_NOTIFY_SECRET must be whsec_ and 24 to 64 bytes in base64');
  expect(stdout + stderr).not.toContain(secret);
  expect((await outbox(database)).map(({ done }) => done)).toEqual([false]);
  const doctor = await runToEnd(['doctor', '--json'], { env });
  expect(JSON.parse(doctor.stdout)).toContainEqual({
    check: 'alerting',
    verdict: 'misconfigured',
    message: expect.stringContaining('RUN_JOB_NOTIFY_SECRET must be'),
  });
  await notify(database, notifying(receiver));
  await database.query('update run_job.notifications set next_try_at = now()');
  await notify(database, notifying(receiver));
  expect(receiver.events).toHaveLength(1);
});

test('links lead to pages of the console', async () => {
  const { createDatabase } = await import('../support/database.ts');
  await using receiver = await startNotificationReceiver();
  await using database = await createDatabase();
  await using console = await serveConsole({ database });
  const { url } = console;
  const env = { ...notifying(receiver), RUN_JOB_CONSOLE_URL: `${url}/` };
  await run(database, false, env);
  await apply(database, { name: 'a.b-c_d', schedule: '* * * * *', lateAfter: '1s' });
  await database.query(
    `update run_job.schedules set valid_from = valid_from - interval '10 minutes', settled_to = settled_to - interval '10 minutes'`,
  );
  await notify(database, env);
  const links = receiver.events.map(({ data }) => String(data.link));
  expect(links.map((link) => new URL(link).pathname.split('/')[1])).toEqual(['runs', 'jobs']);
  for (const link of links) {
    // What the console shows may be two seconds old.
    await expect.poll(async () => (await fetch(link)).status, { timeout: 10_000 }).toBe(200);
    expect(await (await fetch(link)).text()).toContain(link.includes('/runs/') ? 'nightly' : 'a.b-c_d');
  }
});

test('kill -9 at random moments: after the next look every notification exists once by its key', async () => {
  const { createDatabase } = await import('../support/database.ts');
  await using receiver = await startNotificationReceiver();
  await using database = await createDatabase();
  // A hundred and more: npm run bench -- notifications.
  const found = await killAtRandom(20, { database, env: notifying(receiver) });
  expect(found.records).toBeGreaterThan(3);
  expect(found.keys).toEqual(found.expected);
  expect(new Set(receiver.events.map(({ id }) => id))).toEqual(new Set(found.expected));
});
