// What should have happened: schedules applied, slots that passed without a run, and how status tells of them; by the built executable.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, inject, test } from 'vitest';
import { endOf, runOf, slotOf } from '../contracts/runs.ts';
import { adapterOf } from '../postgres/support.ts';
import type { TestDatabase } from '../support/database.ts';
import { onEveryPostgres } from '../support/every-postgres.ts';
import { openGate } from '../support/gate.ts';
import { runJob, runToEnd } from '../support/run-job.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

interface Told {
  readonly name: string;
  readonly health: string;
  readonly missed: number;
  readonly overdueSince?: string;
  readonly next: readonly string[];
  readonly slots: readonly { at: string; state: string; reason?: string }[];
}

let files = 0;

/** A file with these entries. */
function scheduleFile(schedules: readonly object[], source = 'test/test'): string {
  const path = join(inject('scratchFolder'), `schedules-${process.pid}-${files++}.json`);
  writeFileSync(path, JSON.stringify({ source, schedules }));
  return path;
}

async function apply(database: TestDatabase, ...schedules: readonly object[]): Promise<void> {
  const { exitCode, stderr } = await runToEnd(['schedules', 'apply', '--file', scheduleFile(schedules)], { database });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
}

/** As if the schedules had been in force for so long. */
const since = (database: TestDatabase, ms: number) =>
  database.query(
    `UPDATE run_job.schedules SET valid_from = valid_from - $1::float8 * interval '1 millisecond', settled_to = settled_to - $1::float8 * interval '1 millisecond'`,
    [ms],
  );

const status = async (database: TestDatabase, name: string): Promise<Told> => {
  const { stdout, exitCode, stderr } = await runToEnd(['status', name, '--json'], { database });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return JSON.parse(stdout) as Told;
};

const missedOf = (database: TestDatabase) =>
  database.query<{ name: string; at: Date; reason: string }>(
    `SELECT name, scheduled_at AS at, reason FROM run_job.runs WHERE status = 'missed' ORDER BY name, scheduled_at`,
  );

/** The newest slot of every minute that has passed, and those before it. */
const minuteBack = (minutes: number) => new Date(Math.floor(Date.now() / MINUTE) * MINUTE - minutes * MINUTE);
const hourBack = (hours: number) => new Date(Math.floor(Date.now() / HOUR) * HOUR - hours * HOUR);

onEveryPostgres((create) => {
  const createDatabase = () => create({ migrated: true });

  test('slots that nobody started are missed, once they can no longer be started; status says since when', async () => {
    await using database = await createDatabase();
    await apply(database, { name: 'noop', schedule: '0 * * * *', startingDeadlineSeconds: 300, lateAfter: '5m' });
    await since(database, 4 * HOUR + 10 * MINUTE);
    const told = await status(database, 'noop');
    const missed = await missedOf(database);
    expect(missed.length).toBeGreaterThanOrEqual(4);
    expect(missed.every(({ reason }) => reason === 'unknown')).toBe(true);
    expect(told).toMatchObject({ health: 'overdue', overdueSince: missed[0]?.at.toISOString(), missed: missed.length });
    expect(told.slots.filter(({ state }) => state === 'missed')).toHaveLength(missed.length);
    const checked = await runToEnd(['status', '--check'], { database });
    expect(checked.exitCode).toBe(1);
    expect(checked.stdout).toMatch(/^noop +overdue \dh? /m);
  });

  test('a slot that may still be started is late and not missed, and is done when its run has succeeded', async () => {
    await using database = await createDatabase();
    await apply(database, { name: 'noop', schedule: '* * * * *', startingDeadlineSeconds: 3_600, lateAfter: '2m' });
    await since(database, 4 * MINUTE + 30_000);
    const told = await status(database, 'noop');
    expect(told.health).toBe('overdue');
    expect(told.slots.filter(({ state }) => state === 'late').length).toBeGreaterThanOrEqual(2);
    expect(await missedOf(database)).toEqual([]);
    // The controller starts the newest of them only: those before it are missed from then on. The minute may turn meanwhile.
    const at = minuteBack(1);
    const ran = await runToEnd(['noop', '--scheduled-at', at.toISOString()], { database });
    expect(ran.exitCode).toBe(0);
    const after = await status(database, 'noop');
    expect(after.health).toBe('ok');
    expect(after.slots.find((slot) => slot.at === at.toISOString())?.state).toBe('done');
    const missed = await missedOf(database);
    expect(missed.length).toBeGreaterThanOrEqual(1);
    expect(missed.every((slot) => slot.at < at)).toBe(true);
  });

  test('of fifty who notice at once, each missed slot is recorded once', async () => {
    await using database = await createDatabase();
    await apply(
      database,
      ...['a', 'b', 'c'].map((name) => ({
        name,
        schedule: '*/30 * * * *',
        startingDeadlineSeconds: 60,
        lateAfter: '1m',
      })),
    );
    await since(database, 24 * HOUR);
    const { noticeMissed } = await import('../../src/app/missed-slots.ts');
    const { withConnection } = await import('../../src/postgres/connect.ts');
    const { serverAt } = await import('../postgres/server-at.ts');
    const noticed = await Promise.all(
      Array.from({ length: 50 }, () =>
        withConnection(serverAt(database.url, 60_000), (connection) => noticeMissed(connection, new Date())),
      ),
    );
    const missed = await missedOf(database);
    expect(missed.length).toBeGreaterThanOrEqual(3 * 47);
    expect(new Set(missed.map(({ name, at }) => `${name} ${at.toISOString()}`)).size).toBe(missed.length);
    expect(noticed.reduce((sum, { recorded }) => sum + recorded, 0)).toBe(missed.length);
  });

  test('a slot during which the run before was still under way says so', async () => {
    await using database = await createDatabase();
    await using adapter = adapterOf(database);
    await apply(database, { name: 'report', schedule: '0 * * * *', startingDeadlineSeconds: 60, lateAfter: '1m' });
    await since(database, 4 * HOUR);
    const run = runOf(slotOf('report', undefined, hourBack(3)), { startedAt: hourBack(3) });
    await adapter.history.record(run, endOf({ endedAt: new Date(hourBack(2).getTime() + 30 * MINUTE) }));
    const told = await status(database, 'report');
    const state = (hours: number) => told.slots.find(({ at }) => at === hourBack(hours).toISOString());
    expect(state(3)).toMatchObject({ state: 'done' });
    expect(state(2)).toMatchObject({ state: 'missed', reason: 'previous_running' });
    expect(state(1)).toMatchObject({ state: 'missed', reason: 'unknown' });
  });

  test('each slot during which a run was under way says so, whoever has looked in between', async () => {
    await using database = await createDatabase();
    await using adapter = adapterOf(database);
    for (const name of ['report', 'killed']) {
      await apply(database, { name, schedule: '0 * * * *', startingDeadlineSeconds: 60, lateAfter: '1m' });
      await database.query(`UPDATE run_job.schedules SET source = name WHERE name = $1`, [name]);
    }
    await since(database, 7 * HOUR);
    const start = (name: string, deadline: number) =>
      runOf(slotOf(name, undefined, hourBack(6)), { startedAt: hourBack(6), deadline: hourBack(deadline) });
    await adapter.history.record(start('report', 0), endOf({ endedAt: new Date(hourBack(2).getTime() + 30 * MINUTE) }));
    // Its record says that it runs, and it can't any more.
    await adapter.history.start(start('killed', 4));
    const { noticeMissed } = await import('../../src/app/missed-slots.ts');
    const { withConnection } = await import('../../src/postgres/connect.ts');
    const { serverAt } = await import('../postgres/server-at.ts');
    for (const hours of [4, 3, 2, 1, 0]) {
      const now = new Date(hourBack(hours).getTime() + 10 * MINUTE);
      await withConnection(serverAt(database.url), (connection) => noticeMissed(connection, now));
    }
    const reasons = (await missedOf(database)).filter(({ at }) => at >= hourBack(5) && at <= hourBack(1));
    expect(reasons.map(({ name, reason }) => `${name} ${reason}`)).toEqual([
      'killed previous_running',
      'killed unknown',
      'killed unknown',
      'killed unknown',
      'killed unknown',
      'report previous_running',
      'report previous_running',
      'report previous_running',
      'report previous_running',
      'report unknown',
    ]);
  });

  test('slots in a blackout and of a suspended schedule are expected of nobody', async () => {
    await using database = await createDatabase();
    await apply(
      database,
      {
        name: 'noop',
        schedule: '0 * * * *',
        startingDeadlineSeconds: 60,
        lateAfter: '1m',
        blackouts: {
          dates: [new Date(Date.now() - 24 * HOUR), new Date()].map((day) => day.toISOString().slice(0, 10)),
        },
      },
      { name: 'ends', schedule: '0 * * * *', suspend: true, lateAfter: '1m' },
    );
    await since(database, 3 * HOUR);
    const told = await status(database, 'noop');
    expect(told.health).toBe('unknown');
    expect(told.slots.length).toBeGreaterThanOrEqual(2);
    expect(told.slots.every(({ state, reason }) => state === 'skipped' && reason === 'blackout')).toBe(true);
    expect(await status(database, 'ends')).toMatchObject({ health: 'suspended', next: [], slots: [] });
    expect(await missedOf(database)).toEqual([]);
  });

  test('a run tells of its own schedule where nobody has, once, and what was applied stays', async () => {
    await using database = await createDatabase();
    const env = {
      RUN_JOB_SCHEDULE: '0 2 * * *',
      RUN_JOB_TIME_ZONE: 'Europe/Berlin',
      CRONJOB_NAME: 'x-noop',
      POD_NAMESPACE: 'jobs',
    };
    const known = () =>
      database.query(
        `SELECT cron, time_zone, source, cronjob_name, namespace, valid_to IS NULL AS open FROM run_job.schedules ORDER BY id`,
      );
    await Promise.all([1, 2, 3].map(() => runToEnd(['noop'], { database, env })));
    await runToEnd(['noop'], { database, env });
    const first = {
      cron: '0 2 * * *',
      time_zone: 'Europe/Berlin',
      source: 'run',
      cronjob_name: 'x-noop',
      namespace: 'jobs',
    };
    expect(await known()).toEqual([{ ...first, open: true }]);
    await runToEnd(['noop'], { database, env: { ...env, RUN_JOB_SCHEDULE: '0 3 * * *' } });
    expect(await known()).toEqual([
      { ...first, open: false },
      { ...first, cron: '0 3 * * *', open: true },
    ]);
    await apply(database, { name: 'noop', schedule: '0 4 * * *' });
    await runToEnd(['noop'], { database, env });
    expect((await known()).at(-1)).toMatchObject({ cron: '0 4 * * *', source: 'test/test', open: true });
  });

  test('a run tells of its schedule anew when what it does has changed, and of another CronJob beside it', async () => {
    await using database = await createDatabase();
    const brought = { RUN_JOB_SCHEDULE: '0 * * * *', RUN_JOB_TIME_ZONE: 'Etc/UTC', POD_NAMESPACE: 'jobs' };
    const run = async (at: number, env: Record<string, string>) => {
      const slot = hourBack(at).toISOString();
      const ended = await runToEnd(['noop', '--scheduled-at', slot], { database, env: { ...brought, ...env } });
      expect(ended.exitCode, ended.stdout).toBe(0);
    };
    await run(5, { CRONJOB_NAME: 'one' });
    await run(4, { CRONJOB_NAME: 'two' });
    await run(3, { CRONJOB_NAME: 'two', RUN_JOB_SHARDS: '3', JOB_COMPLETION_INDEX: '0' });
    await run(3, { CRONJOB_NAME: 'two', RUN_JOB_SHARDS: '3', JOB_COMPLETION_INDEX: '1' });
    const rows = await database.query(
      'SELECT shards, cronjob_name AS of, valid_to IS NULL AS open FROM run_job.schedules ORDER BY valid_from',
    );
    expect(rows).toEqual([
      { shards: 1, of: 'two', open: false },
      { shards: 3, of: 'two', open: true },
    ]);
  });

  test('schedules are applied also when a run tells of one of them at the same moment', async () => {
    await using database = await createDatabase();
    const client = await database.connect();
    await client.query(
      `BEGIN; INSERT INTO run_job.schedules (name, job, cron, time_zone, source, late_after_ms, valid_from, settled_to)
       VALUES ('noop', 'noop', '0 2 * * *', 'Etc/UTC', 'run', 900000, now(), now())`,
    );
    const file = scheduleFile([{ name: 'noop', schedule: '0 2 * * *' }]);
    const applied = runToEnd(['schedules', 'apply', '--file', file], { database });
    await expect
      .poll(() =>
        database.query(
          `SELECT FROM pg_stat_activity WHERE wait_event = 'transactionid' AND datname = current_database()`,
        ),
      )
      .toHaveLength(1);
    await client.query('COMMIT');
    await client.end();
    expect(await applied).toMatchObject({ exitCode: 0, stdout: 'noop is changed, and was told of by run before\n' });
  });

  test('a later run records what was missed before it', async () => {
    await using database = await createDatabase();
    await apply(database, { name: 'noop', schedule: '0 * * * *', startingDeadlineSeconds: 60, lateAfter: '1m' });
    await since(database, 5 * HOUR);
    const { exitCode, stdout } = await runToEnd(['noop'], { database });
    expect(exitCode, stdout).toBe(0);
    expect((await missedOf(database)).length).toBeGreaterThanOrEqual(4);
  });

  test('with catchUp: all the next run does the missed slots first, the oldest first, as many as it may', async () => {
    await using database = await createDatabase();
    await apply(database, {
      name: 'noop',
      schedule: '0 * * * *',
      startingDeadlineSeconds: 60,
      lateAfter: '1m',
      catchUp: 'all',
      catchUpLimit: 2,
    });
    await since(database, 4 * HOUR + MINUTE);
    const own = hourBack(0);
    const env = {
      RUN_JOB_CATCH_UP: 'all',
      CRONJOB_NAME: 'run-job-noop',
      JOB_NAME: `run-job-noop-${own.getTime() / MINUTE}`,
    };
    const ran = await runToEnd(['noop'], { database, env });
    expect(ran.exitCode, ran.stdout).toBe(0);
    const done = () =>
      database.query<{ at: Date }>(
        `SELECT scheduled_at AS at FROM run_job.runs WHERE status = 'succeeded' ORDER BY started_at, ended_at`,
      );
    const missed = await missedOf(database);
    expect((await done()).map(({ at }) => at)).toEqual([missed[0]?.at, missed[1]?.at, own]);
    // The next run goes on where this one stopped, and a run by hand does its own slot only.
    await runToEnd(['noop', '--scheduled-at', new Date(own.getTime() + 1).toISOString()], { database, env });
    expect(await done()).toHaveLength(4);
    await runToEnd(['noop'], { database, env });
    expect((await done()).at(-1)?.at).toEqual(missed[3]?.at ?? missed[2]?.at);
  });

  describe('with catchUp: all a later run does a missed slot whose run', () => {
    const missTwo = async (database: TestDatabase, name: string) => {
      await apply(database, {
        name,
        schedule: '0 * * * *',
        startingDeadlineSeconds: 60,
        lateAfter: '1m',
        catchUp: 'all',
      });
      await since(database, 2 * HOUR + MINUTE);
      const jobName = `run-job-${name}-${hourBack(0).getTime() / MINUTE}`;
      return { RUN_JOB_CATCH_UP: 'all', CRONJOB_NAME: `run-job-${name}`, JOB_NAME: jobName };
    };
    const left = (database: TestDatabase) =>
      database.query(`SELECT scheduled_at FROM run_job.runs m WHERE status = 'missed'
        AND NOT EXISTS (SELECT FROM run_job.runs r WHERE r.scheduled_at = m.scheduled_at AND r.status = 'succeeded')`);

    test('could not begin', async () => {
      await using database = await createDatabase();
      const env = await missTwo(database, 'noop');
      await using gate = await openGate();
      await using holder = runJob(['waits', '--as', 'noop', '--param', `gate=${gate.path}`], { database });
      await holder.until(gate.arrival());
      const refused = await runToEnd(['noop', '--locked=fail'], { database, env });
      expect(refused).toMatchObject({ exitCode: 75, summary: { status: 'skipped', reason: 'locked' } });
      holder.kill('SIGKILL');
      await holder.done;
      expect((await runToEnd(['noop'], { database, env })).exitCode).toBe(0);
      expect(await left(database)).toEqual([]);
    });

    test('has saved its progress', async () => {
      await using database = await createDatabase();
      const jobs = fileURLToPath(new URL('../checkpoints/jobs', import.meta.url));
      const env = { ...(await missTwo(database, 'keeps')), RUN_JOB_DIRS: jobs };
      const first = await runToEnd(['keeps'], { database, env: { ...env, SAVES: '1', ENDS: 'continues' } });
      expect(first.summary.status).toBe('continued');
      expect((await runToEnd(['keeps'], { database, env })).exitCode).toBe(0);
      expect(await left(database)).toEqual([]);
    });
  });

  test('schedules are listed in words, with the next three times', async () => {
    await using database = await createDatabase();
    const nothing = await runToEnd(['schedules'], { database });
    expect(nothing).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('No schedules are known') });
    await apply(database, { name: 'noop', schedule: '0 2 * * *', timeZone: 'Europe/Berlin', owner: 'payments' });
    const { stdout } = await runToEnd(['schedules'], { database });
    expect(stdout).toMatch(
      /^noop {2}every day at 02:00, Europe\/Berlin \(payments\)\n {6}\d{4}-\d\d-\d\d 02:00, .* 02:00, .* 02:00\n$/,
    );
  });

  test('a file that can not be applied changes nothing and names the entry', async () => {
    await using database = await createDatabase();
    await apply(database, { name: 'noop', schedule: '0 2 * * *' });
    const refused = await runToEnd(
      [
        'schedules',
        'apply',
        '--file',
        scheduleFile([
          { name: 'ends', schedule: '0 2 * *' },
          { name: 'noop', schedule: '0 5 * * *' },
        ]),
      ],
      { database },
    );
    expect(refused).toMatchObject({
      exitCode: 64,
      stdout: '',
      stderr: expect.stringContaining('ends: schedule "0 2 * *"'),
    });
    expect(await database.query('SELECT cron FROM run_job.schedules')).toEqual([{ cron: '0 2 * * *' }]);
  });

  test('a schedule that nobody has looked at for weeks hides no other, also from whoever may only read', async () => {
    await using database = await createDatabase();
    await apply(database, { name: 'a', schedule: '* * * * *' }, { name: 'noop', schedule: '0 * * * *' });
    await since(database, 20 * 24 * HOUR);
    await database.query(`ALTER DATABASE ${database.name} SET default_transaction_read_only = on`);
    const { stdout, stderr } = await runToEnd(['status', '--json'], { database });
    expect(stderr).toContain('this role may not write that down');
    const all = JSON.parse(stdout) as Told[];
    const noop = all.find(({ name }) => name === 'noop');
    expect(noop).toMatchObject({ health: 'overdue', overdueSince: hourBack(20 * 24 - 1).toISOString() });
    // The newest may still be late only.
    expect(noop?.missed).toBeGreaterThanOrEqual(20 * 24 - 2);
  });

  test('a schedule that this version can’t read is told, and hides no other', async () => {
    await using database = await createDatabase();
    await apply(
      database,
      { name: 'noop', schedule: '0 * * * *', startingDeadlineSeconds: 60, lateAfter: '1m' },
      { name: 'of_mars', schedule: '0 2 * * *' },
    );
    await since(database, 4 * HOUR);
    await database.query(`UPDATE run_job.schedules SET time_zone = 'Mars/Olympus' WHERE name = 'of_mars'`);
    const sentence = '"Mars/Olympus" isn\'t an IANA time zone';
    const all = await runToEnd(['status', '--check'], { database });
    expect(all.exitCode).toBe(1);
    expect(all.stdout).toMatch(/^noop +overdue /m);
    expect(all.stdout).toContain(`its schedule can't be read: ${sentence}`);
    await database.query(`DELETE FROM run_job.runs; DELETE FROM run_job.schedules WHERE name = 'noop'`);
    expect((await runToEnd(['status', '--check'], { database })).exitCode).toBe(1);
    const one = await runToEnd(['status', 'of-mars'], { database });
    expect(one.stdout).toContain(`Schedule      0 2 * * *, which can't be read: ${sentence}`);
    const listed = await runToEnd(['schedules'], { database });
    expect(listed).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(sentence) });
  });

  test('a name that nobody knows and another comes after is noted, each time', async () => {
    await using database = await createDatabase();
    const daily = { schedule: '0 2 * * *' };
    const file = scheduleFile([
      { name: 'extract', ...daily },
      { name: 'load', ...daily, after: [{ name: 'extrakt' }, { name: 'extract' }, { name: 'somewhere-else' }] },
    ]);
    const notes = [
      'note: load comes after extrakt, of which nothing is known; did you mean extract?\n',
      'note: load comes after somewhere-else, of which nothing is known\n',
    ].join('');
    const apply = (...args: string[]) => runToEnd(['schedules', 'apply', '--file', file, ...args], { database });
    expect(await apply('--dry-run')).toMatchObject({
      exitCode: 0,
      stdout: `extract would be new\nload would be new\n${notes}`,
    });
    await apply();
    expect((await apply()).stdout).toBe(`2 unchanged\n${notes}`);
    await database.query(
      `UPDATE run_job.schedules SET name = 'somewhere-else', source = 'other' WHERE name = 'extract'`,
    );
    expect((await apply()).stdout).toBe(`extract is new\n1 unchanged\n${notes.split('\n')[0]}\n`);
  });

  test('of two files that are applied at once and together make a circle, one is refused', async () => {
    await using database = await createDatabase();
    const daily = { schedule: '0 2 * * *' };
    const one = scheduleFile(
      [
        { name: 'a', ...daily, after: [{ name: 'b' }] },
        { name: 'b', ...daily, after: [{ name: 'c' }] },
      ],
      'one',
    );
    const other = scheduleFile([{ name: 'c', ...daily, after: [{ name: 'a' }] }], 'other');
    const client = await database.connect();
    await client.query(`BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('run-job/schedules', 0))`);
    const writers = [one, other].map((file) => runToEnd(['schedules', 'apply', '--file', file], { database }));
    // Both have read what there is to read before they wait for each other.
    await expect
      .poll(
        () =>
          database.query(`SELECT FROM pg_stat_activity WHERE wait_event = 'advisory' AND datname = current_database()`),
        {
          timeout: 30_000,
        },
      )
      .toHaveLength(2);
    await client.end();
    const ended = await Promise.all(writers);
    expect(ended.map(({ exitCode }) => exitCode).sort()).toEqual([0, 64]);
    expect(ended.find(({ exitCode }) => exitCode === 64)?.stderr).toMatch(
      /(. comes after ){3}.: none of them could ever begin/,
    );
  });

  test('statistics of 30 days are those of the runs, also where a lost run ends after all', async () => {
    await using database = await createDatabase();
    await using adapter = adapterOf(database);
    const tell = (durationMs: number, index: number) =>
      adapter.history.record(
        runOf(slotOf('report', undefined, minuteBack(index + 1)), { startedAt: minuteBack(index + 1) }),
        endOf({ endedAt: new Date(), durationMs }),
      );
    for (const [index, ms] of [100, 200, 300, 400, 10_000].entries()) await tell(ms, index);
    const lost = runOf(slotOf('report', undefined, minuteBack(60)), { startedAt: minuteBack(60) });
    await adapter.history.start(lost);
    const told = async () =>
      JSON.parse((await runToEnd(['status', 'report', '--json'], { database })).stdout).statistics;
    await database.query(`UPDATE run_job.runs SET status = 'lost', ended_at = now() WHERE id = $1`, [lost.id]);
    expect(await told()).toMatchObject({ succeeded: 5, failed: 1 });
    await adapter.history.end(lost.id, endOf({ endedAt: new Date(), durationMs: 300 }));
    const { succeeded, failed, p50Ms, p95Ms, successRate } = await told();
    expect({ succeeded, failed, successRate }).toEqual({ succeeded: 6, failed: 0, successRate: 1 });
    expect({ p50Ms, p95Ms }).toEqual({ p50Ms: 300, p95Ms: 10_000 });
  });
});

test.each([
  [
    'a NUL',
    '{"source":"x","schedules":[{"name":"noop","schedule":"@daily","owner":"a\\u0000b"}]}',
    'owner must have no control',
  ],
  ['itself', 'source: x\nschedules:\n- &a {name: noop, schedule: "@daily", params: {x: *a}}', 'in circles'],
  [
    'a long number',
    'source: x\nschedules:\n- {name: noop, schedule: "@daily",\n   params: {id: 12345678901234567890}}',
    'line 4 of',
  ],
  ['infinity', 'source: x\nschedules: [{name: noop, schedule: "@daily", params: {x: .inf}}]', 'line 2 of'],
  ['nothing', '', 'the file: it must have source and schedules'],
  [
    'too many parts',
    'source: x\nschedules: [{name: noop, schedule: "@daily", shards: 100001}]',
    'shards must be at most 100000',
  ],
  [
    'a century',
    'source: x\nschedules: [{name: noop, schedule: "@daily", lateAfter: 40000d}]',
    'lateAfter must be at most 366d',
  ],
])('a file that holds %s is refused in one sentence', async (_, text, sentence) => {
  const { createDatabase } = await import('../support/database.ts');
  await using database = await createDatabase();
  const path = join(inject('scratchFolder'), `${database.name}.yaml`);
  writeFileSync(path, text);
  const ended = await runToEnd(['schedules', 'apply', '--file', path], { database });
  expect(ended).toMatchObject({ exitCode: 64, stdout: '' });
  expect(ended.stderr).toContain(sentence);
  expect(ended.stderr).toContain('nothing was changed');
  expect(ended.stderr.trim().split('\n')).toHaveLength(1);
});

test('history takes several names and statuses, and refuses what no run can be', async () => {
  const { createDatabase } = await import('../support/database.ts');
  await using database = await createDatabase();
  for (const job of ['noop', 'returns', 'throws']) await runToEnd([job], { database });
  const listed = async (...args: string[]) => {
    const { stdout, exitCode } = await runToEnd(['history', ...args, '--json'], { database });
    expect(exitCode).toBe(0);
    return (JSON.parse(stdout) as { name: string }[]).map(({ name }) => name).sort();
  };
  expect(await listed('--name=noop', '--name=throws')).toEqual(['noop', 'throws']);
  expect(await listed('noop', '--name=returns')).toEqual(['noop', 'returns']);
  expect(await listed('--status=rejected', '--status=succeeded')).toEqual(['noop', 'returns', 'throws']);
  expect(await listed('--errors')).toEqual(['returns', 'throws']);
  expect(await listed('--errors', '--name=noop')).toEqual([]);
  const refused = await runToEnd(['history', '--errors', '--status=succeeded'], { database });
  expect(refused).toMatchObject({ exitCode: 64, stderr: expect.stringContaining('none that is succeeded did') });
  for (const since of ['2026-02-30', '2026-11-26 10:00', '1', '9999999999d']) {
    const wrong = await runToEnd(['history', '--since', since], { database });
    expect(wrong, since).toMatchObject({ exitCode: 64, stdout: '' });
    expect(wrong.stderr).toContain('--since must be a time with its zone');
  }
  await database.query(
    `INSERT INTO run_job.pauses (name, why, ended_at) SELECT 'known-' || n, 'x', now() FROM generate_series(1, 400) AS n`,
  );
  const unknown = await runToEnd(['status', 'nope'], { database });
  expect(unknown.stderr.length).toBeLessThan(800);
  expect(unknown.stderr).toMatch(/ and \d+ more; run-job status lists them$/m);
  expect(unknown).toMatchObject({ exitCode: 64, stderr: expect.stringContaining('Nothing is known by the name nope') });
  const dashed = await runToEnd(['status', 'takes-params'], { database });
  expect(dashed).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^Name +takes_params$/m) });
});
