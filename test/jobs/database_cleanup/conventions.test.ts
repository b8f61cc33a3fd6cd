// Columns that say more than "empty is live": their tables are refused until somebody says what live rows hold.
import { expect, test } from 'vitest';
import { hasCode } from '../../../src/errors.ts';
import type { TestDatabase } from '../../support/database.ts';
import { onEveryPostgres } from '../../support/every-postgres.ts';
import { type CleanupOptions, daysAgo, runCleanup } from './support.ts';

const OLD = daysAgo(100);

/** As an operator would run it, who has set nothing. */
const PLAIN = { live: {}, allowEmpty: [] };

onEveryPostgres((createDatabase) => {
  test.for([
    ['-infinity', `timestamptz not null default '-infinity'`, '-infinity'],
    ['-infinity in a timestamp', `timestamp not null default '-infinity'`, '-infinity'],
    ['-infinity in a date', `date not null default '-infinity'`, '-infinity'],
    ['the epoch', `timestamptz not null default 'epoch'`, '1970-01-01'],
    ['the first day of the calendar', `timestamptz not null default '0001-01-01 00:00+00'`, '0001-01-01'],
    ['a default alone', `timestamptz default '1970-01-01 00:00+00'`, '1970-01-01T00:00:00Z'],
    ['a default of a domain', `never`, '-infinity'],
    ['a value that the application writes', `timestamptz`, '1900-01-01'],
    ['a recent value that the application writes', `timestamp`, '2001-01-01 00:00:00'],
    ['NOT NULL alone', `timestamptz not null`, '2001-01-01'],
  ] as const)(
    '%s: live rows are kept, with the parameter that says so; what it declares is cleaned',
    async ([, type, value]) => {
      await using database = await createDatabase();
      await database.query(`set timezone = 'UTC'; create domain never as timestamptz default '-infinity';
      create table users (id int, deleted_at ${type}); create table item (deleted_at timestamptz);
      set timezone = 'UTC';
      insert into users select i, '${value}' from generate_series(1, 12) i; insert into users values (13, ${OLD});
      insert into item values (${OLD}), (null)`);
      for (const dryRun of [true, false]) {
        const error = await rejection(database, { dryRun, params: PLAIN });
        expect(hasCode(error, 'ERR_RUN_JOB_PERMANENT')).toBe(true);
        expect(error.message).toMatch(/^1 of 2 tables failed/);
        expect(error.message).toMatch(/public\.users.*--param 'live=\{"public\.users":"[^"]+"\}'/);
        expect(await database.query('select from users')).toHaveLength(13);
        expect(await database.query('select from item')).toHaveLength(dryRun ? 2 : 1);
      }
      const suggested = /live=(\{.*?\})'/.exec((await rejection(database, { params: PLAIN })).message)?.[1] ?? '';
      for (const live of [JSON.parse(suggested), { users: [value, '-infinity'] }]) {
        await database.query(`delete from users where id = 13; insert into users values (13, ${OLD})`);
        const { tables } = await runCleanup(database.url, { params: { ...PLAIN, live } });
        expect(tables['public.users']).toMatchObject({ due: 1, deleted: 1 });
      }
      expect(await database.query('select from users')).toHaveLength(12);
    },
  );

  test('a value is in the zone of the parameter, whatever the zone of the session', async () => {
    await using database = await createDatabase();
    await database.query(`create table users (id int, deleted_at timestamptz not null);
      insert into users select i, '2001-01-01 00:00+01' from generate_series(1, 3) i;
      insert into users values (4, ${OLD}), (5, '2001-01-01 00:00+00')`);
    const settings = '-c TimeZone=Asia/Tokyo';
    const params = { ...PLAIN, timeZone: 'Europe/Berlin', live: { users: '2001-01-01' } };
    expect((await runCleanup(database.url, { settings, params })).totals.deleted).toBe(2);
  });

  test.for([
    ['infinity means live and is never due', `timestamptz not null default 'infinity'`],
    ['a default of NULL is none', `timestamptz default null`],
    ['a generated column has no default', `timestamptz generated always as (at) stored`],
  ] as const)('%s', async ([, type]) => {
    await using database = await createDatabase();
    const generated = type.includes('generated');
    await database.query(`create table users (id int, at timestamptz, deleted_at ${type})`);
    await database.query(`insert into users (id${generated ? ', at' : ', deleted_at'}) values (1, ${OLD})`);
    await database.query(`insert into users (id) select i from generate_series(2, 9) i`);
    expect((await runCleanup(database.url, { params: PLAIN })).totals.deleted).toBe(1);
  });

  test('a table of which rows are deleted that never had live ones is cleaned once somebody says null', async () => {
    await using database = await createDatabase();
    await database.query(`create table grave (deleted_at timestamptz not null);
      insert into grave select ${OLD} from generate_series(1, 20); insert into grave values (now())`);
    expect((await rejection(database, { params: PLAIN })).message).toMatch(/NOT NULL.*20 of 20 due rows hold/);
    const { totals } = await runCleanup(database.url, { params: { ...PLAIN, live: { grave: null } } });
    expect(totals.deleted).toBe(20);
  });

  test('a partition that is NOT NULL counts, and so does a domain over a domain', async () => {
    await using database = await createDatabase();
    await database.query(`create domain base as timestamptz not null; create domain over as base;
      create table a (id int, deleted_at over); insert into a values (1, ${OLD}), (2, now());
      create table b (id int, deleted_at timestamptz) partition by list (id);
      create table b_1 partition of b (deleted_at not null) for values in (1);
      create table b_2 partition of b for values in (2);
      insert into b values (1, ${OLD}), (2, null)`);
    expect((await rejection(database, { params: PLAIN })).message).toMatch(
      /^2 of 2 tables failed.*public\.a\.deleted_at is NOT NULL.*public\.b\.deleted_at is NOT NULL/,
    );
  });

  test('many rows of a large table that share one time are found by its statistics', async () => {
    await using database = await createDatabase();
    await database.query(`create table users (id int, deleted_at timestamptz);
      insert into users select i, case when i % 3 = 0 then now() when i % 3 = 1 then '2001-02-03 04:05:06+00'
        when i % 100 = 2 then ${OLD} - i * interval '1 s' end from generate_series(1, 3000) i; analyze users`);
    const params = { ...PLAIN, guardAbove: 50, allowLarge: true };
    expect((await rejection(database, { params })).message).toMatch(
      /rows of public\.users hold the same deleted_at, 2001-02-03 04:05:06\.000000, and \d+ have no time/,
    );
  });

  test('a table of which every row is due is refused, however small, until it is allowed', async () => {
    await using database = await createDatabase();
    await database.query(`create table flags (deleted_at timestamptz); insert into flags values (${OLD});
      create table item (deleted_at timestamptz); insert into item values (${OLD}), (null)`);
    const error = await rejection(database, { params: PLAIN });
    expect(error.message).toMatch(/the only row of public\.flags is due.*--param allowEmpty=public\.flags/);
    expect(hasCode(error, 'ERR_RUN_JOB_PERMANENT')).toBe(true);
    expect(await database.query('select from flags')).toHaveLength(1);
    expect((await runCleanup(database.url, { params: { ...PLAIN, allowEmpty: 'flags' } })).totals.deleted).toBe(1);
  });

  test.for([{ live: { itme: null } }, { allowEmpty: 'itme' }])('a misspelt table is an error: %o', async (params) => {
    await using database = await createDatabase();
    await database.query(`create table item (deleted_at timestamptz)`);
    expect((await rejection(database, { params })).message).toMatch(/names itme/);
  });
});

async function rejection(database: TestDatabase, options: CleanupOptions): Promise<Error> {
  return runCleanup(database.url, options).then(
    () => Promise.reject(new Error('it was not refused')),
    (error: Error) => error,
  );
}
