// How PostgreSQL comes to the rows of a batch: counted by its own statistics, whatever the machine is busy with.
import { expect, test, vi } from 'vitest';
import type { TestDatabase } from '../../support/database.ts';
import { onEveryPostgres } from '../../support/every-postgres.ts';
import { daysAgo, runCleanup } from './support.ts';

const OLD = daysAgo(100);

onEveryPostgres((createDatabase) => {
  test('statistics from before the soft deletes send no batch through an index', async () => {
    await using database = await createDatabase();
    await database.query(`
      create table item (id int primary key, deleted_at timestamptz) with (autovacuum_enabled = off);
      create table part (id int primary key, item_id int references item, deleted_at timestamptz) with (autovacuum_enabled = off);
      create index part_item on part (item_id);
      create index item_deleted on item (deleted_at);
      create index part_deleted on part (deleted_at);
      insert into item select i from generate_series(1, 6000) i;
      insert into part select i, i from generate_series(1, 6000) i;
      analyze item, part;`);
    await database.query(`update part set deleted_at = ${OLD} where id % 5 < 3`);
    await database.query(`update item set deleted_at = ${OLD} where id % 5 < 3`);
    const result = await runCleanup(database.url, { params: { batchSize: 100, maxBatchSize: 100, allowLarge: true } });
    expect(result.totals).toMatchObject({ deleted: 7_200, blocked: 0 });
    expect(result.totals.batches).toBeGreaterThan(60);
    const scans = await statistics<{ index: string; scans: number }>(
      database,
      'select indexrelname as index, idx_scan::int as scans from pg_stat_user_indexes',
    );
    // The counts before the first batch may use them.
    for (const index of ['item_deleted', 'part_deleted'])
      expect(scans.find((each) => each.index === index)?.scans, index).toBeLessThan(10);
  });

  test('rows in cycles that no index finds are followed for a batch at once, and not one by one', async () => {
    await using database = await createDatabase();
    await database.query(`
      create table node (id int primary key, other int references node, padding text, deleted_at timestamptz);
      insert into node select i, null, repeat('x', 500), case when i <= 300 then ${OLD} end from generate_series(1, 600) i;
      update node set other = case when id % 2 = 0 then id - 1 else id + 1 end where id <= 300;
      analyze node;`);
    const before = await scansOf(database, 'node');
    const result = await runCleanup(database.url);
    expect(result.totals).toMatchObject({ deleted: 300, blocked: 0 });
    // PostgreSQL itself looks once for each row that goes.
    expect((await scansOf(database, 'node', 300)) - before).toBeLessThan(300 + 100);
  });

  test.for([
    ['after', 'item_id int references item', 'at once'],
    ['before', 'item_id int references item', 'under locks'],
    ['after', 'item_id int references item on delete set null', 'at once, with an action'],
  ] as const)('what a trigger runs %s a delete is planned as usual (%s, %s)', async ([when, reference]) => {
    await using database = await createDatabase();
    await database.query(`
      create table item (id int primary key, deleted_at timestamptz);
      create table part (id int, ${reference}, padding text);
      create table seen (seqscan text, nestloop text);
      create function see() returns trigger language plpgsql as $$ begin
        insert into seen values (current_setting('enable_seqscan'), current_setting('enable_nestloop')); return old; end $$;
      create trigger see ${when} delete on item for each row execute function see();
      insert into item select i, ${OLD} from generate_series(1, 20) i;
      insert into part select i, null, repeat('x', 500) from generate_series(1, 600) i;
      analyze item, part;`);
    const planned = 'select distinct seqscan, nestloop from seen';
    // Without an index the rows of a batch are joined with those that refer to them, and with one they are looked up.
    expect((await runCleanup(database.url)).totals.deleted).toBe(20);
    expect(await database.query(planned)).toEqual([{ seqscan: 'on', nestloop: 'on' }]);
    await database.query(`create index on part (item_id)`);
    await database.query(`insert into item select i, ${OLD} from generate_series(1, 20) i`);
    expect((await runCleanup(database.url)).totals.deleted).toBe(20);
    expect(await database.query(planned)).toEqual([{ seqscan: 'on', nestloop: 'on' }]);
  });

  test('a partition that is cleaned through its table is looked at alone', async () => {
    await using database = await createDatabase();
    await database.query(`
      create table event (id int primary key, deleted_at timestamptz) partition by range (id);
      do $$ begin for n in 0 .. 19 loop
        execute format('create table event_%s partition of event for values from (%s) to (%s)', n, n * 10, (n + 1) * 10);
      end loop; end $$;
      insert into event select i, ${OLD} from generate_series(1, 199) i; insert into event values (0, null);
      create function note() returns trigger language plpgsql as $$ begin return null; end $$;
      create trigger note after delete on event for each statement execute function note(); analyze event`);
    const scans = 'select sum(seq_scan)::int as scans from pg_stat_user_tables having sum(n_tup_del)';
    const [before] = await statistics<{ scans: number }>(database, `${scans} >= 0`);
    expect((await runCleanup(database.url)).totals.deleted).toBe(199);
    const [after] = await statistics<{ scans: number }>(database, `${scans} >= 199`);
    // To count each reads it once; to look at all for each of them would be 400.
    expect((after?.scans ?? 0) - (before?.scans ?? 0)).toBeLessThan(100);
  });

  test('no setting of the role makes a statement take more memory, or compile it', async () => {
    await using database = await createDatabase();
    const names = ['work_mem', 'hash_mem_multiplier', 'jit', 'max_parallel_workers_per_gather'];
    await database.query(`
      create table item (id int primary key, deleted_at timestamptz);
      create table seen (${names.map((name) => `${name} text`).join()});
      create function see() returns trigger language plpgsql as $$ begin
        insert into seen values (${names.map((name) => `current_setting('${name}')`).join()}); return old; end $$;
      create trigger see after delete on item for each row execute function see();
      insert into item values (1, ${OLD}), (2, null)`);
    const settings = '-c work_mem=4GB -c hash_mem_multiplier=1000 -c jit=on -c max_parallel_workers_per_gather=8';
    expect((await runCleanup(database.url, { settings })).totals.deleted).toBe(1);
    expect(await database.query('select * from seen')).toEqual([
      { work_mem: '16MB', hash_mem_multiplier: '2', jit: 'off', max_parallel_workers_per_gather: '0' },
    ]);
  });

  test('what a trigger runs in a cycle is planned as usual', async () => {
    await using database = await createDatabase();
    await database.query(`
      create table node (id int primary key, other int references node, deleted_at timestamptz);
      create index on node (other);
      create table seen (seqscan text, nestloop text);
      create function see() returns trigger language plpgsql as $$ begin
        insert into seen values (current_setting('enable_seqscan'), current_setting('enable_nestloop')); return old; end $$;
      create trigger see after delete on node for each row execute function see();
      insert into node values (1, null, ${OLD}), (2, 1, ${OLD}), (3, 2, null);
      update node set other = 2 where id = 1;
      update node set other = null where id = 3;`);
    expect((await runCleanup(database.url)).totals.deleted).toBe(2);
    expect(await database.query('select distinct seqscan, nestloop from seen')).toEqual([
      { seqscan: 'on', nestloop: 'on' },
    ]);
  });
});

/** How often the table has been read through, once `deleted` of its rows are known to be gone. */
async function scansOf(database: TestDatabase, table: string, deleted = 0): Promise<number> {
  const [row] = await statistics<{ scans: number }>(
    database,
    `select seq_scan::int as scans from pg_stat_user_tables where relname = '${table}' and n_tup_del >= ${deleted}`,
  );
  return row?.scans ?? 0;
}

/** Rows of PostgreSQL's statistics; before version 15 they come a moment later, and without rows they are waited for. */
function statistics<Row extends Record<string, unknown>>(database: TestDatabase, query: string): Promise<Row[]> {
  return vi.waitFor(
    async () => {
      const rows = await database.query<Row>(query);
      if (rows.length === 0) throw new Error('the statistics know nothing yet');
      return rows;
    },
    { timeout: 10_000, interval: 50 },
  );
}
