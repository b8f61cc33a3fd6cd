// What a run tells is told of all its attempts together, also when a table failed.
import { describe, expect, test } from 'vitest';
import { resultOf } from '../../../src/errors.ts';
import type { Result } from '../../../src/jobs/database_cleanup/result.ts';
import { createDatabase } from '../../support/database.ts';
import { onEveryPostgres } from '../../support/every-postgres.ts';
import { runJob } from '../../support/run-job.ts';
import { daysAgo, runCleanup } from './support.ts';

const rows = (table: string, count: number) => `
  create table ${table} (id int primary key, deleted_at timestamptz);
  insert into ${table} select i, ${daysAgo(100)} - i * interval '1 s' from generate_series(1, ${count}) i;
  insert into ${table} values (0);`;

const rejection = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: Error) => error,
  );

onEveryPostgres((createDatabaseThere) => {
  test('rows that an earlier attempt deleted are told by the next, which fails again, and by the one that succeeds', async () => {
    await using database = await createDatabaseThere();
    await database.query(`${rows('quick', 700)} ${rows('stuck', 50)} create function act() returns trigger language plpgsql
      as $$ begin perform no_such_function(); return old; end $$;
      create trigger act before delete on stuck for each row execute function act();`);
    const attempt = () => runCleanup(database.url, { runId: `run of ${database.name}`, params: { allowLarge: true } });
    for (const _ of [1, 2]) {
      const error = await rejection(attempt());
      expect(error.message).toMatch(/^1 of 2 tables failed; 700 rows were deleted\. public\.stuck: /);
      expect(resultOf(error)).toMatchObject({
        totals: { matched: 750, deleted: 700 },
        tables: { 'public.quick': { due: 700, matched: 700, deleted: 700 }, 'public.stuck': { due: 50, deleted: 0 } },
        failures: { 'public.stuck': expect.stringContaining('no_such_function') },
      });
    }
    await database.query('drop trigger act on stuck');
    const result = await attempt();
    expect(result).toMatchObject({ totals: { matched: 750, deleted: 750 }, nothingDue: [] });
    expect(result.tables['public.quick']).toMatchObject({ due: 700, matched: 700, deleted: 700 });
  });

  test('a clock that is set forward during the run takes no time from its statements', async () => {
    await using database = await createDatabaseThere();
    await database.query(rows('item', 700));
    const deadline = new Date(Date.now() - 3_600_000);
    expect((await runCleanup(database.url, { deadline, params: { allowLarge: true } })).totals.deleted).toBe(700);
  });

  test('what was committed before the database went away is the result of the error', async () => {
    await using database = await createDatabaseThere();
    await database.query(`${rows('first', 30)} ${rows('second', 30)}
      create function go_away() returns trigger language plpgsql as $$ begin perform pg_terminate_backend(pg_backend_pid()); return old; end $$;
      create trigger go_away before delete on second for each row execute function go_away();`);
    const error = await rejection(runCleanup(database.url, { params: { allowLarge: true } }));
    expect(error.message).toMatch(/went away/);
    expect((resultOf(error) as Result).totals.deleted).toBe(30);
  });
});

describe('the record of a run in which a table failed', () => {
  test('has the result beside the error, and `show` shows it', async () => {
    await using database = await createDatabase();
    await database.query(`${rows('quick', 20)} ${rows('ruled', 20)}
      create rule soft as on delete to ruled do instead nothing`);
    const run = await runJob(['database_cleanup', '--param', 'allowLarge=true'], { database }).done;
    expect(run.exitCode).toBe(65);
    const [record] = await database.query<{ id: string; result: Result }>('select id, result from run_job.runs');
    expect(record?.result).toMatchObject({ totals: { deleted: 20 }, failures: { 'public.ruled': expect.anything() } });
    const shown = await runJob(['show', record?.id ?? ''], { database }).done;
    expect(shown.stdout).toContain('public.quick');
  });
});
