// Others at work on the same rows: restores, locks, drops, kills, shards and second runs.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { describe, expect, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { runJob, runToEnd } from '../../support/run-job.ts';
import { daysAgo, runCleanup } from './support.ts';

const OLD = daysAgo(100);
const SMALL = { batchSize: 50, maxBatchSize: 50 };

async function items(database: TestDatabase, rows: number): Promise<void> {
  await database.query(`create table item (id int primary key, deleted_at timestamptz) with (fillfactor = 50)`);
  await database.query(`insert into item select i, ${OLD} from generate_series(1, ${rows}) i`);
}

describe('a row that is restored', () => {
  test('is never deleted, however many are restored while the job runs', async () => {
    await using database = await createDatabase({ migrated: false });
    await items(database, 20_000);
    const restored = new Set<number>();
    let running = true;
    const restore = async (writer: pg.Client) => {
      while (running) {
        const id = 1 + Math.floor(Math.random() * 20_000);
        const moved = Math.random() < 0.5 ? 'null' : 'now()';
        const { rowCount } = await writer.query(`update item set deleted_at = ${moved} where id = $1`, [id]);
        // Committed now: from here on it must stay.
        if (rowCount === 1) restored.add(id);
      }
      await writer.end();
    };
    const writers = [await database.connect(), await database.connect(), await database.connect()].map(restore);
    await runCleanup(database.url, { params: { ...SMALL, maxBatchSize: 200, allowLarge: true } });
    running = false;
    await Promise.all(writers);
    const left = new Set((await database.query<{ id: number }>('select id from item')).map((row) => row.id));
    expect(restored.size).toBeGreaterThan(50);
    expect([...restored].filter((id) => !left.has(id))).toEqual([]);
  });

  test('stays when the restore commits while a batch waits for the row', async () => {
    await using database = await createDatabase({ migrated: false });
    await items(database, 10);
    const writer = await database.connect();
    await writer.query('begin; update item set deleted_at = null where id = 5');
    const run = runCleanup(database.url);
    await waitingFor(database, 1);
    await writer.query('commit');
    await writer.end();
    expect((await run).totals).toMatchObject({ deleted: 9 });
    expect(await database.query('select id from item')).toEqual([{ id: 5 }]);
  });
});

test.for(['cascade', 'no action', 'restrict'])(
  'a live row that comes to refer to a due one while the job runs is never lost (ON DELETE %s)',
  async (action) => {
    await using database = await createDatabase({ migrated: false });
    await database.query(`
      create table parent (id int primary key, deleted_at timestamptz);
      create table child (id int generated always as identity primary key, parent_id int references parent on delete ${action});
      create index on child (parent_id);
      insert into parent select i, ${OLD} from generate_series(1, 10000) i`);
    const inserted: number[] = [];
    let running = true;
    const insert = async (writer: pg.Client) => {
      while (running) {
        const parent = 1 + Math.floor(Math.random() * 10_000);
        // The parent may be gone by now, and the insert refused.
        const added = await writer
          .query('insert into child (parent_id) values ($1) returning id', [parent])
          .catch(() => undefined);
        if (added) inserted.push(added.rows[0].id);
      }
      await writer.end();
    };
    const writers = [await database.connect(), await database.connect(), await database.connect()].map(insert);
    const { totals } = await runCleanup(database.url, { params: { ...SMALL, maxBatchSize: 200 } });
    running = false;
    await Promise.all(writers);
    const left = new Set((await database.query<{ id: number }>('select id from child')).map((row) => row.id));
    expect(inserted.filter((id) => !left.has(id))).toEqual([]);
    expect(inserted.length).toBeGreaterThan(20);
    expect(totals.deleted + totals.blocked + totals.skippedLocked).toBe(10_000);
  },
);

test('a cascade never takes a row that came to be after the job looked', async () => {
  await using database = await createDatabase({ migrated: false });
  await database.query(`
    create table parent (id int primary key, deleted_at timestamptz);
    create table child (parent_id int references parent on delete cascade);
    create index on child (parent_id);
    insert into parent select i, ${OLD} from generate_series(1, 10) i`);
  const holder = await database.connect();
  await holder.query('begin; select from parent where id = 1 for update');
  const done = new AbortController();
  const run = runCleanup(database.url).finally(() => done.abort());
  // A batch that waited for the locked row would have looked at the other nine by now.
  await waitingFor(database, 1, done.signal);
  const added = await database.query('insert into child values (5) returning *').catch(() => []);
  await holder.query('commit');
  await run;
  expect(await database.query('select from child')).toHaveLength(added.length);
  await holder.end();
});

test.for(['cascade', 'no action', 'restrict'])(
  'of a tree no row is lost that is restored or added while the job runs (ON DELETE %s)',
  async (action) => {
    await using database = await createDatabase({ migrated: false });
    await database.query(`
      create table node (id int primary key, parent_id int references node on delete ${action}, deleted_at timestamptz)
        with (fillfactor = 50);
      create index on node (parent_id);
      insert into node select i, nullif(i / 3, 0), ${OLD} from generate_series(1, 9000) i;
      create sequence added start 10001`);
    const live = new Set<number>();
    let running = true;
    const write = async (writer: pg.Client) => {
      while (running) {
        const id = 1 + Math.floor(Math.random() * 9_000);
        const statement =
          Math.random() < 0.5
            ? 'update node set deleted_at = null where id = $1 returning id'
            : `insert into node values (nextval('added'), $1) returning id`;
        // The parent may be gone by now, and the insert refused.
        const written = await writer.query(statement, [id]).catch(() => undefined);
        if (written?.rows[0]) live.add(written.rows[0].id);
      }
      await writer.end();
    };
    const writers = [await database.connect(), await database.connect(), await database.connect()].map(write);
    const { totals } = await runCleanup(database.url, { params: { ...SMALL, maxBatchSize: 200 } });
    running = false;
    await Promise.all(writers);
    const left = new Set((await database.query<{ id: number }>('select id from node')).map((row) => row.id));
    expect([...live].filter((id) => !left.has(id))).toEqual([]);
    expect(live.size).toBeGreaterThan(20);
    expect(totals.deleted).toBeGreaterThan(20);
    const dangling = `select id from node c where parent_id is not null and not exists (select from node p where p.id = c.parent_id)`;
    expect(await database.query(dangling)).toEqual([]);
  },
);

/** Resolves once so many sessions wait for a lock. */
async function waitingFor(database: TestDatabase, sessions: number, orUntil?: AbortSignal): Promise<void> {
  const watcher = await database.connect();
  while (!orUntil?.aborted) {
    const { rows } = await watcher.query(
      `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
    );
    if (rows.length >= sessions) break;
    await sleep(2);
  }
  await watcher.end();
}

describe('locks', () => {
  test('a locked row is skipped and counted, and the others go', async () => {
    await using database = await createDatabase({ migrated: false });
    await items(database, 500);
    const holder = await database.connect();
    await holder.query('begin; select from item where id in (7, 333) for update');
    const result = await runCleanup(database.url, { params: SMALL });
    expect(result.totals).toMatchObject({ matched: 500, deleted: 498, skippedLocked: 2 });
    await holder.end();
  });

  test.for([
    { name: 'keeps is told from one that somebody has locked', instead: '', locked: '7, 233', deleted: 268, kept: 30 },
    {
      name: 'changes instead is kept',
      instead: 'update item set deleted_at = now() where id = old.id;',
      deleted: 270,
      kept: 30,
    },
  ])('a row that a trigger $name', async ({ instead, locked, deleted, kept }) => {
    await using database = await createDatabase({ migrated: false });
    await items(database, 300);
    await database.query(`create function keep() returns trigger language plpgsql as $$ begin
        if old.id % 10 = 1 then ${instead} return null; end if; return old; end $$;
      create trigger keep before delete on item for each row execute function keep()`);
    const holder = await database.connect();
    if (locked) await holder.query(`begin; select from item where id in (${locked}) for update`);
    const result = await runCleanup(database.url, { params: SMALL });
    await holder.end();
    expect(result.totals).toMatchObject({ matched: 300, deleted, kept, skippedLocked: 300 - deleted - kept });
  });

  test('a locked table fails after a bounded wait, the others go on, and the failure is named', async () => {
    await using database = await createDatabase({ migrated: false });
    await items(database, 10);
    await database.query(`create table other (deleted_at timestamptz); insert into other values (${OLD})`);
    const holder = await database.connect();
    // As ALTER TABLE or pg_dump's opposite would: readers pass, writers don't.
    await holder.query('begin; lock table item in share mode');
    await expect(runCleanup(database.url, { params: { lockTimeout: '20ms' } })).rejects.toThrow(
      /1 of 2 tables failed; 1 row was deleted.*public\.item: .*lock timeout/,
    );
    expect(await database.query('select from other')).toEqual([]);
    await holder.end();
  });

  test('a lock that is let go in time costs nothing but the wait', async () => {
    await using database = await createDatabase({ migrated: false });
    await items(database, 100);
    const holder = await database.connect();
    await holder.query('begin; lock table item in share mode');
    const run = runCleanup(database.url, { params: { lockTimeout: '10s' } });
    await waitingFor(database, 1);
    await holder.query('commit');
    await holder.end();
    expect((await run).totals).toMatchObject({ deleted: 100 });
  });

  test('a table that is dropped while the job runs fails, and the others go on', async () => {
    await using database = await createDatabase({ migrated: false });
    await items(database, 2_000);
    await database.query(`create table zebra (deleted_at timestamptz); insert into zebra values (${OLD})`);
    let dropped: Promise<unknown> | undefined;
    const run = runCleanup(database.url, {
      params: { ...SMALL, pause: '5ms' },
      onProgress: () => {
        dropped ??= database.query('drop table item');
      },
    });
    await expect(run).rejects.toThrow(/public\.item: relation "public\.item" does not exist/);
    await dropped;
    expect(await database.query('select from zebra')).toEqual([]);
  });
});

describe('several at once', () => {
  test.for([2, 3, 5])('%i shards delete together exactly what one would have, parents included', async (count) => {
    await using database = await createDatabase({ migrated: false });
    const [one, many] = ['one', 'many'] as const;
    for (const schema of [one, many]) {
      await database.query(`
        create schema ${schema}; set search_path = ${schema};
        create table account (id int primary key, parent_id int references account, deleted_at timestamptz, padding char(600) default '');
        create table entry (id int primary key, account_id int references account, deleted_at timestamptz, padding char(600) default '');
        create index on entry (account_id); create index on account (parent_id);
        insert into account select i, case when i % 3 = 0 then i - 1 end, case when i % 10 > 0 then ${OLD} end
          from generate_series(1, 9000) i;
        insert into entry select i, 1 + i * 7919 % 9000, case when i % 4 > 0 then ${OLD} end from generate_series(1, 9000) i;
        analyze`);
    }
    const params = { batchSize: 300, maxBatchSize: 600, allowLarge: true };
    await runCleanup(database.url, { params: { ...params, schemas: one } });
    const results = await Promise.all(
      Array.from({ length: count }, (_, index) =>
        runCleanup(database.url, { shard: { index, count }, params: { ...params, schemas: many } }),
      ),
    );
    for (const table of ['account', 'entry']) {
      const left = (schema: string) => database.query(`select id from ${schema}.${table} order by id`);
      expect(await left(many)).toEqual(await left(one));
    }
    // Each took a part, and no row was counted twice.
    const [rows] = await database.query<{ left: number }>(
      'select ((select count(*) from many.account) + (select count(*) from many.entry))::int as left',
    );
    const deleted = results.map((result) => result.totals.deleted);
    expect(deleted.reduce((sum, each) => sum + each)).toBe(18_000 - (rows?.left ?? 0));
    expect(Math.min(...deleted)).toBeGreaterThan(0);
  });

  test('shards one after the other do too', async () => {
    await using database = await createDatabase({ migrated: false });
    await database.query(`
      create table parent (id int primary key, deleted_at timestamptz, padding char(900) default '');
      create table child (id int primary key, parent_id int references parent, deleted_at timestamptz, padding char(900) default '');
      create index on child (parent_id);
      insert into parent select i, ${OLD} from generate_series(1, 5000) i;
      insert into child select i, 5001 - i, ${OLD} from generate_series(1, 5000) i`);
    const totals = [];
    for (const index of [0, 1, 2]) {
      totals.push((await runCleanup(database.url, { shard: { index, count: 3 } })).totals);
    }
    expect(await database.query('select from parent')).toEqual([]);
    expect(totals.map(({ deleted }) => deleted).reduce((sum, each) => sum + each)).toBe(10_000);
    // The last one finds every child gone.
    expect(totals.at(-1)).toMatchObject({ blocked: 0, skippedLocked: 0 });
  });

  test('two runs against each other delete each row once', async () => {
    await using database = await createDatabase({ migrated: false });
    await items(database, 5_000);
    const runs = await Promise.all([1, 2].map(() => runCleanup(database.url, { params: SMALL })));
    const first = runs.map((run) => run.totals.deleted).reduce((sum, each) => sum + each);
    expect(first + (await runCleanup(database.url)).totals.deleted).toBe(5_000);
    expect(await database.query('select from item')).toEqual([]);
  });
});

test('while others write, batches are shorter and rest, unless the job is told not to give way', async () => {
  await using database = await createDatabase({ migrated: false });
  await database.query('create table busy (at int)');
  const writer = await database.connect();
  // A disk that is slow to say that it has written must not make little of it.
  await writer.query('set synchronous_commit = off');
  let writing = true;
  const writes = (async () => {
    while (writing) await writer.query('insert into busy values (1)');
  })();
  const batches = async (giveWay: boolean) => {
    await database.query('drop table if exists item');
    // So many that the rate of others' writes has been measured long before the last batch.
    await items(database, 60_000);
    const { totals } = await runCleanup(database.url, { params: { giveWay, allowLarge: true } });
    expect(totals.deleted).toBe(60_000);
    return totals.batches;
  };
  try {
    const [rude, polite] = [await batches(false), await batches(true)];
    expect(polite).toBeGreaterThan(2 * rude);
  } finally {
    writing = false;
    await writes;
    await writer.end();
  }
});

/** All rows of these tests were deleted at one instant, and may all go. */
const ALL = ['--param', 'allowEmpty=item', '--param', 'live={"item":null}'];

describe('as a process', () => {
  test('a run killed in its middle is completed by the next', async () => {
    await using database = await createDatabase();
    await items(database, 3_000);
    const args = ['database_cleanup', ...ALL, '--param', 'batchSize=50', '--param', 'maxBatchSize=50'];
    await using killed = runJob([...args, '--param', 'pause=20ms'], { database });
    const watcher = await database.connect();
    const left = async () => Number((await watcher.query('select count(*) from item')).rows[0].count);
    while ((await left()) > 2_800) await sleep(5);
    killed.kill('SIGKILL');
    await killed.done;
    expect(await left()).toBeGreaterThan(0);
    const next = await runToEnd(args, { database });
    expect(next.exitCode).toBe(0);
    expect(await left()).toBe(0);
    await watcher.end();
  });

  test('a run that is told to stop ends between batches, and reports what is committed', async () => {
    await using database = await createDatabase();
    await items(database, 3_000);
    await using run = runJob(
      ['database_cleanup', ...ALL, '--param', 'batchSize=50', '--param', 'maxBatchSize=50', '--param', 'pause=20ms'],
      { database },
    );
    const watcher = await database.connect();
    const left = async () => Number((await watcher.query('select count(*) from item')).rows[0].count);
    while ((await left()) > 2_800) await sleep(5);
    run.kill('SIGTERM');
    const { exitCode, summary } = await run.done;
    expect(exitCode).toBe(143);
    expect(summary.result).toMatchObject({ stopped: 'asked to stop', totals: { deleted: 3_000 - (await left()) } });
    await watcher.end();
  });

  test('a refused run exits 65 and deletes nothing; the environment can allow it', async () => {
    await using database = await createDatabase();
    await items(database, 100);
    const env = { CLEANUP_GUARD_ABOVE: '50' };
    const refused = await runToEnd(['database_cleanup', ...ALL], { database, env });
    expect(refused.exitCode).toBe(65);
    expect(refused.summary.error?.message).toMatch(
      /public\.item would lose 100 of its 100 rows \(100%.*allowLarge=true/,
    );
    expect(await database.query('select from item')).toHaveLength(100);
    const allowed = await runToEnd(['database_cleanup', ...ALL], {
      database,
      env: { ...env, CLEANUP_ALLOW_LARGE: 'true' },
    });
    expect(allowed.exitCode).toBe(0);
    expect(allowed.termination?.result).toMatchObject({ totals: { deleted: 100 } });
  });

  test('the role that the guide describes has all the rights that a run takes', async () => {
    await using database = await createDatabase();
    await items(database, 10);
    const guide = readFileSync('docs/jobs/database-cleanup.md', 'utf8');
    const role = `cleanup_${database.name}`;
    const grants = /```sql\n([\s\S]*?)```/.exec(guide)?.[1] ?? '';
    await database.query(grants.replaceAll(/\bcleanup\b/g, role).replace('…', 'secret'));
    const url = Object.assign(new URL(database.url), { username: role, password: 'secret' }).href;
    const { exitCode, summary } = await runToEnd(['database_cleanup', ...ALL], { database: { url } });
    expect(summary).toMatchObject({ result: { totals: { deleted: 10 } } });
    expect(exitCode).toBe(0);
    await database.query(`drop owned by ${role}; drop role ${role}`);
  });
});
