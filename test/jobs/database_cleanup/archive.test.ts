// The archive holds what was deleted, digit for digit: where its columns can't, nothing is deleted and the statement that mends it is told.
import { expect, test } from 'vitest';
import { hasCode } from '../../../src/errors.ts';
import type { TestDatabase } from '../../support/database.ts';
import { onEveryPostgres } from '../../support/every-postgres.ts';
import { daysAgo, runCleanup } from './support.ts';

const OLD = daysAgo(100);
const params = { archiveSchema: 'archive' };

onEveryPostgres((createDatabase) => {
  test.for([
    ['numeric with more digits', 'numeric(10,2)', 'alter table item alter v type numeric(18,6)', '1.234567'],
    ['a numeric without bounds', 'numeric(10,2)', 'alter table item alter v type numeric', '1.234567'],
    ['an integer that became numeric', 'int', 'alter table item alter v type numeric', '1.5'],
    ['a date that became a time', 'date', 'alter table item alter v type timestamptz', '2001-02-03 04:05:06.789+00'],
    ['a time with more digits', 'timestamp(0)', 'alter table item alter v type timestamp', '2001-02-03 04:05:06.789'],
    ['a longer varchar', 'varchar(3)', 'alter table item alter v type varchar(30)', 'longer than three'],
    ['a varchar that became text', 'varchar(3)', 'alter table item alter v type text', 'longer than three'],
    ['another collation', 'text', 'alter table item alter v type text collate "C"', 'x'],
    [
      'an enum of other labels',
      'mood',
      `alter type mood rename to old_mood; create type mood as enum ('sad', 'mixed');
       alter table item alter v drop default, alter v type mood using v::text::mood`,
      'mixed',
    ],
    [
      'a domain over another type',
      'amount',
      `create domain precise as numeric(18,6); alter table item alter v type precise`,
      '1.234567',
    ],
    ['json, which keeps its text', 'jsonb', 'alter table item alter v type json', '{"a": 1,  "a": 2}'],
    ['real that became double', 'real', 'alter table item alter v type double precision', '1.23456789012345'],
  ] as const)('%s: refused until the statement in the message has been run', async ([, before, change, value]) => {
    await using database = await createDatabase();
    await database.query(`create type mood as enum ('sad', 'happy'); create domain amount as numeric(10,2);
      create table item (id int, v ${before}, deleted_at timestamptz); insert into item values (1, null, ${OLD}), (0, null, null)`);
    await runCleanup(database.url, { params });
    await database.query(`${change}; insert into item values (2, '${value}', ${OLD})`);
    const error = await rejection(database);
    expect(hasCode(error, 'ERR_RUN_JOB_PERMANENT')).toBe(true);
    expect(await database.query('select from item')).toHaveLength(2);
    await database.query(/run: (ALTER TABLE .*)$/.exec(error.message)?.[1] ?? 'no statement');
    const told = await database.query('select v::text from item where id = 2');
    expect((await runCleanup(database.url, { params })).totals.deleted).toBe(1);
    expect(await database.query('select v::text from archive.item where id = 2')).toEqual(told);
  });

  test.for([
    ['smallint', 'bigint'],
    ['int', 'numeric'],
    ['varchar(10)', 'text'],
    ['numeric(10,2)', 'numeric'],
    ['timestamp(3)', 'timestamp'],
    ['amount', 'numeric'],
    ['amount', 'numeric(10,2)'],
  ] as const)('a %s fits into an archive of %s', async ([type, wider]) => {
    await using database = await createDatabase();
    const value = type.startsWith('timestamp') ? '2001-02-03 04:05:06.789' : '12';
    await database.query(`create domain inner_amount as numeric(10,2); create domain amount as inner_amount;
      create schema archive; create table archive.item (deleted_at timestamptz, id bigint, v ${wider}, more text);
      create table item (id int, v ${type}, deleted_at timestamptz); insert into item values (1, '${value}', ${OLD})`);
    expect((await runCleanup(database.url, { params })).totals.deleted).toBe(1);
    expect(await database.query('select id::int from archive.item where v is not null')).toEqual([{ id: 1 }]);
  });

  test('a column that the table got later is asked for, and what it held is archived', async () => {
    await using database = await createDatabase();
    await database.query(`create table item (id int, deleted_at timestamptz); insert into item values (1, ${OLD})`);
    await runCleanup(database.url, { params });
    await database.query(`alter table item add "Größe" numeric(6,3), add note text collate "C";
      insert into item values (2, ${OLD}, 1.125, 'x')`);
    const { message } = await rejection(database);
    expect(message).toMatch(/lacks columns of public\.item.*run: ALTER TABLE/);
    await database.query(/run: (ALTER TABLE .*)$/.exec(message)?.[1] ?? 'no statement');
    await runCleanup(database.url, { params });
    expect(await database.query('select "Größe"::text as size from archive.item where id = 2')).toEqual([
      { size: '1.125' },
    ]);
  });

  test('a table with an archived_at of its own keeps it, and the time of the delete has another name', async () => {
    await using database = await createDatabase();
    await database.query(
      `create table item (id int, archived_at text, deleted_at timestamptz); insert into item values (1, 'own', ${OLD})`,
    );
    await runCleanup(database.url, { params });
    expect(
      await database.query('select archived_at, run_job_archived_at is not null as stamped from archive.item'),
    ).toEqual([{ archived_at: 'own', stamped: true }]);
  });

  test('a table that gets an archived_at later is refused until the time of the delete has another name', async () => {
    await using database = await createDatabase();
    await database.query(`create table item (id int, deleted_at timestamptz); insert into item values (1, ${OLD})`);
    await runCleanup(database.url, { params });
    await database.query(
      `alter table item add archived_at timestamptz; insert into item values (2, ${OLD}, '2001-01-01')`,
    );
    for (let statement = 1; statement <= 2; statement += 1) {
      const { message } = await rejection(database);
      await database.query(/run: (ALTER TABLE .*)$/.exec(message)?.[1] ?? 'no statement');
    }
    await runCleanup(database.url, { params });
    expect(
      await database.query(`select id, archived_at::date::text as own, run_job_archived_at > now() - interval '1 h' as stamped
        from archive.item order by id`),
    ).toEqual([
      { id: 1, own: null, stamped: true },
      { id: 2, own: '2001-01-01', stamped: true },
    ]);
  });
});

async function rejection(database: TestDatabase): Promise<Error> {
  return runCleanup(database.url, { params }).then(
    () => Promise.reject(new Error('it was not refused')),
    (error: Error) => error,
  );
}
