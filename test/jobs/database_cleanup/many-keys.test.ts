// What the plan and the dry run cost where many foreign keys lead round and round: the keys count, and not the ways through them.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { TestDatabase } from '../../support/database.ts';
import { onEveryPostgres } from '../../support/every-postgres.ts';
import { runJob } from '../../support/run-job.ts';
import { daysAgo, runCleanup } from './support.ts';

const OLD = daysAgo(100);
const AUDIT = ['created_by', 'updated_by', 'deleted_by'];

onEveryPostgres((createDatabase, major) => {
  describe('audit columns', () => {
    test.for(['no action', 'cascade', 'set null'])('of 60 tables, ON DELETE %s', async (action) => {
      await using database = await createDatabase();
      await auditedTables(database, 60, action);
      const { peakMiB, value: result } = await measured(database, () => runCleanup(database.url, { dryRun: true }));
      expect(result.tables['public.users']).toMatchObject({
        due: 1,
        matched: 1,
        blocked: action === 'set null' ? 0 : 1,
      });
      if (peakMiB !== undefined) expect(peakMiB, 'the memory of the largest backend').toBeLessThan(100);
      const deleted = await runCleanup(database.url);
      expect(deleted.totals).toMatchObject({ blocked: result.totals.blocked });
    });

    test('of tables that all have due rows which refer to each other', async () => {
      await using database = await createDatabase();
      await auditedTables(database, 20, 'no action');
      await database.query(`do $$ declare i int; begin for i in 1..19 loop
        execute format($q$insert into t%s select g, 1, 1, 1, ${OLD} from generate_series(10, 30) g$q$, i); end loop; end $$`);
      const dry = await runCleanup(database.url, { dryRun: true });
      // User 1, who made them all and is due, is held back by one live row of each table.
      expect(dry.totals).toMatchObject({ matched: 19 * 21 + 1, blocked: 1 });
      expect((await runCleanup(database.url)).totals).toMatchObject({ deleted: 19 * 21, blocked: 1 });
    });
  });

  describe('chains', () => {
    test('longer than any depth that was followed before are counted to their end', async () => {
      await using database = await createDatabase();
      await database.query(`
        create table node (id int primary key, parent_id int references node, deleted_at timestamptz);
        create index on node (parent_id);
        insert into node select i, nullif(i - 1, 0), ${OLD} from generate_series(1, 40) i;
        insert into node values (41, 40, null), (100, null, ${OLD})`);
      expect((await runCleanup(database.url, { dryRun: true })).totals).toMatchObject({ matched: 41, blocked: 40 });
      expect((await runCleanup(database.url)).totals).toMatchObject({ deleted: 1, blocked: 40 });
    });

    test('that close to a ring of many rows go in one statement, in little memory', async () => {
      await using database = await createDatabase();
      await database.query(`
        create table ring (id int primary key, next int, deleted_at timestamptz);
        insert into ring select i, i % 10000 + 1, ${OLD} from generate_series(1, 10000) i;
        insert into ring values (20000, 20000, null);
        alter table ring add foreign key (next) references ring;
        create index on ring (next); analyze ring`);
      const { peakMiB, value } = await measured(database, () => runCleanup(database.url));
      expect(value.totals).toMatchObject({ deleted: 10_000, blocked: 0 });
      if (peakMiB !== undefined) expect(peakMiB).toBeLessThan(100);
    });

    test.for([
      { name: 'whose rows come in no order', newest: OLD, order: 'md5(i::text)', deleted: 3_000 },
      { name: 'whose first rows come last', newest: OLD, order: 'i desc', deleted: 3_000 },
      { name: 'whose newest row is live', newest: 'null', order: 'i', deleted: 0 },
    ])('of 3,000 rows $name are done in a few passes', async ({ newest, order, deleted }) => {
      await using database = await createDatabase();
      await database.query(`
        create table version (id int primary key, previous_id int, deleted_at timestamptz);
        insert into version select i, nullif(i - 1, 0), case when i < 3000 then ${OLD} else ${newest} end
          from generate_series(1, 3000) i order by ${order};
        insert into version values (9999, null, null);
        alter table version add foreign key (previous_id) references version;
        create index on version (previous_id); analyze version`);
      const { totals } = await runCleanup(database.url, { params: { batchSize: 500, maxBatchSize: 500 } });
      expect(totals).toMatchObject({ deleted, blocked: deleted === 0 ? 2_999 : 0 });
      // One for each level would be thousands.
      expect(totals.batches).toBeLessThan(50);
    });

    test('of as many rows as a batch has time for go in one statement, whatever their order', async () => {
      await using database = await createDatabase();
      await database.query(`
        create table version (id int primary key, previous_id int, deleted_at timestamptz);
        insert into version select i, nullif(i - 1, 0), ${OLD} from generate_series(1, 3000) i order by md5(i::text);
        insert into version values (9999, null, null);
        alter table version add foreign key (previous_id) references version on delete cascade;
        create index on version (previous_id); analyze version`);
      expect((await runCleanup(database.url)).totals).toMatchObject({ deleted: 3_000, batches: 1 });
    });

    test('of cascades are followed to their end, and a row that two of them take is counted once for each key', async () => {
      await using database = await createDatabase();
      await database.query(
        `create table t0 (id int primary key, deleted_at timestamptz); insert into t0 values (1, ${OLD})`,
      );
      for (let i = 1; i <= 8; i += 1) {
        await database.query(`create table t${i} (id int primary key, up int references t${i - 1} on delete cascade,
          again int references t${i - 1} on delete cascade); insert into t${i} values (1, 1, 1), (2, 1, null)`);
      }
      const { tables } = await runCleanup(database.url, { dryRun: true, params: { allowCascade: true } });
      const effects = tables['public.t0']?.effects ?? [];
      expect(effects).toHaveLength(16);
      expect(effects.filter(({ rows }) => rows === 2)).toHaveLength(8);
      expect(effects.filter(({ rows }) => rows === 1)).toHaveLength(8);
    });

    test('a row in another partition than the one that a key points at is not held back by it', async () => {
      await using database = await createDatabase();
      await database.query(`
        create table event (id int, day int, deleted_at timestamptz) partition by list (day);
        create table event_1 partition of event for values in (1); create unique index on event_1 (id);
        create table event_2 partition of event for values in (2);
        create table note (event_id int references event_1 (id));
        insert into event values (7, 1, ${OLD}), (7, 2, ${OLD}); insert into note values (7)`);
      expect((await runCleanup(database.url, { dryRun: true })).totals).toMatchObject({ matched: 2, blocked: 1 });
      expect((await runCleanup(database.url)).totals).toMatchObject({ deleted: 1, blocked: 1 });
    });

    test('rows that a table which fails can not give up hold back what they refer to', async () => {
      await using database = await createDatabase();
      await database.query(`
        create table parent (id int primary key, deleted_at timestamptz);
        create table child (id int, parent_id int references parent, deleted_at timestamptz);
        create rule soft as on delete to child do instead nothing;
        insert into parent values (1, ${OLD}), (2, ${OLD}); insert into child values (1, 1, ${OLD})`);
      const lines: { message: string }[] = [];
      const error = await runCleanup(database.url, { dryRun: true, lines: lines as never }).catch((thrown) => thrown);
      expect(error.message).toMatch(/the rule soft/);
      expect(lines.map((line) => line.message)).toContain(
        'public.parent: 1 of them stays because other rows refer to it',
      );
    });
  });

  test('shards of a dry run count what stays of their own part', async () => {
    await using database = await createDatabase();
    await database.query(`
      create table parent (id int primary key, deleted_at timestamptz, padding char(1500) default '');
      create table child (parent_id int references parent);
      insert into parent select i, ${OLD} from generate_series(1, 3000) i;
      insert into child select i from generate_series(1, 3000, 2) i`);
    const blocked: number[] = [];
    for (const index of [0, 1]) {
      const { totals } = await runCleanup(database.url, { dryRun: true, shard: { index, count: 2 } });
      blocked.push(totals.blocked);
      expect(totals.blocked).toBeCloseTo(totals.matched / 2, -1);
    }
    expect(blocked.reduce((a, b) => a + b)).toBe(1_500);
    expect(Math.min(...blocked)).toBeGreaterThan(0);
  });

  test('a dry run that is told to stop is gone from the server at once', async () => {
    await using database = await createDatabase();
    await using _ = await locked(database);
    const stop = new AbortController();
    const options = { dryRun: true, signal: stop.signal, params: { lockTimeout: '10m' } };
    const run = runCleanup(database.url, options).catch((error: unknown) => error);
    await until(async () => (await active(database)).length === 1);
    stop.abort(new Error('told to stop'));
    expect(await run).toMatchObject({ message: 'told to stop' });
    expect(await active(database)).toEqual([]);
  });

  // Version 13 can't look whether its client is there.
  test.skipIf(major < 14)('a dry run whose process is killed is gone from the server a few seconds later', async () => {
    await using database = await createDatabase({ migrated: true });
    await using _ = await locked(database);
    await using run = runJob(['database_cleanup', '--dry-run', '--param', 'lockTimeout=10m'], { database });
    await until(async () => (await active(database)).length === 1);
    run.kill('SIGKILL');
    await run.done;
    await until(async () => (await active(database)).length === 0);
  });
});

/** `users`, and `count - 1` tables that all refer to it and to each other; one user is due, and a live row of each was made by that one. */
async function auditedTables(database: TestDatabase, count: number, action: string): Promise<void> {
  const keys = AUDIT.map((column) => `add foreign key (${column}) references users on delete ${action}`).join(', ');
  const columns = AUDIT.map((column) => `${column} int`).join(', ');
  await database.query(`create table users (id int primary key, org_id int, ${columns}, deleted_at timestamptz)`);
  await database.query(`do $$ begin for i in 1..${count - 1} loop
    execute format('create table t%s (id int primary key, ${columns}, deleted_at timestamptz)', i);
    execute format('alter table t%s ${keys}', i);
  end loop; end $$`);
  await database.query(`alter table users ${keys}, add foreign key (org_id) references t1 on delete ${action}`);
  for (const column of AUDIT) {
    await database.query(`do $$ begin for i in 1..${count - 1} loop
      execute format('create index on t%s (${column})', i); end loop; end $$`);
  }
  await database.query(`insert into users values (1, null, null, null, null, ${OLD}), (2, null, 1, 2, null, null)`);
  await database.query(`do $$ begin for i in 1..${count - 1} loop
    execute format('insert into t%s values (1, 1, 2, null, null)', i); end loop; end $$`);
}

/** A table whose count waits for a lock that another session holds until it is disposed of. */
async function locked(database: TestDatabase): Promise<AsyncDisposable> {
  await database.query(`create table item (id int, deleted_at timestamptz); insert into item values (1, ${OLD})`);
  const holder = await database.connect();
  await holder.query('begin; lock table item in access exclusive mode');
  return { [Symbol.asyncDispose]: () => holder.end() };
}

/** The statements of the job that run in the database. */
async function active(database: TestDatabase): Promise<unknown[]> {
  return database.query(
    `select query from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and state = 'active'`,
  );
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(20);
}

/** Runs it; tells the most memory of its own that a backend of the database held, where /proc tells. */
async function measured<T>(database: TestDatabase, run: () => Promise<T>): Promise<{ peakMiB?: number; value: T }> {
  const client = await database.connect();
  let peak = 0;
  let done = false;
  try {
    const running = run().finally(() => {
      done = true;
    });
    while (!done && process.platform === 'linux') {
      const { rows } = await client.query<{ pid: number }>(
        'select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
      );
      for (const { pid } of rows) peak = Math.max(peak, ownMemory(pid));
      await sleep(20);
    }
    return { value: await running, ...(peak > 0 && { peakMiB: peak / 2 ** 10 }) };
  } finally {
    await client.end();
  }
}

/** The highest resident memory of a process less what it shares, in KiB; 0 when it is gone. */
function ownMemory(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
    return field('VmHWM') - field('RssShmem') - field('RssFile');
  } catch {
    return 0;
  }
}
