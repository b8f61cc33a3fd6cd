// Which tables are cleaned, and what of them.
import { describe, expect, test } from 'vitest';
import { createDatabase } from '../../support/database.ts';
import { serverAtHand } from '../../support/server-at-hand.ts';
import { daysAgo, type Line, runCleanup } from './support.ts';

describe('what is deleted', () => {
  test('an empty database has nothing to clean, and a warning says so', async () => {
    await using database = await createDatabase({ migrated: false });
    const lines: Line[] = [];
    const result = await runCleanup(database.url, { lines });
    expect(result).toMatchObject({ totals: { matched: 0, deleted: 0 }, tables: {}, nothingDue: [] });
    expect(lines.some((line) => line.level === 'warn' && line.message.includes('deleted_at'))).toBe(true);
  });

  test('rows that were soft-deleted before the cutoff go; live ones, recent ones and ones of the future stay', async () => {
    await using database = await createDatabase({ migrated: false });
    await database.query(`create table item (id int primary key, deleted_at timestamptz)`);
    await database.query(`insert into item values (1, null), (2, ${daysAgo(91)}), (3, ${daysAgo(89)}),
      (4, now() + interval '100 days'), (5, 'infinity'), (6, ${daysAgo(3000)})`);
    const result = await runCleanup(database.url);
    expect(result.tables['public.item']).toMatchObject({
      due: 2,
      matched: 2,
      deleted: 2,
      blocked: 0,
      skippedLocked: 0,
    });
    expect(await database.query('select id from item order by id')).toEqual([
      { id: 1 },
      { id: 3 },
      { id: 4 },
      { id: 5 },
    ]);
  });

  test.for([0, 1, 99, 100, 101, 250])('%i due rows go in batches of 100', async (rows) => {
    await using database = await createDatabase({ migrated: false });
    await database.query('create table item (id int primary key, deleted_at timestamptz)');
    await database.query(`insert into item select i, ${daysAgo(100)} from generate_series(1, ${rows}) i`);
    await database.query('insert into item values (0, null)');
    const result = await runCleanup(database.url, { params: { batchSize: 100, maxBatchSize: 100 } });
    expect(result.totals).toMatchObject({ matched: rows, deleted: rows });
    expect(await database.query('select id from item')).toEqual([{ id: 0 }]);
  });

  test('the type of the column may be timestamptz, timestamp, date or a domain over them', async () => {
    await using database = await createDatabase({ migrated: false });
    await database.query('create domain moment as timestamp');
    for (const type of ['timestamptz', 'timestamp', 'timestamp(0)', 'date', 'moment']) {
      const table = `"t ${type}"`;
      await database.query(`create table ${table} (id int, deleted_at ${type});
        insert into ${table} values (1, ${daysAgo(92)}), (2, ${daysAgo(88)}), (3, null)`);
    }
    const result = await runCleanup(database.url);
    expect(Object.keys(result.tables)).toHaveLength(5);
    expect(result.totals).toMatchObject({ matched: 5, deleted: 5 });
  });

  test('a column of another type is no sign of a soft delete', async () => {
    await using database = await createDatabase({ migrated: false });
    await database.query(`create table flag (deleted_at boolean); insert into flag values (true);
      create table epoch (deleted_at bigint); insert into epoch values (1)`);
    expect(await runCleanup(database.url)).toMatchObject({ tables: {}, nothingDue: [] });
  });

  test('a time without zone is in the zone that the parameter names, whatever the zone of the session', async () => {
    await using database = await createDatabase({ migrated: false });
    await database.query('create table item (id int primary key, deleted_at timestamp)');
    // The cutoff is 2026-01-01T00:00Z, which is 13:00 in Auckland.
    await database.query(`insert into item values (1, '2026-01-01 12:59'), (2, '2026-01-01 13:01')`);
    const options = {
      scheduledAt: new Date('2026-04-01T00:00:00Z'),
      params: { timeZone: 'Pacific/Auckland' },
      settings: '-c TimeZone=America/Los_Angeles',
    };
    await runCleanup(database.url, options);
    expect(await database.query('select id from item')).toEqual([{ id: 2 }]);
  });

  test('a date is due once its whole day is past the cutoff', async () => {
    await using database = await createDatabase({ migrated: false });
    await database.query('create table item (id int primary key, deleted_at date)');
    await database.query(`insert into item values (1, '2025-12-31'), (2, '2026-01-01')`);
    await runCleanup(database.url, { scheduledAt: new Date('2026-04-01T23:59:00Z') });
    expect(await database.query('select id from item')).toEqual([{ id: 2 }]);
  });

  test('a scheduled time in the future shortens no retention', async () => {
    await using database = await createDatabase({ migrated: false });
    await database.query(
      `create table item (id int, deleted_at timestamptz); insert into item values (1, ${daysAgo(10)})`,
    );
    const lines: Line[] = [];
    await runCleanup(database.url, { lines, scheduledAt: new Date(Date.now() + 200 * 86_400_000) });
    expect(await database.query('select id from item')).toHaveLength(1);
    expect(lines.some((line) => line.level === 'warn' && line.message.includes('future'))).toBe(true);
  });

  test('an unknown time zone is refused before anything is deleted', async () => {
    await using database = await createDatabase({ migrated: false });
    await expect(runCleanup(database.url, { params: { timeZone: 'Mars/Olympus' } })).rejects.toThrow(
      /no time zone Mars\/Olympus; correct the parameter timeZone/,
    );
  });
});

describe('which tables', () => {
  test('quoted, mixed-case, non-ASCII, reserved and awkward names are ordinary names', async () => {
    await using database = await createDatabase({ migrated: false });
    const names = ['Order', 'select', 'größe', 'a.b', 'with "quotes"', "it's", '表', 'back\\slash', '100%', '$1'];
    for (const name of names) {
      const table = `"${name.replaceAll('"', '""')}"`;
      await database.query(`create table ${table} ("deleted_at" timestamptz, "Ünï" int);
        insert into ${table} values (${daysAgo(100)}, 1), (null, 2)`);
    }
    const result = await runCleanup(database.url);
    const labels = names.map((name) => (name.includes('.') ? `public."${name}"` : `public.${name}`));
    expect(Object.keys(result.tables).sort()).toEqual(labels.sort());
    expect(result.totals.deleted).toBe(names.length);
  });

  test('only the schemas that are named, and never the system or run_job', async () => {
    await using database = await createDatabase();
    for (const schema of ['public', 'billing', 'other', 'run_job']) {
      await database.query(`create schema if not exists ${schema};
        create table ${schema}.item (deleted_at timestamptz); insert into ${schema}.item values (${daysAgo(100)})`);
    }
    const named = await runCleanup(database.url, { params: { schemas: 'public, billing' } });
    expect(Object.keys(named.tables)).toEqual(['billing.item', 'public.item']);
    const all = await runCleanup(database.url, { params: { schemas: ['*'] } });
    expect(Object.keys(all.tables)).toEqual(['other.item']);
    expect(await database.query('select from run_job.item')).toHaveLength(1);
  });

  test('views, foreign tables and temporary tables are left alone', async () => {
    await using database = await createDatabase({ migrated: false });
    await database.query(`create table item (deleted_at timestamptz); insert into item values (${daysAgo(1)});
      create view item_view as select * from item;
      create materialized view item_copy as select * from item;
      create foreign data wrapper nowhere; create server far foreign data wrapper nowhere;
      create foreign table item_far (deleted_at timestamptz) server far`);
    const result = await runCleanup(database.url);
    expect(result.nothingDue).toEqual(['public.item']);
  });

  test('include, exclude and a list of tables choose', async () => {
    await using database = await createDatabase({ migrated: false });
    for (const table of ['audit_a', 'audit_b', 'item']) {
      await database.query(`create table ${table} (deleted_at timestamptz)`);
    }
    const chosen = async (params: object) => (await runCleanup(database.url, { params })).nothingDue;
    expect(await chosen({ include: 'audit_*' })).toEqual(['public.audit_a', 'public.audit_b']);
    expect(await chosen({ exclude: ['public.audit_*'] })).toEqual(['public.item']);
    expect(await chosen({ tables: 'item,public.audit_a' })).toEqual(['public.audit_a', 'public.item']);
  });

  test('a table may have a column and a retention of its own', async () => {
    await using database = await createDatabase({ migrated: false });
    await database.query(`create table audit_log (id int, removed_on date); create table item (id int, deleted_at timestamptz);
      insert into audit_log values (1, ${daysAgo(400)}), (2, ${daysAgo(300)});
      insert into item values (1, ${daysAgo(400)}), (2, ${daysAgo(20)})`);
    await runCleanup(database.url, {
      params: { retention: { audit_log: '365d', item: '7d' }, columns: { audit_log: 'removed_on' } },
    });
    expect(await database.query('select id from audit_log')).toEqual([{ id: 2 }]);
    expect(await database.query('select id from item')).toEqual([]);
  });

  test.for([
    [{ schemas: 'publik' }, /no schema publik/],
    [{ tables: 'itme' }, /parameter tables names itme/],
    [{ retention: { audit_lgo: '365d' } }, /parameter retention names audit_lgo/],
    [{ columns: { item: 'removed_on' } }, /parameter columns names item.*removed_on/],
  ] as const)('a parameter that means nothing stops the run before it deletes: %o', async ([params, message]) => {
    await using database = await createDatabase({ migrated: false });
    await database.query(`create table item (deleted_at timestamptz); insert into item values (${daysAgo(100)})`);
    await expect(runCleanup(database.url, { params })).rejects.toThrow(message);
    expect(await database.query('select from item')).toHaveLength(1);
  });

  test('composite keys, no key at all, generated columns and TOASTed values make no difference', async () => {
    await using database = await createDatabase({ migrated: false });
    await database.query(`
      create table composite (a int, b text, c uuid default gen_random_uuid(), deleted_at timestamptz, primary key (b, a, c));
      create table keyless (deleted_at timestamptz, big text);
      create table computed (id int generated always as identity primary key, at timestamp,
        deleted_at timestamp generated always as (at) stored)`);
    await database.query(`
      insert into composite select i, 'b' || i, gen_random_uuid(), ${daysAgo(100)} from generate_series(1, 300) i;
      insert into keyless select case when i % 2 = 0 then ${daysAgo(100)} end, repeat(md5(i::text), 200) from generate_series(1, 300) i;
      insert into computed (at) select ${daysAgo(100)} from generate_series(1, 300)`);
    const result = await runCleanup(database.url, { params: { batchSize: 50 } });
    expect(result.totals.deleted).toBe(300 + 150 + 300);
  });

  test.skipIf(serverAtHand().major < 18)('virtual columns, which 18 brought, make no difference', async () => {
    await using database = await createDatabase({ migrated: false });
    await database.query(`
      create table item (at timestamptz, deleted_at timestamptz generated always as (at) virtual);
      insert into item select ${daysAgo(100)} from generate_series(1, 300)`);
    expect((await runCleanup(database.url, { params: { batchSize: 50 } })).totals.deleted).toBe(300);
  });

  test('children by inheritance are tables of their own', async () => {
    await using database = await createDatabase({ migrated: false });
    await database.query(`create table base (id int, deleted_at timestamptz); create table derived () inherits (base);
      insert into base values (1, ${daysAgo(100)}); insert into derived values (2, ${daysAgo(100)}), (3, null)`);
    const result = await runCleanup(database.url);
    expect(result.tables).toMatchObject({ 'public.base': { deleted: 1 }, 'public.derived': { deleted: 1 } });
  });
});
