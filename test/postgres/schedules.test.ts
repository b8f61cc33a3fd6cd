// What is known of schedules: applied as a whole, kept with the time in which each was in force.
import { expect, test } from 'vitest';
import { withConnection } from '../../src/postgres/connect.ts';
import {
  applySchedules,
  bringSchedule,
  type ScheduleTold,
  schedulesInForce,
  schedulesOf,
} from '../../src/postgres/schedules.ts';
import type { TestDatabase } from '../support/database.ts';
import { onEveryPostgres } from '../support/every-postgres.ts';
import { serverAt } from './server-at.ts';

const told = (name: string, given: Partial<ScheduleTold> = {}): ScheduleTold => ({
  name,
  job: name,
  cron: '0 2 * * *',
  timeZone: 'Etc/UTC',
  params: {},
  shards: 1,
  lateAfterMs: 900_000,
  catchUp: 'latest',
  catchUpLimit: 10,
  after: [],
  suspend: false,
  tags: [],
  ...given,
});

const FULL = told('import', {
  params: { b: 1, a: { d: [1], c: 'x' } },
  args: ['import', '--timeout=30m'],
  timeoutMs: 1_800_000,
  deadlineSeconds: 7_989,
  startingDeadlineSeconds: 0,
  catchUp: 'all',
  catchUpLimit: 3,
  pauseAfter: 5,
  blackouts: { dates: ['2026-12-24'], weekly: [{ from: 'Fri 18:00', to: 'Mon 06:00' }] },
  after: [{ name: 'extract', slot: 'same', withinMs: 7_200_000 }],
  owner: 'payments',
  runbook: 'https://example.com',
  tags: ['daily', 'money'],
  cronJobName: 'run-job-import',
  namespace: 'run-job',
});

const connected = <T>(database: TestDatabase, work: Parameters<typeof withConnection<T>>[1]) =>
  withConnection(serverAt(database.url), work);

const apply = (database: TestDatabase, source: string, ...schedules: ScheduleTold[]) =>
  connected(database, (connection) => applySchedules(connection, source, schedules));

onEveryPostgres((create) => {
  const createDatabase = () => create({ migrated: true });

  test('a schedule is read as it was told, and told again it is unchanged', async () => {
    await using database = await createDatabase();
    expect(await apply(database, 'a/a', FULL)).toEqual([{ name: 'import', change: 'new' }]);
    const [schedule] = await connected(database, (connection) => schedulesInForce(connection));
    expect(schedule).toMatchObject({ ...FULL, source: 'a/a' });
    expect(schedule?.settledTo).toEqual(schedule?.validFrom);
    expect(await apply(database, 'a/a', { ...FULL, params: { a: { c: 'x', d: [1] }, b: 1 } })).toEqual([
      { name: 'import', change: 'unchanged' },
    ]);
  });

  test('a changed schedule ends one row and begins another at the same instant or later', async () => {
    await using database = await createDatabase();
    await apply(database, 'a/a', told('report'));
    expect(await apply(database, 'a/a', told('report', { cron: '0 3 * * *' }))).toEqual([
      { name: 'report', change: 'changed' },
    ]);
    const [old, now] = await connected(database, (connection) => schedulesOf(connection, 'report', new Date(0)));
    expect([old?.cron, now?.cron]).toEqual(['0 2 * * *', '0 3 * * *']);
    expect(now?.validTo).toBeUndefined();
    expect(now?.validFrom.getTime()).toBeGreaterThanOrEqual(old?.validTo?.getTime() ?? Number.NaN);
  });

  test('what was told while the database’s clock was ahead is changed, and retired, once it is set back', async () => {
    await using database = await createDatabase();
    await apply(database, 'a/a', told('report'), told('import'));
    await connected(database, (connection) => bringSchedule(connection, told('own')));
    await database.query(
      `UPDATE run_job.schedules SET valid_from = valid_from + interval '1 h', settled_to = settled_to + interval '1 h'`,
    );
    expect(await apply(database, 'a/a', told('report', { cron: '0 3 * * *' }))).toEqual([
      { name: 'import', change: 'retired' },
      { name: 'report', change: 'changed' },
    ]);
    await connected(database, (connection) => bringSchedule(connection, told('own', { cron: '0 4 * * *' })));
    const now = await connected(database, (connection) => schedulesInForce(connection));
    expect(now.map(({ name, cron }) => [name, cron])).toEqual([
      ['own', '0 4 * * *'],
      ['report', '0 3 * * *'],
    ]);
    // Slots count from now on, and not only once the wrong hour is there.
    for (const { validFrom } of now) expect(validFrom.getTime()).toBeLessThan(Date.now() + 600_000);
  });

  test('what a source told of and does not any more is retired, and what others tell of is left alone', async () => {
    await using database = await createDatabase();
    await apply(database, 'a/a', told('one'), told('two'));
    await apply(database, 'b/b', told('three'));
    expect(await apply(database, 'a/a', told('one'))).toEqual([
      { name: 'one', change: 'unchanged' },
      { name: 'two', change: 'retired' },
    ]);
    const names = await connected(database, (connection) => schedulesInForce(connection));
    expect(names.map(({ name }) => name)).toEqual(['one', 'three']);
  });

  test('a name that another source told of is taken over, and that is said', async () => {
    await using database = await createDatabase();
    await apply(database, 'a/a', told('one'));
    expect(await apply(database, 'b/b', told('one'))).toEqual([{ name: 'one', change: 'changed', from: 'a/a' }]);
    expect(await apply(database, 'a/a')).toEqual([]);
  });

  test('of twenty who apply at once, each finds the work of those before it whole', async () => {
    await using database = await createDatabase();
    const writers = Array.from({ length: 20 }, (_, index) =>
      apply(database, 'a/a', ...['x', 'y', 'z'].map((name) => told(name, { cron: `${index} 2 * * *` }))),
    );
    const changes = await Promise.all(writers);
    expect(changes.filter((all) => all.every(({ change }) => change === 'new'))).toHaveLength(1);
    expect(changes.filter((all) => all.every(({ change }) => change === 'changed'))).toHaveLength(19);
    const rows = await database.query<{ name: string; count: string; open: string; cron: string }>(
      `SELECT name, count(*)::text, count(*) FILTER (WHERE valid_to IS NULL)::text AS open FROM run_job.schedules GROUP BY name ORDER BY name`,
    );
    expect(rows).toEqual(['x', 'y', 'z'].map((name) => ({ name, count: '20', open: '1' })));
    const crons = await database.query('SELECT DISTINCT cron FROM run_job.schedules WHERE valid_to IS NULL');
    expect(crons).toHaveLength(1);
  });

  test('a dry run says what would change, and changes nothing', async () => {
    await using database = await createDatabase();
    await apply(database, 'a/a', told('one'));
    const changes = await connected(database, (connection) =>
      applySchedules(connection, 'a/a', [told('two')], { dryRun: true }),
    );
    expect(changes.map(({ change }) => change)).toEqual(['retired', 'new']);
    const names = await connected(database, (connection) => schedulesInForce(connection));
    expect(names.map(({ name }) => name)).toEqual(['one']);
  });
});
