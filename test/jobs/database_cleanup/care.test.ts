// What keeps the job from doing harm: the guard, policies, rights, triggers, rules, the archive, and what it says beforehand.
import { describe, expect, test, vi } from 'vitest';
import { hasCode } from '../../../src/errors.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { serverAtHand } from '../../support/server-at-hand.ts';
import { daysAgo, type Line, runCleanup } from './support.ts';

const OLD = daysAgo(100);

async function items(database: TestDatabase, due: number, live = 0): Promise<void> {
  await database.query('create table item (id int primary key, deleted_at timestamptz)');
  await database.query(
    `insert into item select i, case when i <= ${due} then ${OLD} end from generate_series(1, ${due + live}) i`,
  );
}

/** A role that may log in, and the database's URL as that role. */
async function roleIn(database: TestDatabase, attributes = ''): Promise<{ role: string; url: string }> {
  const role = `role_${database.name}`;
  await database.query(`create role ${role} login password 'secret' ${attributes}`);
  const url = new URL(database.url);
  url.username = role;
  url.password = 'secret';
  return { role, url: url.href };
}

async function dropRole(database: TestDatabase): Promise<void> {
  await database.query(`drop owned by role_${database.name}; drop role role_${database.name}`);
}

const rejection = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => {
      throw new Error('it did not fail');
    },
    (error: Error) => error,
  );

describe('a dry run', () => {
  test('counts and deletes nothing, and hints at the index that is missing, once', async () => {
    await using database = await createDatabase({ migrated: false });
    await items(database, 30, 10);
    const lines: Line[] = [];
    const result = await runCleanup(database.url, { dryRun: true, lines });
    expect(result).toMatchObject({ dryRun: true, tables: { 'public.item': { matched: 30, deleted: 0, blocked: 0 } } });
    expect(await database.query('select from item')).toHaveLength(40);
    const hints = lines.filter((line) => line.message.startsWith('hint'));
    const statement = 'CREATE INDEX CONCURRENTLY ON "public"."item" ("deleted_at") WHERE "deleted_at" IS NOT NULL;';
    expect(hints.map((line) => line.fields.statements)).toEqual([[statement]]);
    // The statement does what it promises: afterwards nothing is missing.
    await database.query(statement);
    const again: Line[] = [];
    await runCleanup(database.url, { dryRun: true, lines: again });
    expect(again.filter((line) => line.message.startsWith('hint'))).toEqual([]);
  });

  test('only warns of what a real run would be refused for', async () => {
    await using database = await createDatabase({ migrated: false });
    await items(database, 30);
    const lines: Line[] = [];
    await runCleanup(database.url, { dryRun: true, lines, params: { guardAbove: 10 } });
    expect(lines.filter((line) => line.level === 'warn').map((line) => line.message)).toEqual([
      expect.stringMatching(/^a real run would be refused: public\.item would lose 30 of its 30 rows/),
    ]);
  });
});

describe('the guard', () => {
  test.for([
    [50, 51, 'deletes'],
    [50, 50, 'deletes'],
    [51, 49, 'refuses'],
  ] as const)('with %i rows due and %i not, and maxFraction 0.5: it %s', async ([due, live, verdict]) => {
    await using database = await createDatabase({ migrated: false });
    await items(database, due, live);
    const run = runCleanup(database.url, { params: { guardAbove: 10 } });
    if (verdict === 'deletes') expect((await run).totals.deleted).toBe(due);
    else expect(hasCode(await rejection(run), 'ERR_RUN_JOB_PERMANENT')).toBe(true);
    expect(await database.query('select from item')).toHaveLength(verdict === 'deletes' ? live : due + live);
  });

  test('small tables, maxRows and allowLarge pass it', async () => {
    await using database = await createDatabase({ migrated: false });
    await items(database, 100, 10);
    expect((await runCleanup(database.url, { params: { guardAbove: 10, maxRows: 7 } })).totals.deleted).toBe(7);
    expect(await runCleanup(database.url, { params: { guardAbove: 10, maxRows: 20, batchSize: 6 } })).toMatchObject({
      stopped: 'maxRows',
      totals: { deleted: 20, skippedLocked: 0 },
    });
    expect((await runCleanup(database.url, { params: { guardAbove: 1000 } })).totals.deleted).toBe(73);
    await database.query(`update item set deleted_at = ${OLD}`);
    const params = { guardAbove: 1, allowLarge: true };
    expect((await runCleanup(database.url, { params })).totals.deleted).toBe(10);
  });

  test('maxRows is what all attempts of a run may delete together', async () => {
    await using database = await createDatabase({ migrated: false });
    await items(database, 100);
    const attempt = () => runCleanup(database.url, { runId: 'one run', params: { maxRows: 30, batchSize: 8 } });
    // The result is the run's, whichever attempt gives it.
    expect([(await attempt()).totals.deleted, (await attempt()).totals.deleted]).toEqual([30, 30]);
    expect(await database.query('select from item')).toHaveLength(70);
  });

  test('refuses far more than earlier runs found, and says both numbers', async () => {
    await using database = await createDatabase({ migrated: false });
    await items(database, 100, 1_000);
    const earlier = (due: number, dryRun = false) => ({
      runId: 'r',
      scheduledAt: new Date(),
      result: { tables: { 'public.item': { due } }, nothingDue: [], dryRun },
    });
    const params = { guardAbove: 20, maxGrowth: 5 };
    const refused = await rejection(
      runCleanup(database.url, { params, previousRuns: [earlier(3), earlier(19), earlier(5_000, true)] }),
    );
    expect(refused.message).toMatch(/public\.item would lose 100 rows, and in the last runs at most 19 were due/);
    const usual = await runCleanup(database.url, { params, previousRuns: [earlier(3), earlier(20)] });
    expect(usual.totals.deleted).toBe(100);
  });

  test('an earlier result that was cut or is another version tells nothing', async () => {
    await using database = await createDatabase({ migrated: false });
    await items(database, 30, 100);
    const previousRuns = [null, 'cut', { tables: 3 }].map((result) => ({
      runId: 'r',
      scheduledAt: new Date(),
      result,
    }));
    expect((await runCleanup(database.url, { params: { guardAbove: 10 }, previousRuns })).totals.deleted).toBe(30);
  });
});

describe('rights and policies', () => {
  test('a table without the rights fails with the statement that grants them; the others go on', async () => {
    await using database = await createDatabase({ migrated: false });
    const { role, url } = await roleIn(database);
    await items(database, 5);
    await database.query(`create table closed (deleted_at timestamptz); insert into closed values (${OLD});
      grant select, update, delete on item to ${role}; grant select on closed to ${role}`);
    const error = await rejection(runCleanup(url));
    expect(error.message).toMatch(
      /1 of 2 tables failed; 5 rows were deleted. public\.closed: the role \S+ lacks DELETE, UPDATE on public\.closed; run: GRANT SELECT/,
    );
    expect(hasCode(error, 'ERR_RUN_JOB_PERMANENT')).toBe(true);
    await dropRole(database);
  });

  test('a partition that only its table is granted on is cleaned through the table', async () => {
    await using database = await createDatabase({ migrated: false });
    const { role, url } = await roleIn(database);
    await database.query(`
      create table event (id int, deleted_at timestamptz) partition by range (id);
      create table event_1 partition of event for values from (0) to (100);
      create table event_2 partition of event for values from (100) to (1000);
      insert into event select i, case when i % 2 = 0 then ${OLD} end from generate_series(1, 300) i;
      grant select, update, delete on event to ${role}`);
    const result = await runCleanup(url, { params: { batchSize: 20 } });
    expect(result.tables['public.event']).toMatchObject({ matched: 150, deleted: 150 });
    await dropRole(database);
  });

  test('where policies may hide rows the table fails, unless it is to work under them', async () => {
    await using database = await createDatabase({ migrated: false });
    const { role, url } = await roleIn(database);
    await items(database, 10);
    await database.query(`alter table item enable row level security; create policy visible on item using (id <= 4);
      grant select, update, delete on item to ${role}`);
    expect((await rejection(runCleanup(url))).message).toMatch(
      /row-level security may hide rows of public\.item.*BYPASSRLS/,
    );
    const result = await runCleanup(url, { params: { enableRowSecurity: true } });
    expect(result.tables['public.item']).toMatchObject({ matched: 4, deleted: 4 });
    expect(await database.query('select from item')).toHaveLength(6);
    await dropRole(database);
  });

  test.for([{}, { maxRows: 100 }])(
    'rows that policies show and let nobody delete are told, with %j',
    async (params) => {
      await using database = await createDatabase({ migrated: false });
      const { role, url } = await roleIn(database);
      await items(database, 10);
      await database.query(`alter table item enable row level security; create policy s on item for select using (true);
      create policy u on item for update using (true); create policy d on item for delete using (id > 3);
      grant select, update, delete on item to ${role}`);
      const result = await runCleanup(url, { params: { ...params, enableRowSecurity: true } });
      expect(result.tables['public.item']).toMatchObject({
        ...{ matched: 10, deleted: 7, kept: 3, blocked: 0, skippedLocked: 0 },
        refusals: [{ reason: `row-level security lets the role ${role} see them, and not delete them`, rows: 3 }],
      });
      await dropRole(database);
    },
  );

  test('a referring table whose rows are hidden holds its parent back as a failure: a cascade would take them unseen', async () => {
    await using database = await createDatabase({ migrated: false });
    const { role, url } = await roleIn(database);
    await items(database, 3);
    await database.query(`create table hidden (item_id int references item on delete cascade); insert into hidden values (1);
      grant select, update, delete on item to ${role}`);
    expect((await rejection(runCleanup(url))).message).toMatch(/public\.hidden refers to public\.item.*grant SELECT/);
    expect(await database.query('select from item')).toHaveLength(3);
    await dropRole(database);
  });
});

describe('triggers and rules', () => {
  test('rows that a BEFORE trigger keeps are counted, and the run ends', async () => {
    await using database = await createDatabase({ migrated: false });
    await items(database, 100);
    await database.query(`
      create function hold() returns trigger language plpgsql as $$ begin
        if old.id % 10 = 0 then return null; end if; return old; end $$;
      create trigger legal_hold before delete on item for each row execute function hold()`);
    const lines: Line[] = [];
    const result = await runCleanup(database.url, { lines, params: { batchSize: 7, maxBatchSize: 7 } });
    expect(result.totals).toMatchObject({ matched: 100, deleted: 90, kept: 10, blocked: 0 });
    expect(lines.some((line) => line.message === 'public.item: deleting fires legal_hold')).toBe(true);
  });

  test('a trigger that marks rows as deleted anew instead leaves nothing of it behind', async () => {
    await using database = await createDatabase({ migrated: false });
    await items(database, 20);
    await database.query(`
      create function soften() returns trigger language plpgsql as $$ begin
        update item set deleted_at = now() where id = old.id; return null; end $$;
      create trigger soften before delete on item for each row execute function soften()`);
    expect((await runCleanup(database.url)).totals).toMatchObject({ deleted: 0, kept: 20 });
    expect(await database.query(`select from item where deleted_at < ${daysAgo(99)}`)).toHaveLength(20);
  });

  test.for(
    [
      [
        'marks rows as deleted anew',
        'update item set deleted_at = now() where id = old.id; return null;',
        'return old;',
      ],
      ['keeps rows and writes others', 'return null;', 'insert into item values (1000 + old.id); return old;'],
    ].flatMap((trigger) => ['on', 'off'].map((counts) => [...trigger, counts])),
  )(
    'a trigger that %s is found out, with PostgreSQL’s counts or without',
    async ([, third = '', others = '', counts]) => {
      await using database = await createDatabase({ migrated: false });
      await database.query(`
      create table item (id int primary key, deleted_at timestamptz);
      insert into item select i, ${OLD} - i * interval '1 s' from generate_series(1, 200) i;
      create function act() returns trigger language plpgsql as $$ begin if old.id % 3 = 0 then ${third} end if; ${others} end $$;
      create trigger act before delete on item for each row execute function act()`);
      const options = { params: { batchSize: 60, maxBatchSize: 60 }, settings: `-c track_counts=${counts}` };
      expect((await runCleanup(database.url, options)).totals).toMatchObject({ matched: 200, deleted: 134, kept: 66 });
      expect(await database.query('select from item where id <= 200')).toHaveLength(66);
    },
  );

  test('rows for which a trigger raises an error stay, and the others go', async () => {
    await using database = await createDatabase({ migrated: false });
    await items(database, 64);
    await database.query(`
      create function forbid() returns trigger language plpgsql as $$ begin
        if old.id in (5, 50) then raise 'not this one'; end if; return old; end $$;
      create trigger forbid after delete on item for each row execute function forbid()`);
    expect((await runCleanup(database.url)).totals).toMatchObject({ matched: 64, deleted: 62, kept: 2 });
  });

  test('a statement trigger of a partitioned table fires', async () => {
    await using database = await createDatabase({ migrated: false });
    await database.query(`
      create table event (id int, deleted_at timestamptz) partition by range (id);
      create table event_1 partition of event for values from (0) to (1000);
      insert into event select i, ${OLD} from generate_series(1, 50) i;
      create table audit (rows int);
      create function note() returns trigger language plpgsql as $$ begin
        insert into audit select count(*) from gone; return null; end $$;
      create trigger note after delete on event referencing old table as gone for each statement execute function note()`);
    await runCleanup(database.url);
    expect(await database.query('select sum(rows)::int as sum from audit')).toEqual([{ sum: 50 }]);
  });

  test('a table with a rule on DELETE fails before anything is done to it', async () => {
    await using database = await createDatabase({ migrated: false });
    await items(database, 3);
    await database.query(
      'create rule soft as on delete to item do instead update item set deleted_at = now() where id = old.id',
    );
    expect((await rejection(runCleanup(database.url))).message).toMatch(/the rule soft on public\.item/);
  });
});

describe('the archive', () => {
  test('has every deleted row, in the columns of its table, with the time', async () => {
    await using database = await createDatabase({ migrated: false });
    await database.query(`
      create table "Item" (id int generated always as identity, dropped int, "Größe" numeric, twice numeric generated always as ("Größe" * 2) stored,
        deleted_at timestamptz);
      alter table "Item" drop column dropped;
      insert into "Item" ("Größe", deleted_at) select i, case when i <= 120 then ${OLD} end from generate_series(1, 200) i`);
    const params = { archiveSchema: 'Archive', batchSize: 50 };
    expect((await runCleanup(database.url, { params })).totals.deleted).toBe(120);
    expect(
      await database.query(
        `select count(*)::int, count(archived_at)::int as stamped, sum(twice)::int as sum from "Archive"."Item"`,
      ),
    ).toEqual([{ count: 120, stamped: 120, sum: 120 * 121 }]);
    // A second run appends; the archive itself is never cleaned.
    await database.query(`update "Item" set deleted_at = ${OLD}`);
    const again = await runCleanup(database.url, { params: { ...params, schemas: '*' } });
    expect(Object.keys(again.tables)).toEqual(['public.Item']);
    expect(await database.query('select from "Archive"."Item"')).toHaveLength(200);
  });

  test('is not made by a dry run, which finds nothing wrong with that', async () => {
    await using database = await createDatabase({ migrated: false });
    await items(database, 3);
    const { totals } = await runCleanup(database.url, { dryRun: true, params: { archiveSchema: 'archive' } });
    expect(totals.matched).toBe(3);
    expect(await database.query(`select from pg_namespace where nspname = 'archive'`)).toEqual([]);
  });

  test('that lacks a column stops its table, with the statement that adds it', async () => {
    await using database = await createDatabase({ migrated: false });
    await items(database, 3);
    await database.query('create schema archive; create table archive.item (id int)');
    const error = await rejection(runCleanup(database.url, { params: { archiveSchema: 'archive' } }));
    expect(error.message).toContain('ALTER TABLE "archive"."item" ADD COLUMN "deleted_at" timestamp with time zone');
    expect(await database.query('select from item')).toHaveLength(3);
    const dry = await rejection(runCleanup(database.url, { dryRun: true, params: { archiveSchema: 'archive' } }));
    expect(dry.message).toContain('ALTER TABLE "archive"."item" ADD COLUMN "deleted_at" timestamp with time zone');
  });
});

describe('large tables', () => {
  test('few due rows are found through the index, also when they share one time', async () => {
    await using database = await createDatabase({ migrated: false });
    await database.query(`create table item (id int, deleted_at timestamptz, padding char(2000) default '')`);
    await database.query(
      `insert into item select i, case when i % 50 = 0 then ${OLD} end from generate_series(1, 20000) i`,
    );
    await database.query('create index on item (deleted_at) where deleted_at is not null');
    await database.query('vacuum analyze item');
    const before = await reads(database);
    const result = await runCleanup(database.url, { params: { batchSize: 30, maxBatchSize: 30 } });
    expect(result.tables['public.item']).toMatchObject({ deleted: 400, batches: 14 });
    expect((await reads(database, 400)).scans).toBe(before.scans);
  });

  test('the last batch reads no more than the first', async () => {
    await using database = await createDatabase({ migrated: false });
    await database.query(
      `create table item (id int primary key, deleted_at timestamptz, padding char(400) default '')`,
    );
    await database.query(
      `insert into item select i, case when i % 2 = 0 then ${OLD} end from generate_series(1, 20000) i`,
    );
    await database.query('vacuum analyze item');
    const { pages } = await reads(database);
    const result = await runCleanup(database.url, { params: { batchSize: 200, maxBatchSize: 200, allowLarge: true } });
    expect(result.totals).toMatchObject({ deleted: 10_000 });
    expect(result.totals.batches).toBeGreaterThan(90);
    const after = await reads(database, 10_000);
    // The count reads the table once; 100 batches that scanned it would read it a hundred times.
    expect(after.scans).toBeLessThanOrEqual(3);
    // Version 13 can't scan a part of a table: it looks at each ctid that has a row, which here is up to 18 in a page, once.
    const named = serverAtHand().major < 14 ? 18 : 0;
    expect(after.pages - pages).toBeLessThan((20 + named) * 1_200);
  });

  test.skipIf(serverAtHand().major >= 14)(
    'on 13, which names the ctids that it looks at, those are few in a sparse table',
    async () => {
      await using database = await createDatabase({ migrated: false });
      await database.query(`create table item (id int, deleted_at timestamptz, padding text)`);
      await database.query(`alter table item alter padding set storage plain, set (autovacuum_enabled = off)`);
      await database.query(`insert into item select i, ${OLD}, repeat('x', 5000) from generate_series(1, 1500) i`);
      await database.query(`delete from item where id % 500 > 0`);
      await database.query(`vacuum analyze item`);
      expect((await runCleanup(database.url)).totals).toMatchObject({ deleted: 3, batches: 3 });
      // With all that came before, each page has been read a few times; each of its 291 ctids would be 436,500.
      expect((await reads(database, 1_500)).pages).toBeLessThan(30_000);
    },
  );

  test('VACUUM (ANALYZE) runs at the end when asked for', async () => {
    await using database = await createDatabase({ migrated: false });
    await items(database, 50);
    await runCleanup(database.url, { params: { vacuum: true } });
    const counts = `select vacuum_count::int, analyze_count::int from pg_stat_user_tables where relname = 'item'`;
    // Before version 15 the statistics know of it a moment later.
    await vi.waitFor(async () => {
      expect(await database.query(counts)).toEqual([{ vacuum_count: 1, analyze_count: 1 }]);
    }, STATISTICS);
  });

  test('a table that the role may not vacuum is named in a warning', async () => {
    await using database = await createDatabase({ migrated: false });
    const { role, url } = await roleIn(database);
    await items(database, 5);
    await database.query(`create table own (deleted_at timestamptz); alter table own owner to ${role}; insert into own values (${OLD});
      grant select, update, delete on item to ${role}`);
    const lines: Line[] = [];
    expect((await runCleanup(url, { lines, params: { vacuum: true } })).totals.deleted).toBe(6);
    expect(lines.filter(({ level }) => level === 'warn').map(({ message }) => message)).toEqual([
      `public.item was not vacuumed: the role ${role} neither owns it nor may maintain it`,
    ]);
    if (serverAtHand().major >= 17) {
      await database.query(`grant maintain on item to ${role}; insert into item values (99, ${OLD})`);
      const again: Line[] = [];
      await runCleanup(url, { lines: again, params: { vacuum: true } });
      expect(again.filter(({ level }) => level === 'warn')).toEqual([]);
    }
    await dropRole(database);
  });
});

/** How long statistics are waited for. */
const STATISTICS = { timeout: 10_000, interval: 50 };

/** What has been read of the table once `deleted` rows are known to be gone: before version 15 the statistics come a moment later. */
async function reads(database: TestDatabase, deleted = 0): Promise<{ scans: number; pages: number }> {
  return vi.waitFor(async () => {
    const [row] = await database.query<{ scans: number; pages: number; gone: number }>(
      `select t.seq_scan::int as scans, (s.heap_blks_read + s.heap_blks_hit)::int as pages, n_tup_del::int as gone
       from pg_stat_user_tables t join pg_statio_user_tables s using (relid) where t.relname = 'item'`,
    );
    if (!row || row.gone < deleted) throw new Error(`the statistics know of ${row?.gone} deletes`);
    return row;
  }, STATISTICS);
}
