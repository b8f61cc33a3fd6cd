// Foreign keys: the order, what holds a row back, and what a delete would take with it.
import { describe, expect, test } from 'vitest';
import { createDatabase } from '../../support/database.ts';
import { daysAgo, type Line, runCleanup } from './support.ts';

const OLD = daysAgo(100);

describe('order', () => {
  test('children go before parents, over several levels', async () => {
    await using database = await createDatabase({ migrated: false });
    await database.query(`
      create table a (id int primary key, deleted_at timestamptz);
      create table b (id int primary key, a_id int references a, deleted_at timestamptz);
      create table c (id int primary key, b_id int references b on delete restrict, deleted_at timestamptz);
      create index on b (a_id); create index on c (b_id);
      insert into a select i, ${OLD} from generate_series(1, 50) i;
      insert into b select i, i, ${OLD} from generate_series(1, 50) i;
      insert into c select i, i, ${OLD} from generate_series(1, 50) i`);
    const result = await runCleanup(database.url);
    expect(result.totals).toMatchObject({ matched: 150, deleted: 150, blocked: 0 });
  });

  test.for(['', 'on delete restrict', 'deferrable initially deferred'])(
    'a tree that refers to itself goes from its lowest rows up (%s)',
    async (action) => {
      await using database = await createDatabase({ migrated: false });
      await database.query(`create table node (id int primary key, parent_id int references node ${action}, deleted_at timestamptz);
        create index on node (parent_id);
        insert into node select i, nullif(i / 2, 0), ${OLD} from generate_series(1, 500) i;
        insert into node values (1001, 500, null), (2000, 2000, ${OLD})`);
      const result = await runCleanup(database.url, { params: { batchSize: 20, maxBatchSize: 20 } });
      // 1001 is live: its ancestors 500, 250, 125, 62, 31, 15, 7, 3, 1 stay. 2000 refers to itself only.
      expect(result.tables['public.node']).toMatchObject({ matched: 501, deleted: 492, blocked: 9 });
      const left = await database.query<{ id: number }>('select id from node order by id');
      expect(left.map((row) => row.id)).toEqual([1, 3, 7, 15, 31, 62, 125, 250, 500, 1001]);
    },
  );

  test('due rows that SET NULL of the same tables moves behind the last block go as well', async () => {
    await using database = await createDatabase({ migrated: false });
    await database.query(`create table node (id int primary key, parent_id int references node on delete set null, pad text, deleted_at timestamptz);
      create index on node (parent_id);
      alter table node alter pad set storage plain;
      -- Parents before children, in blocks that are full.
      insert into node select i, nullif(i / 2, 0), repeat('x', 1900), ${OLD} from generate_series(1, 120) i; insert into node values (0)`);
    const result = await runCleanup(database.url, { params: { batchSize: 1, maxBatchSize: 1 } });
    expect(result.totals).toMatchObject({ matched: 120, deleted: 120 });
    expect(await database.query('select id from node')).toEqual([{ id: 0 }]);
  });

  test('rows of two tables that refer to each other in a cycle go together', async () => {
    await using database = await createDatabase({ migrated: false });
    await database.query(`
      create table account (id int primary key, main_card int, deleted_at timestamptz);
      create table card (id int primary key, account_id int not null references account, deleted_at timestamptz);
      alter table account add foreign key (main_card) references card;
      create index on card (account_id); create index on account (main_card);
      insert into account select i, null, ${OLD} from generate_series(1, 300) i;
      insert into card select i, i, ${OLD} from generate_series(1, 300) i;
      update account set main_card = id;
      insert into card values (1000, 7, null)`);
    const result = await runCleanup(database.url);
    // Account 7 has a live card: it stays, and with it the card that it refers to.
    expect(result.tables).toMatchObject({
      'public.account': { matched: 300, deleted: 299, blocked: 1 },
      'public.card': { matched: 300, deleted: 299, blocked: 1 },
    });
    expect(await database.query('select id from card order by id')).toEqual([{ id: 7 }, { id: 1000 }]);
  });

  test('row cycles are archived too', async () => {
    await using database = await createDatabase({ migrated: false });
    await database.query(`
      create table ring (id int primary key, next int references ring deferrable initially deferred, deleted_at timestamptz);
      create index on ring (next);
      begin; insert into ring values (1, 2, ${OLD}), (2, 3, ${OLD}), (3, 1, ${OLD}), (4, 1, ${OLD}), (5, 6, ${OLD}), (6, 5, null); commit`);
    const result = await runCleanup(database.url, { params: { archiveSchema: 'archive' } });
    expect(result.totals).toMatchObject({ matched: 5, deleted: 4, blocked: 1 });
    expect(await database.query('select id from archive.ring order by id')).toHaveLength(4);
  });
});

describe('what holds a row back', () => {
  test.for(['no action', 'restrict', 'cascade'])(
    'a live child under ON DELETE %s: its parent stays and is counted',
    async (action) => {
      await using database = await createDatabase({ migrated: false });
      await database.query(`
      create table parent (id int primary key, deleted_at timestamptz);
      create table child (id int primary key, parent_id int references parent on delete ${action}, deleted_at timestamptz);
      create index on child (parent_id);
      insert into parent select i, ${OLD} from generate_series(1, 20) i;
      insert into child values (1, 1, null), (2, 2, ${OLD}), (3, 3, ${daysAgo(1)})`);
      const result = await runCleanup(database.url);
      expect(result.tables['public.parent']).toMatchObject({ matched: 20, deleted: 18, blocked: 2 });
      expect(await database.query('select id from child order by id')).toEqual([{ id: 1 }, { id: 3 }]);
      expect(await database.query('select id from parent order by id')).toEqual([{ id: 1 }, { id: 3 }]);
    },
  );

  test('a cascade that would take live rows is told before the first batch, transitively, with its numbers', async () => {
    await using database = await createDatabase({ migrated: false });
    await database.query(`
      create table a (id int primary key, deleted_at timestamptz);
      create table b (id int primary key, a_id int references a on delete cascade);
      create table c (id int primary key, b_id int references b on delete cascade, a_id int references a on delete set null);
      insert into a values (1, ${OLD}), (2, null); insert into b values (1, 1), (2, 1), (3, 2);
      insert into c values (1, 1, null), (2, 3, 1), (3, 2, 2)`);
    const lines: Line[] = [];
    const result = await runCleanup(database.url, { lines, dryRun: true });
    expect(result.tables['public.a']?.effects).toEqual([
      { table: 'public.b', constraint: 'b_a_id_fkey', onDelete: 'cascade', rows: 2 },
      { table: 'public.c', constraint: 'c_b_id_fkey', onDelete: 'cascade', rows: 2 },
      { table: 'public.c', constraint: 'c_a_id_fkey', onDelete: 'set null', rows: 1 },
    ]);
    expect(lines.filter((line) => line.level === 'warn').map((line) => line.message)).toContainEqual(
      expect.stringMatching(/public\.b: 2 rows that aren't due would go too.*allowCascade/),
    );
    expect(await runCleanup(database.url)).toMatchObject({ totals: { deleted: 0, blocked: 1 } });
  });

  test('with allowCascade the cascade happens', async () => {
    await using database = await createDatabase({ migrated: false });
    await database.query(`
      create table a (id int primary key, deleted_at timestamptz);
      create table b (id int primary key, a_id int references a on delete cascade);
      create table c (id int primary key, b_id int references b);
      create index on b (a_id); create index on c (b_id);
      insert into a select i, ${OLD} from generate_series(1, 40) i; insert into b select i, i from generate_series(1, 40) i;
      insert into c values (1, 33)`);
    const result = await runCleanup(database.url, { params: { allowCascade: true } });
    // 33 can't go: its child b has a child c that forbids it, which only PostgreSQL's own check sees.
    expect(result.tables['public.a']).toMatchObject({ deleted: 39, blocked: 1 });
    expect(await database.query('select id from b')).toEqual([{ id: 33 }]);
  });

  test('SET NULL and SET DEFAULT do what the schema says', async () => {
    await using database = await createDatabase({ migrated: false });
    await database.query(`
      create table category (id int primary key, deleted_at timestamptz);
      create table item (id int primary key, category_id int default 0 references category on delete set default);
      create table note (id int primary key, category_id int references category on delete set null);
      insert into category values (0, null), (1, ${OLD}); insert into item values (1, 1); insert into note values (1, 1)`);
    const result = await runCleanup(database.url);
    expect(result.totals.deleted).toBe(1);
    expect(await database.query('select category_id from item')).toEqual([{ category_id: 0 }]);
    expect(await database.query('select category_id from note')).toEqual([{ category_id: null }]);
  });

  test('composite keys, children in other schemas, children without an index, and partitions on both sides', async () => {
    await using database = await createDatabase({ migrated: false });
    await database.query(`
      create schema "Other";
      create table parent (a int, b text, deleted_at timestamptz, primary key (b, a)) partition by range (a);
      create table parent_1 partition of parent for values from (0) to (50);
      create table parent_2 partition of parent for values from (50) to (1000) partition by range (a);
      create table parent_2a partition of parent_2 for values from (50) to (100);
      create table "Other"."Child" (id int, x text, y int, foreign key (y, x) references parent (a, b) on delete cascade) partition by hash (id);
      create table "Other"."Child 1" partition of "Other"."Child" for values with (modulus 2, remainder 0);
      create table "Other"."Child 2" partition of "Other"."Child" for values with (modulus 2, remainder 1);
      create table only_one (a int, b text, foreign key (a, b) references parent_1 (a, b));
      insert into parent select i, 'k' || i, ${OLD} from generate_series(1, 99) i;
      insert into "Other"."Child" values (1, 'k10', 10), (2, 'k60', 60), (3, 'k61', null);
      insert into only_one values (20, 'k20')`);
    const result = await runCleanup(database.url, { params: { batchSize: 10 } });
    expect(result.tables['public.parent']).toMatchObject({ matched: 99, deleted: 96, blocked: 3 });
    expect(await database.query('select from "Other"."Child"')).toHaveLength(3);
  });

  test('a dry run counts what stays, over several levels', async () => {
    await using database = await createDatabase({ migrated: false });
    await database.query(`
      create table a (id int primary key, deleted_at timestamptz);
      create table b (id int primary key, a_id int references a, deleted_at timestamptz);
      create table c (id int primary key, b_id int references b);
      insert into a select i, ${OLD} from generate_series(1, 10) i; insert into b select i, i, ${OLD} from generate_series(1, 10) i;
      insert into b values (11, 10, null); insert into c values (1, 5)`);
    const dry = await runCleanup(database.url, { dryRun: true });
    expect(dry.tables).toMatchObject({
      'public.a': { matched: 10, deleted: 0, blocked: 2 },
      'public.b': { matched: 10, deleted: 0, blocked: 1 },
    });
    const real = await runCleanup(database.url);
    expect(real.tables).toMatchObject({
      'public.a': { matched: 10, deleted: 8, blocked: 2 },
      'public.b': { matched: 10, deleted: 9, blocked: 1 },
    });
  });
});
