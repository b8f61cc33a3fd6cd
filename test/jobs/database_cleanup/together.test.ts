// Rows of one table that refer to each other and go in one statement, in the cases in which they can't all.
import { expect, test } from 'vitest';
import { onEveryPostgres } from '../../support/every-postgres.ts';
import { daysAgo, runCleanup } from './support.ts';

const OLD = daysAgo(100);

/** A tree of 364 due rows, in which each row but the last ones has three below it, and one live row apart. */
const tree = (key: string, type = 'int') => `
  create table node (id ${type} primary key, parent_id ${type}, deleted_at timestamptz);
  insert into node select i, case when i > 1 then (i + 1) / 3 end, ${OLD} from generate_series(1, 364) i;
  insert into node values (9999, null, null);
  ${key}; analyze node`;

const KEYS = {
  'no action': 'alter table node add foreign key (parent_id) references node; create index on node (parent_id)',
  restrict: 'alter table node add foreign key (parent_id) references node on delete restrict',
  cascade:
    'alter table node add foreign key (parent_id) references node on delete cascade; create index on node (parent_id)',
  'no action, deferred': 'alter table node add foreign key (parent_id) references node initially deferred',
  'set null, which NOT NULL forbids': `update node set parent_id = id where parent_id is null;
    alter table node alter parent_id set not null; alter table node add foreign key (parent_id) references node on delete set null`,
};

onEveryPostgres((createDatabase) => {
  test.for(Object.entries(KEYS))('a whole tree goes, at once and in batches (%s)', async ([, key]) => {
    for (const maxBatchSize of [1_000, 50]) {
      await using database = await createDatabase();
      await database.query(tree(key));
      const { totals } = await runCleanup(database.url, { params: { maxBatchSize } });
      expect(totals).toMatchObject({ deleted: 364, blocked: 0, kept: 0 });
    }
  });

  test.for(Object.entries(KEYS))(
    'a live row at the end of a tree keeps what it hangs from, and nothing else (%s)',
    async ([, key]) => {
      await using database = await createDatabase();
      await database.query(tree(key));
      await database.query('update node set deleted_at = null where id = 364');
      const dry = await runCleanup(database.url, { dryRun: true });
      const { totals } = await runCleanup(database.url, { params: { batchSize: 20 } });
      // 364, 121, 40, 13, 4, 1: the way to the root.
      expect(totals).toMatchObject({ matched: 363, deleted: 358, blocked: 5 });
      expect(dry.totals.blocked).toBe(5);
    },
  );

  test('keys of numeric, and of two columns of which one type has no hash, are followed', async () => {
    await using database = await createDatabase();
    await database.query(tree('alter table node add foreign key (parent_id) references node', 'numeric(9, 1)'));
    expect((await runCleanup(database.url)).totals).toMatchObject({ deleted: 364 });
    await database.query(`drop table node;
      create table node (a int, b bit(8), parent_a int, parent_b bit(8), deleted_at timestamptz, primary key (a, b));
      insert into node select i, i::bit(8), nullif(i - 1, 0), case when i > 1 then (i - 1)::bit(8) end, ${OLD} from generate_series(1, 200) i;
      insert into node values (9999, B'00000000', null, null, null);
      alter table node add foreign key (parent_a, parent_b) references node; analyze node`);
    expect((await runCleanup(database.url)).totals).toMatchObject({ deleted: 200, blocked: 0 });
  });

  test('an AFTER trigger that raises for one row of a tree keeps that row and what it hangs from', async () => {
    await using database = await createDatabase();
    await database.query(tree(KEYS['no action']));
    await database.query(`create function no() returns trigger language plpgsql as $$ begin
        if old.id = 364 then raise 'stays'; end if; return null; end $$;
      create trigger no after delete on node for each row execute function no()`);
    expect((await runCleanup(database.url)).totals).toMatchObject({ deleted: 358, blocked: 5, kept: 1 });
  });

  test('a BEFORE trigger that keeps a row of a tree keeps what it hangs from', async () => {
    await using database = await createDatabase();
    await database.query(tree(KEYS.restrict));
    await database.query(`create function no() returns trigger language plpgsql as $$ begin
        if old.id = 364 then return null; end if; return old; end $$;
      create trigger no before delete on node for each row execute function no()`);
    expect((await runCleanup(database.url)).totals).toMatchObject({ deleted: 358, blocked: 5, kept: 1 });
  });

  test('maxRows takes the last rows of a tree first, run after run, until the tree is gone', async () => {
    await using database = await createDatabase();
    await database.query(tree(KEYS['no action']));
    let deleted = 0;
    for (let run = 0; run < 4; run += 1) {
      deleted += (await runCleanup(database.url, { params: { maxRows: 100 } })).totals.deleted;
    }
    expect(deleted).toBe(364);
  });

  test('a tree over partitions, with an archive', async () => {
    await using database = await createDatabase();
    await database.query(`
      create table node (id int primary key, parent_id int, deleted_at timestamptz) partition by hash (id);
      create table node_0 partition of node for values with (modulus 2, remainder 0);
      create table node_1 partition of node for values with (modulus 2, remainder 1);
      insert into node select i, case when i > 1 then (i + 1) / 3 end, ${OLD} from generate_series(1, 364) i;
      insert into node values (9999, null, null);
      alter table node add foreign key (parent_id) references node; analyze node`);
    const params = { archiveSchema: 'archive' };
    expect((await runCleanup(database.url, { params })).totals).toMatchObject({ deleted: 364, blocked: 0 });
    expect(await database.query('select count(*)::int from archive.node')).toEqual([{ count: 364 }]);
  });

  test.for(['', 'create index on child (parent_id); create index on grandchild (child_id);'])(
    'a due child that a live row holds is not taken by a cascade from its parent, and no trigger tells of it (%s)',
    async (indexes) => {
      await using database = await createDatabase();
      // What a sequence has given is not taken back.
      await database.query(`create sequence told;
        create table parent (id int primary key, deleted_at timestamptz);
        create table child (id int primary key, parent_id int references parent on delete cascade, deleted_at timestamptz);
        create table grandchild (child_id int references child on delete cascade); ${indexes}
        insert into parent select i, ${OLD} from generate_series(1, 100) i;
        insert into child select i, i, ${OLD} from generate_series(1, 100) i; insert into grandchild values (7)`);
      expect((await runCleanup(database.url)).totals).toMatchObject({ deleted: 198, blocked: 2 });
      await database.query(`create function tell() returns trigger language plpgsql as $$ begin perform nextval('told'); return null; end $$;
        create trigger tell after delete on grandchild for each row execute function tell();
        insert into parent select i, ${OLD} from generate_series(200, 300) i;
        insert into child select i, i, ${OLD} from generate_series(200, 300) i`);
      expect((await runCleanup(database.url)).totals).toMatchObject({ deleted: 202, blocked: 2 });
      expect(await database.query('select from grandchild')).toHaveLength(1);
      expect(await database.query('select is_called from told')).toEqual([{ is_called: false }]);
    },
  );

  test('without counts of deletes, or where a trigger might do something else, parents of cascades are locked first', async () => {
    await using database = await createDatabase();
    await database.query(`
      create table parent (id int primary key, deleted_at timestamptz);
      create table child (parent_id int references parent on delete cascade);
      create index on child (parent_id);
      insert into parent select i, ${OLD} from generate_series(1, 100) i; insert into child values (7);
      create function keep() returns trigger language plpgsql as 'begin return old; end';
      create trigger keep before delete on child for each row execute function keep()`);
    expect((await runCleanup(database.url)).totals).toMatchObject({ deleted: 99, blocked: 1 });
    await database.query(`insert into parent select i, ${OLD} from generate_series(200, 300) i; drop trigger keep on child;
      do $$ begin execute format('alter database %I set track_counts = off', current_database()); end $$`);
    expect((await runCleanup(database.url)).totals).toMatchObject({ deleted: 101, blocked: 1 });
  });
});
