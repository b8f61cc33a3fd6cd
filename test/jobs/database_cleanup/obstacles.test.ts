// What the catalog tells beforehand: replica identities, disabled keys, and names, types and collations that are legal but rare.
import { expect, test } from 'vitest';
import { hasCode } from '../../../src/errors.ts';
import type { TestDatabase } from '../../support/database.ts';
import { onEveryPostgres } from '../../support/every-postgres.ts';
import { type CleanupOptions, daysAgo, type Line, runCleanup } from './support.ts';

const OLD = daysAgo(100);

onEveryPostgres((createDatabase, major) => {
  test.for([true, false])(
    'session_replication_role = replica ends the run before it begins (dry run: %s)',
    async (dryRun) => {
      await using database = await createDatabase();
      await database.query(`create table a (id int primary key, deleted_at timestamptz);
      create table b (a_id int references a on delete set null); insert into a values (1, ${OLD}); insert into b values (1)`);
      const error = await rejection(database, { dryRun, settings: '-c session_replication_role=replica' });
      expect(hasCode(error, 'ERR_RUN_JOB_CONFIG')).toBe(true);
      expect(error.message).toMatch(/session_replication_role is replica.*ALTER ROLE … RESET/);
      expect((await runCleanup(database.url, { settings: '-c session_replication_role=local' })).totals.deleted).toBe(
        1,
      );
      expect(await database.query('select from b where a_id is null')).toHaveLength(1);
    },
  );

  test('a foreign key whose triggers are disabled keeps its parents until they are enabled', async () => {
    await using database = await createDatabase();
    await database.query(`create table a (id int primary key, deleted_at timestamptz);
      create table b (a_id int references a on delete set null); insert into a values (1, ${OLD}), (2, null);
      insert into b values (1); alter table a disable trigger all`);
    const { message } = await rejection(database, { dryRun: true });
    expect(message).toMatch(/the triggers of the foreign key b_a_id_fkey on public\.a are disabled/);
    await rejection(database, {});
    await database.query(/run as a superuser: (.*)$/.exec(message)?.[1] ?? 'no statement');
    expect((await runCleanup(database.url)).totals.deleted).toBe(1);
  });

  test.for([
    ['no key', 'id int', ''],
    ['a deferrable key', 'id int primary key deferrable', ''],
    ['a unique index that is not its identity', 'id int unique', ''],
    ['an identity of nothing', 'id int primary key', 'alter table item replica identity nothing'],
  ] as const)('a published table with %s is foreseen in the dry run, and tried once', async ([, column, more]) => {
    await using database = await createDatabase();
    await database.query(`create table item (${column}, deleted_at timestamptz); create publication everything for all tables;
      create table other (deleted_at timestamptz); ${more}`);
    await database.query(`insert into item values (1, ${OLD}), (2, null)`);
    for (const dryRun of [true, false]) {
      const error = await rejection(database, { dryRun });
      expect(hasCode(error, 'ERR_RUN_JOB_PERMANENT')).toBe(true);
      expect(error.message).toMatch(/^1 of 2 tables failed.*the deletes of public\.item are published/);
    }
    const { message } = await rejection(database, {});
    await database.query(/run: (ALTER TABLE .*)$/.exec(message)?.[1] ?? 'no statement');
    expect((await runCleanup(database.url)).totals.deleted).toBe(1);
  });

  test('a published table with an identity, or without its deletes, or of a partition that has one, is cleaned', async () => {
    await using database = await createDatabase();
    await database.query(`
      create table a (id int primary key, deleted_at timestamptz); create table b (id int, deleted_at timestamptz);
      create table c (id int, deleted_at timestamptz) partition by list (id);
      create table c_1 partition of c for values in (1); alter table c_1 add primary key (id);
      create publication keyed for table a, c; create publication inserts for table b with (publish = 'insert')`);
    await database.query(
      `insert into a values (1, ${OLD}); insert into b values (1, ${OLD}); insert into c values (1, ${OLD})`,
    );
    expect((await runCleanup(database.url)).totals.deleted).toBe(3);
  });

  test('what the catalog did not foresee is told with its HINT, and not tried again', async () => {
    await using database = await createDatabase();
    await database.query(`create table item (id int primary key, deleted_at timestamptz);
      create table child (item_id int references item on delete set null);
      create publication children for table child;
      insert into item values (1, ${OLD}); alter table child replica identity full; insert into child values (1);
      alter table child replica identity default`);
    const error = await rejection(database, {});
    expect(hasCode(error, 'ERR_RUN_JOB_PERMANENT')).toBe(true);
    expect(error.message).toMatch(/does not have a replica identity.*set REPLICA IDENTITY using ALTER TABLE/);
  });

  // Before version 15 a publication takes whole tables.
  test.skipIf(major < 15).for([
    ['rows', "item where (kind = 'a')", ''],
    ['rows, with all columns as its identity', "item (id, kind) where (kind = 'a')", 'replica identity full'],
    ['columns', 'item (kind, deleted_at)', ''],
  ] as const)(
    'a publication of some %s that do not identify a row is foreseen in the dry run, and tried once',
    async ([, published, identity]) => {
      await using database = await createDatabase();
      await database.query(`create table item (id int primary key, kind text, deleted_at timestamptz);
        create table other (deleted_at timestamptz); insert into other values (${OLD});
        insert into item values (1, 'a', ${OLD}), (2, 'b', null); create publication partial for table ${published};
        ${identity && `alter table item ${identity}`}`);
      for (const dryRun of [true, false]) {
        const error = await rejection(database, { dryRun });
        expect(hasCode(error, 'ERR_RUN_JOB_PERMANENT')).toBe(true);
        expect(error.message).toMatch(/^1 of 2 tables failed.*public\.item: cannot delete from table "item" \(Column/);
      }
      await database.query('alter publication partial set table item');
      expect((await runCleanup(database.url)).totals.deleted).toBe(1);
    },
  );

  test('a column of the name that holds no time is told of, unless its table is excluded', async () => {
    await using database = await createDatabase();
    await database.query(`create table seconds (deleted_at bigint); create table flag (deleted_at boolean);
      create table item (deleted_at timestamptz); create domain moments as timestamptz[]; create table many (deleted_at moments)`);
    const warnings = async (params: NonNullable<CleanupOptions['params']>) => {
      const lines: Line[] = [];
      await runCleanup(database.url, { lines, dryRun: true, params });
      return lines.filter(({ level }) => level === 'warn').map(({ message }) => message);
    };
    expect(await warnings({})).toEqual([
      expect.stringMatching(/^public\.flag isn't cleaned: its column deleted_at is of type boolean, and not/),
      expect.stringMatching(/^public\.many isn't cleaned: its column deleted_at is of type moments/),
      expect.stringMatching(/^public\.seconds isn't cleaned: its column deleted_at is of type bigint/),
    ]);
    expect(await warnings({ exclude: 'seconds, flag', tables: 'item' })).toEqual([]);
    expect((await rejection(database, { params: { tables: 'flag' } })).message).toMatch(/no such table with a column/);
  });

  test('catalogs are read the same where backslashes escape, and a default of NULL is none', async () => {
    await using database = await createDatabase();
    await database.query(`create table item (id int primary key, deleted_at timestamp default null::timestamp(3), "back\\slash's" text);
      insert into item values (1, ${OLD}), (2, null)`);
    const settings = '-c standard_conforming_strings=off';
    const params = { live: {}, archiveSchema: 'archive' };
    expect((await runCleanup(database.url, { settings, params })).totals.deleted).toBe(1);
  });

  // Before version 17 the server has no such limit.
  test.skipIf(major < 17)('a limit of the server for whole transactions does not end those of the job', async () => {
    await using database = await createDatabase();
    await database.query(`create table item (id int primary key, deleted_at timestamptz);
      insert into item select i, ${OLD} from generate_series(1, 8) i; insert into item values (99);
      create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.05); return old; end $$;
      create trigger slow before delete on item for each row execute function slow()`);
    const settings = '-c transaction_timeout=200';
    expect((await runCleanup(database.url, { settings })).totals.deleted).toBe(8);
  });

  test('an archive among the schemas that are to be cleaned is refused', async () => {
    await using database = await createDatabase();
    await database.query('create schema archive');
    const error = await rejection(database, { params: { schemas: 'public,archive', archiveSchema: 'archive' } });
    expect(hasCode(error, 'ERR_RUN_JOB_PERMANENT')).toBe(true);
    expect(error.message).toMatch(/The schema archive can't be cleaned and hold the archive/);
  });

  test('a domain over a domain over a domain of a time is a time', async () => {
    await using database = await createDatabase();
    await database.query(`create domain one as timestamptz; create domain two as one; create domain three as two;
      create table item (deleted_at three); insert into item values (${OLD}), (null);
      create domain day as date; create domain holiday as day; create table off (deleted_at holiday); insert into off values (${OLD}), (null);
      create domain text_one as text; create domain text_two as text_one; create table no (deleted_at text_two)`);
    const result = await runCleanup(database.url);
    expect(Object.keys(result.tables)).toEqual(['public.item', 'public.off']);
    expect(result.totals.deleted).toBe(2);
  });

  test.for(['', 'create index on child (code);'])(
    'a key whose columns have different collations is followed (%s)',
    async (index) => {
      await using database = await createDatabase();
      await database.query(`
      create table parent (code text collate "C" primary key, deleted_at timestamptz);
      create table child (code text collate "POSIX" references parent, deleted_at timestamptz); ${index}
      insert into parent values ('a', ${OLD}), ('b', ${OLD}), ('c', null);
      insert into child values ('a', null), ('b', ${OLD})`);
      expect((await runCleanup(database.url, { dryRun: true })).totals).toMatchObject({ matched: 3, blocked: 1 });
      expect((await runCleanup(database.url)).totals).toMatchObject({ deleted: 2, blocked: 1 });
    },
  );

  test('rows in a cycle of keys with different collations go together', async () => {
    await using database = await createDatabase();
    await database.query(`
      create table node (code text collate "C" primary key, next text collate "POSIX", deleted_at timestamptz);
      insert into node values ('a', 'b', ${OLD}), ('b', 'a', ${OLD});
      alter table node add foreign key (next) references node`);
    expect((await runCleanup(database.url)).totals).toMatchObject({ deleted: 2 });
  });

  test('tables whose names only differ by where a dot is have a result each, and can be named', async () => {
    await using database = await createDatabase();
    await database.query(`create schema a; create schema "a.b";
      create table a."b.c" (id int primary key, deleted_at timestamptz); create table "a.b".c (id int primary key, deleted_at timestamptz);
      create table "a.b"."x.y" (id int references a."b.c" on delete set null);
      insert into a."b.c" values (1, ${OLD}), (2, ${OLD}); insert into "a.b".c values (1, ${OLD}); insert into "a.b"."x.y" values (1)`);
    const { tables } = await runCleanup(database.url, { dryRun: true, params: { schemas: '*' } });
    expect(tables).toMatchObject({ 'a."b.c"': { due: 2 }, '"a.b".c': { due: 1 } });
    expect(tables['a."b.c"']?.effects?.[0]?.table).toBe('"a.b"."x.y"');
    for (const [name, deleted] of [
      ['"a.b".c', 1],
      ['a."b.c"', 2],
    ] as const) {
      const params = { schemas: '*', tables: [name] };
      expect((await runCleanup(database.url, { params })).totals.deleted).toBe(deleted);
    }
  });
});

async function rejection(database: TestDatabase, options: CleanupOptions): Promise<Error> {
  return runCleanup(database.url, options).then(
    () => Promise.reject(new Error('it was not refused')),
    (error: Error) => error,
  );
}
