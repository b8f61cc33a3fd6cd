// What partitions have that their table doesn't: triggers, rules and keys of their own.
import { expect, test } from 'vitest';
import type { TestDatabase } from '../../support/database.ts';
import { onEveryPostgres } from '../../support/every-postgres.ts';
import { type CleanupOptions, daysAgo, runCleanup } from './support.ts';

const OLD = daysAgo(100);

/** A table of three partitions, one of which is partitioned itself, with due rows 1 to 300 and a live one. */
const EVENTS = `
  create table event (id int primary key, deleted_at timestamptz) partition by range (id);
  create table event_1 partition of event for values from (0) to (100);
  create table event_2 partition of event for values from (100) to (1000) partition by range (id);
  create table event_2_1 partition of event_2 for values from (100) to (200);
  create table event_2_2 partition of event_2 for values from (200) to (1000);
  insert into event select i, ${OLD} - i * interval '1 s' from generate_series(1, 300) i; insert into event values (999);`;

const KEEP = `create function keep() returns trigger language plpgsql as $$ begin
    if old.id % 10 = 1 then return null; end if; return old; end $$;`;

onEveryPostgres((createDatabase) => {
  test.for([
    ['event', 30],
    ['event_1', 10],
    ['event_2', 20],
    ['event_2_2', 10],
  ] as const)('rows that a trigger of %s keeps are counted', async ([table, kept]) => {
    await using database = await createDatabase();
    await database.query(`${EVENTS} ${KEEP}
      create trigger keep before delete on ${table} for each row execute function keep()`);
    const result = await runCleanup(database.url, { params: { allowLarge: true } });
    expect(result.totals).toMatchObject({ matched: 300, deleted: 300 - kept, kept, blocked: 0, skippedLocked: 0 });
    expect(result.tables['public.event']?.refusals).toEqual([
      { reason: 'the trigger keep returned NULL', rows: kept, example: expect.stringMatching(/^id=\d*1$/) },
    ]);
  });

  test.for(['event', 'event_2'])(
    'rows that a trigger of %s keeps are told from those that somebody has locked',
    async (table) => {
      await using database = await createDatabase();
      await database.query(`${EVENTS} ${KEEP}
      create trigger keep before delete on ${table} for each row execute function keep()`);
      const holder = await database.connect();
      await holder.query('begin; select from event where id in (7, 150, 233) for update');
      const params = { allowLarge: true, batchSize: 50, maxBatchSize: 50 };
      const { totals } = await runCleanup(database.url, { params });
      await holder.end();
      const kept = table === 'event' ? 30 : 20;
      expect(totals).toMatchObject({ matched: 300, deleted: 297 - kept, kept, skippedLocked: 3 });
    },
  );

  test('a rule of a partition, which holds for statements that name it, keeps no row of the table', async () => {
    await using database = await createDatabase();
    await database.query(`${EVENTS} create rule nothing as on delete to event_1 do instead nothing`);
    const { totals } = await runCleanup(database.url, { params: { allowLarge: true } });
    expect(totals).toMatchObject({ matched: 300, deleted: 300 });
  });

  test('a foreign key whose triggers are disabled for one partition keeps its parents', async () => {
    await using database = await createDatabase();
    await database.query(`${EVENTS} create table note (event_id int references event on delete set null);
      insert into note values (7), (150), (999); alter table event_2_1 disable trigger all`);
    for (const dryRun of [true, false]) {
      const { message } = await rejection(database, { dryRun });
      expect(message).toMatch(/the triggers of the foreign key note_event_id_fkey on public\.event are disabled/);
    }
    await database.query('alter table event_2_1 enable trigger all');
    expect((await runCleanup(database.url, { params: { allowLarge: true } })).totals.deleted).toBe(300);
    expect(await database.query('select from note where event_id is null')).toHaveLength(2);
  });

  test('a table whose name begins with "only " is archived, and its indexes are hinted at, by its whole name', async () => {
    await using database = await createDatabase();
    await database.query(`
      create table "only x" (id int, note text, deleted_at timestamptz) partition by range (id);
      create table x (id int, deleted_at timestamptz);
      create table part partition of "only x" for values from (0) to (1000);
      insert into "only x" select i, 'n', ${OLD} from generate_series(1, 20) i; insert into "only x" values (99)`);
    const lines: { message: string; level: string; fields: Record<string, unknown> }[] = [];
    const { totals } = await runCleanup(database.url, { lines, params: { archiveSchema: 'archive', vacuum: true } });
    expect(totals.deleted).toBe(20);
    expect(await database.query(`select from archive."only x" where note = 'n'`)).toHaveLength(20);
    expect(lines.filter(({ level }) => level === 'warn')).toEqual([]);
  });
});

async function rejection(database: TestDatabase, options: CleanupOptions): Promise<Error> {
  return runCleanup(database.url, { ...options, params: { allowLarge: true } }).then(
    () => Promise.reject(new Error('it was not refused')),
    (error: Error) => error,
  );
}
