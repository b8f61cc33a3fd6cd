// Rows that a trigger or a constraint refuses to let go: they stay, the others go, and the run says which and why.
import { describe, expect, test } from 'vitest';
import type { PreviousRun } from '../../../src/job.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { onEveryPostgres } from '../../support/every-postgres.ts';
import { daysAgo, type Line, runCleanup } from './support.ts';

const OLD = daysAgo(100);

/** Due rows 1 to 40, of which the parts that a case adds refuse some. */
const item = (database: TestDatabase, more: string) =>
  database.query(`create table item (id int primary key, name text default 'x', deleted_at timestamptz);
    insert into item (id, deleted_at) select i, ${OLD} - i * interval '1 s' from generate_series(1, 40) i;
    insert into item (id) values (99);
    ${more}`);

const trigger = (kind: string, body: string, options = '') => `
  create function act() returns trigger language plpgsql as $$ begin ${body} return old; end $$;
  create ${options.includes('defer') ? 'constraint ' : ''}trigger act ${kind} delete on item ${options} for each row execute function act();`;

/** A child of the rows 7 and 14, which lose it, in a way that the child doesn't bear. */
const child = (columns: string, onDelete: string) => `
  create table child (id int, item_id int ${columns} references item on delete ${onDelete});
  insert into child values (1, 7), (2, 14);`;

const CASES: readonly [what: string, sql: string, reason: RegExp | undefined][] = [
  ['SET NULL of a NOT NULL column, which is foreseen', child('not null', 'set null'), undefined],
  ['SET DEFAULT of a NOT NULL column without one', child('not null', 'set default'), undefined],
  [
    'SET NULL of a column whose domain is NOT NULL',
    `create domain needed as int not null;
    create table child (id int, item_id needed references item on delete set null); insert into child values (1, 7), (2, 14);`,
    undefined,
  ],
  [
    'SET DEFAULT to a row that does not exist',
    child('default 12345', 'set default'),
    /violates foreign key constraint/,
  ],
  ['SET NULL that a check of the child forbids', child('check (item_id is not null)', 'set null'), /check constraint/],
  [
    'SET NULL that a trigger of the child forbids',
    `${child('', 'set null')}
    create function stay() returns trigger language plpgsql as $$ begin raise 'the child stays'; end $$;
    create trigger stay before update on child for each row execute function stay();`,
    /^the child stays$/,
  ],
  [
    'a unique violation in an audit',
    `create table audit (id int unique); insert into audit values (7), (14);
    ${trigger('after', 'insert into audit values (old.id);')}`,
    /duplicate key value/,
  ],
  [
    'an exclusion constraint in an audit',
    `create table audit (at int4range, exclude using gist (at with &&));
    insert into audit values ('[7,8)'), ('[14,15)'); ${trigger('before', 'insert into audit values (int4range(old.id, old.id + 1));')}`,
    /exclusion constraint/,
  ],
  [
    'a null where an audit takes none',
    `create table audit (id int not null);
    ${trigger('before', 'insert into audit values (nullif(nullif(old.id, 7), 14));')}`,
    /null value in column "id"/,
  ],
  ['a division by zero', trigger('before', 'perform 1 / ((old.id - 7) * (old.id - 14));'), /division by zero/],
  [
    'a raised exception',
    trigger('before', `if old.id in (7, 14) then raise 'row % stays', old.id; end if;`),
    /^row 7 stays$/,
  ],
  [
    'an exception with a state of its own',
    trigger('after', `if old.id in (7, 14) then raise sqlstate 'MY001'; end if;`),
    /MY001/,
  ],
  [
    'an exception that looks like one of the server',
    trigger('before', `if old.id in (7, 14) then raise sqlstate '57P01'; end if;`),
    /57P01/,
  ],
  [
    'an exception that looks like contention',
    trigger('before', `if old.id in (7, 14) then raise sqlstate '40001'; end if;`),
    /40001/,
  ],
  [
    'an exception at the commit',
    trigger('after', `if old.id in (7, 14) then raise 'too late'; end if;`, 'deferrable initially deferred'),
    /too late/,
  ],
  [
    'a change of the row by its own trigger',
    trigger('before', `if old.id in (7, 14) then update item set name = 'y' where id = old.id; end if;`),
    /already modified/,
  ],
];

onEveryPostgres((createDatabaseThere) => {
  test.for(CASES)('%s keeps only the rows that it is about', async ([, sql, reason]) => {
    await using database = await createDatabaseThere();
    await item(database, sql);
    const result = await runCleanup(database.url, { params: { allowLarge: true } });
    expect(await database.query('select id from item order by id')).toEqual([{ id: 7 }, { id: 14 }, { id: 99 }]);
    const { matched, deleted, blocked, kept, refusals } = result.tables['public.item'] ?? {};
    if (reason) {
      expect({ matched, deleted, blocked, kept }).toEqual({ matched: 40, deleted: 38, blocked: 0, kept: 2 });
      expect(refusals).toEqual([{ reason: expect.stringMatching(reason), rows: 2, example: 'id=7' }]);
    } else {
      expect({ matched, deleted, blocked, kept }).toEqual({ matched: 40, deleted: 38, blocked: 2, kept: 0 });
      expect((await runCleanup(database.url, { dryRun: true })).totals).toMatchObject({ matched: 2, blocked: 2 });
    }
  });

  test('each reason is told with its rows and an example, whatever the key', async () => {
    await using database = await createDatabaseThere();
    await database.query(`create table item (b text, a int, deleted_at timestamptz, primary key (a, b));
      insert into item select 'n' || i, i, ${OLD} - i * interval '1 s' from generate_series(1, 60) i; insert into item values ('live', 0);
      create table bare (id int, deleted_at timestamptz);
      insert into bare select i, ${OLD} - i * interval '1 s' from generate_series(1, 10) i; insert into bare values (0);
      create function act() returns trigger language plpgsql as $$ begin
        if old.a % 20 = 0 then raise 'law %', old.a; end if;
        if old.a % 30 = 5 then raise sqlstate 'ZZ001' using message = 'audit'; end if;
        return old; end $$;
      create trigger act before delete on item for each row execute function act();
      create function silent() returns trigger language plpgsql as $$ begin
        if old.id = 4 then return null; end if; return old; end $$;
      create trigger silent before delete on bare for each row execute function silent();`);
    const lines: Line[] = [];
    const { tables } = await runCleanup(database.url, { lines, params: { allowLarge: true } });
    expect(tables['public.item']).toMatchObject({
      kept: 5,
      refusals: [
        { reason: 'law 20', rows: 3, example: 'b=n20, a=20' },
        { reason: 'audit', rows: 2, example: 'b=n5, a=5' },
      ],
    });
    expect(tables['public.bare']?.refusals).toEqual([
      { reason: 'the trigger silent returned NULL', rows: 1, example: 'ctid (0,4)' },
    ]);
    expect(lines.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(
        /^public\.item: 55 of 60 due rows deleted .*; 5 were kept: 3 because "law 20", such as b=n20, a=20, 2 because "audit"/,
      ),
    );
  });

  test('refused rows take savepoints, and not a transaction each', async () => {
    await using database = await createDatabaseThere();
    await database.query(`create table item (id int primary key, deleted_at timestamptz);
      insert into item select i, ${OLD} - i * interval '1 s' from generate_series(1, 3000) i; insert into item values (0);
      ${trigger('after', "if old.id % 10 = 0 then raise 'stays'; end if;", 'deferrable initially deferred')}`);
    const { totals } = await runCleanup(database.url, { params: { allowLarge: true } });
    expect(totals).toMatchObject({ deleted: 2_700, kept: 300, blocked: 0 });
    expect(totals.batches).toBeLessThan(100);
  });

  test('rows of a tree that are refused keep what they hang from, and all others go', async () => {
    await using database = await createDatabaseThere();
    // Each row but the last ones has three below it.
    await database.query(`create table item (id int primary key, parent_id int, deleted_at timestamptz);
      insert into item select i, case when i > 1 then (i + 1) / 3 end, ${OLD} - i * interval '1 s' from generate_series(1, 1093) i;
      insert into item values (9999); alter table item add foreign key (parent_id) references item; create index on item (parent_id);
      ${trigger('after', "if old.id in (1093, 600) then raise 'stays'; end if;")}`);
    const { totals } = await runCleanup(database.url, { params: { allowLarge: true } });
    // 1093, 364, 121, 40, 13, 4, 1, and 600, 200, 67, 22, 7, 2.
    expect(totals).toMatchObject({ matched: 1_093, deleted: 1_080, kept: 2, blocked: 11 });
  });

  test('a row that alone takes longer than a statement may is kept, and holds up no other', async () => {
    await using database = await createDatabaseThere();
    await item(database, trigger('before', 'perform pg_sleep(case old.id when 7 then 60 else 0.01 end);'));
    const params = { allowLarge: true, statementTimeout: '200ms', batchTarget: '100ms' };
    const result = await runCleanup(database.url, { params });
    expect(await database.query('select id from item order by id')).toEqual([{ id: 7 }, { id: 99 }]);
    expect(result.tables['public.item']).toMatchObject({
      ...{ deleted: 39, kept: 1, blocked: 0, skippedLocked: 0 },
      refusals: [{ reason: expect.stringMatching(/statement timeout/), rows: 1, example: 'id=7' }],
    });
  });

  test('where every row takes longer than a statement may the table fails, and the others go on', async () => {
    await using database = await createDatabaseThere();
    await item(
      database,
      `${trigger('before', 'perform pg_sleep(60);')} create table zebra (deleted_at timestamptz);
      insert into zebra values (${OLD}), (null)`,
    );
    const params = { allowLarge: true, statementTimeout: '30ms', batchSize: 1 };
    await expect(runCleanup(database.url, { params })).rejects.toThrow(
      /1 of 2 tables failed; 1 row was deleted.*public\.item: .*statement timeout/,
    );
  });

  test('a trigger that lacks a right fails its table at once, and not row by row', async () => {
    await using database = await createDatabaseThere();
    await item(database, trigger('before', 'insert into no_such_table values (1);'));
    const lines: Line[] = [];
    await expect(runCleanup(database.url, { lines, params: { allowLarge: true } })).rejects.toThrow(/no_such_table/);
    expect(lines.filter(({ message }) => message === 'row refused')).toEqual([]);
  });

  test('rows of a cycle that a trigger refuses stay together, and other cycles go', async () => {
    await using database = await createDatabaseThere();
    await database.query(`create table one (id int primary key, other int, deleted_at timestamptz);
      create table two (id int primary key, other int references one, deleted_at timestamptz);
      insert into one select i, i, ${OLD} - i * interval '1 s' from generate_series(1, 30) i; insert into two select i, i, ${OLD} - i * interval '1 s' from generate_series(1, 30) i;
      insert into one values (99); insert into two values (99);
      alter table one add foreign key (other) references two on delete cascade;
      create function act() returns trigger language plpgsql as $$ begin
        if old.id = 3 then raise 'stays'; end if;
        if old.id = 5 then return null; end if; return old; end $$;
      create trigger act before delete on two for each row execute function act();`);
    const { totals } = await runCleanup(database.url, { params: { allowLarge: true } });
    expect(totals).toMatchObject({ matched: 60, deleted: 56 });
    for (const table of ['one', 'two']) {
      expect(await database.query(`select id from ${table} order by id`)).toEqual([{ id: 3 }, { id: 5 }, { id: 99 }]);
    }
  });
});

describe('more refused rows than one run tries', () => {
  test('do not starve the rows behind them: the next run goes on where the last one stood', async () => {
    await using database = await createDatabase({ migrated: false });
    await database.query(`create table item (id int primary key, deleted_at timestamptz);
      insert into item select i, ${OLD} - i * interval '1 s' from generate_series(1, 1600) i; insert into item values (0);
      create function act() returns trigger language plpgsql as $$ begin
        if old.id <= 1500 then raise 'stays'; end if; return old; end $$;
      create trigger act before delete on item for each row execute function act();`);
    const params = { allowLarge: true };
    const first = await runCleanup(database.url, { params });
    expect(first).toMatchObject({
      totals: { deleted: 0, kept: 1_000 },
      resumeAt: { 'public.item': expect.any(Number) },
    });
    const previousRuns = [{ runId: 'first', scheduledAt: new Date(), result: JSON.parse(JSON.stringify(first)) }];
    const second = await runCleanup(database.url, { params, previousRuns });
    expect(second.totals).toMatchObject({ deleted: 100, kept: 1_000 });
    // It came to the end, and goes on at the beginning.
    expect(second.resumeAt?.['public.item']).toBeLessThan(first.resumeAt?.['public.item'] ?? 0);
  });

  test('take a bounded time of a run, however long each takes: here a trigger that deletes its own row until the stack is full', async () => {
    await using database = await createDatabase({ migrated: false });
    await database.query(`create table item (id int primary key, deleted_at timestamptz, filler char(700) default 'x');
      insert into item select i, ${OLD} - i * interval '1 s' from generate_series(1, 60) i; insert into item values (0);
      create function act() returns trigger language plpgsql as $$ begin
        if old.id <= 40 then delete from item where id = old.id; end if; return old; end $$;
      create trigger act before delete on item for each row execute function act();`);
    const previousRuns: PreviousRun[] = [];
    for (let deleted = 0; deleted < 20; ) {
      const params = { allowLarge: true, batchTarget: '10ms' };
      const result = await runCleanup(database.url, { params, previousRuns });
      expect(result.totals.kept).toBeLessThan(40);
      deleted += result.totals.deleted;
      previousRuns.unshift({ runId: '', scheduledAt: new Date(), result: JSON.parse(JSON.stringify(result)) });
    }
    expect(previousRuns.length).toBeGreaterThan(2);
  });
});
