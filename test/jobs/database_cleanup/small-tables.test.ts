// Many small tables: several go in one transaction, which changes nothing of what becomes of each.
import { expect, test } from 'vitest';
import type { Result } from '../../../src/jobs/database_cleanup/result.ts';
import type { TestDatabase } from '../../support/database.ts';
import { onEveryPostgres } from '../../support/every-postgres.ts';
import { testPool } from '../../support/pool.ts';
import { runJob, runToEnd } from '../../support/run-job.ts';
import { daysAgo, runCleanup } from './support.ts';

const TABLES = 12;
const DUE = 30;
const names = Array.from({ length: TABLES }, (_, at) => `t${String(at).padStart(2, '0')}`);

/** A table of due rows 1 to 30 and a live one. */
const table = (name: string, more = '') => `
  create table ${name} (id int primary key, deleted_at timestamptz ${more});
  insert into ${name} select i, ${daysAgo(100)} - i * interval '1 s' from generate_series(1, ${DUE}) i;
  insert into ${name} values (0); analyze ${name};`;

/** Writes down, for each table, the transactions that delete rows of it. */
const SEEN = `
  create table seen (name text, transaction text, seqscan text, nestloop text);
  create function see() returns trigger language plpgsql as $$ begin
    insert into seen values (tg_table_name, pg_current_xact_id()::text, current_setting('enable_seqscan'), current_setting('enable_nestloop'));
    return null; end $$;`;
const see = (name: string) => `create trigger see after delete on ${name} for each statement execute function see();`;

const transactions = async (database: TestDatabase) =>
  (await database.query<{ name: string; transaction: string }>('select name, transaction from seen order by name')).map(
    ({ name, transaction }) => [name, transaction],
  );

/** Raises an error for one row of a table. */
const refuse = (name: string, id: number) => `
  create function refuse() returns trigger language plpgsql as $$ begin
    if old.id = ${id} then raise 'row % stays', old.id; end if; return null; end $$;
  create trigger refuse after delete on ${name} for each row execute function refuse();`;

onEveryPostgres((createDatabase) => {
  test('go in one transaction, and each is told of as if it went alone', async () => {
    await using database = await createDatabase();
    await database.query(`${SEEN} ${names.map((name) => table(name) + see(name)).join('')}`);
    const result = await runCleanup(database.url, { params: { allowLarge: true } });
    expect(result.totals).toMatchObject({ matched: TABLES * DUE, deleted: TABLES * DUE });
    for (const name of names) {
      expect(result.tables[`public.${name}`]).toMatchObject({ due: DUE, deleted: DUE, batches: 1, blocked: 0 });
    }
    const seen = await transactions(database);
    expect(seen.map(([name]) => name)).toEqual(names);
    expect(new Set(seen.map(([, transaction]) => transaction)).size).toBe(1);
  });

  test('take no more transactions than one does, the looks at them included', async () => {
    await using database = await createDatabase();
    const taken: number[] = [];
    for (const tables of [names.slice(0, 1), names.slice(1)]) {
      await database.query(tables.map((name) => table(name)).join(''));
      const pool = testPool({ connectionString: database.url });
      let transactions = 0;
      pool.on('acquire', () => {
        transactions += 1;
      });
      await runCleanup(pool, { params: { live: {}, allowEmpty: [] } });
      await pool.end();
      taken.push(transactions);
    }
    expect(taken[1]).toBe(taken[0]);
  });

  test('go in a transaction of their own where maxRows is set, which they keep to', async () => {
    await using database = await createDatabase();
    await database.query(names.map((name) => table(name)).join(''));
    const result = await runCleanup(database.url, { params: { allowLarge: true, maxRows: 100 } });
    expect(result).toMatchObject({ stopped: 'maxRows', totals: { deleted: 100 } });
  });

  test('no transaction looks at more rows than a batch does', async () => {
    await using database = await createDatabase();
    await database.query(`${SEEN} ${names.map((name) => table(name) + see(name)).join('')}`);
    const params = { allowLarge: true, batchSize: 100, maxBatchSize: 100 };
    const result = await runCleanup(database.url, { params });
    expect(result.totals).toMatchObject({ deleted: TABLES * DUE });
    const seen = (await transactions(database)).map(([, transaction]) => transaction);
    // 31 rows each: three of them are fewer than 100.
    expect(new Set(seen).size).toBe(TABLES / 3);
  });

  test('a row that a trigger refuses keeps no row of another table', async () => {
    await using database = await createDatabase();
    await database.query(names.map((name) => table(name)).join('') + refuse('t05', 7));
    const result = await runCleanup(database.url, { params: { allowLarge: true } });
    expect(result.totals).toMatchObject({ matched: TABLES * DUE, deleted: TABLES * DUE - 1, kept: 1 });
    expect(result.tables['public.t05']?.refusals).toEqual([{ reason: 'row 7 stays', rows: 1, example: 'id=7' }]);
  });

  test('a row that somebody has locked, and a table that fails, are told of theirs', async () => {
    await using database = await createDatabase();
    await database.query(`${names.map((name) => table(name)).join('')}
      create function fail() returns trigger language plpgsql as $$ begin perform no_such_function(); return null; end $$;
      create trigger fail after delete on t09 for each statement execute function fail();`);
    const holder = await database.connect();
    await holder.query('begin; select from t02 where id = 5 for update');
    const error = await runCleanup(database.url, { params: { allowLarge: true } }).then(
      () => undefined,
      (failure: Error & { result?: Result }) => failure,
    );
    await holder.end();
    expect(error?.message).toMatch(/^1 of 12 tables failed; 329 rows were deleted\. public\.t09: .*no_such_function/);
    expect(await database.query('select id from t02')).toEqual([{ id: 5 }, { id: 0 }]);
    expect(await database.query('select from t09')).toHaveLength(DUE + 1);
  });

  test('children go before their parents, each statement planned for itself, and a parent of a live child stays', async () => {
    await using database = await createDatabase();
    await database.query(`${SEEN} ${table('parent')} ${table('child', ', parent_id int references parent')} ${table('other')}
      update child set parent_id = id; update child set deleted_at = null where id = 3;
      create index on child (parent_id); ${['parent', 'child', 'other'].map(see).join('')} analyze`);
    const { tables } = await runCleanup(database.url, { params: { allowLarge: true } });
    expect(tables).toMatchObject({
      'public.child': { deleted: DUE - 1, blocked: 0 },
      'public.parent': { deleted: DUE - 1, blocked: 1 },
      'public.other': { deleted: DUE, blocked: 0 },
    });
    const seen = await database.query<Record<string, string>>('select * from seen');
    expect(new Set(seen.map(({ transaction }) => transaction)).size).toBe(1);
    // What triggers run is planned as it would be for anybody.
    expect(new Set(seen.map(({ seqscan, nestloop }) => [seqscan, nestloop].join()))).toEqual(new Set(['on,on']));
    expect(await database.query('select id from parent order by id')).toEqual([{ id: 0 }, { id: 3 }]);
  });

  test('one that is killed among them is completed by the next run, which counts what both did', async () => {
    await using database = await createDatabase({ migrated: true });
    const slow = names.at(-2);
    await database.query(`${names.map((name) => table(name)).join('')}
      create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.3); return null; end $$;
      create trigger slow after delete on ${slow} for each row execute function slow();`);
    const args = [
      ...['database_cleanup', '--scheduled-at', new Date().toISOString(), '--param', 'allowLarge=true'],
      ...['--param', 'batchSize=150', '--param', 'maxBatchSize=150'],
    ];
    await using killed = runJob(args, { database });
    await killed.until(
      (async () => {
        const sleeps = `select from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'`;
        while ((await database.query(sleeps)).length === 0);
      })(),
    );
    const [before] = await database.query<{ value: { current: object } }>('select value from run_job.checkpoints');
    expect(Object.keys(before?.value.current ?? {})).toContain(`public.${slow}`);
    killed.kill('SIGKILL');
    await killed.done.catch(() => undefined);
    await database.query(`drop trigger slow on ${slow}`);
    const { summary } = await runToEnd(args, { database });
    expect(summary).toMatchObject({
      status: 'succeeded',
      result: { totals: { matched: TABLES * DUE, deleted: TABLES * DUE }, nothingDue: [] },
    });
  });
});
