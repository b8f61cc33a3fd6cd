// What a run over many tables keeps of how far it is: seldom enough that it costs little, and never less than an interruption needs.
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { createDatabase } from '../../support/database.ts';
import { daysAgo, runCleanup } from './support.ts';

const TABLES = 200;
const ROWS = 3;

/** Tables with some due rows and a live one. With a limit, no two of them share a transaction. */
const params = { maxRows: 1_000_000 };
const schema = Array.from(
  { length: TABLES },
  (_, i) => `create table t${i} (id int primary key, deleted_at timestamptz);
    insert into t${i} select i, ${daysAgo(100)} from generate_series(1, ${ROWS}) i; insert into t${i} values (0);`,
).join('\n');

test('what is written grows with the tables, and not with their square', async () => {
  await using database = await createDatabase({ migrated: false });
  await database.query(schema);
  let bytes = 0;
  const { totals } = await runCleanup(database.url, {
    params,
    onSave: (progress) => {
      bytes += JSON.stringify(progress).length;
    },
  });
  expect(totals.deleted).toBe(TABLES * ROWS);
  // Written before each table it would be 780 kB.
  expect(bytes).toBeLessThan(400_000);
});

test('a run whose connections are cut at a table among many goes on, and counts what both have done', async () => {
  await using database = await createDatabase({ migrated: false });
  await database.query(`${schema}
    create function cut() returns trigger language plpgsql as $$ begin perform pg_terminate_backend(pg_backend_pid()); return old; end $$;
    create trigger cut after delete on t97 for each row execute function cut();`);
  const runId = randomUUID();
  let current: string[] = [];
  const interrupted = runCleanup(database.url, {
    params,
    runId,
    onSave: (progress) => {
      current = Object.keys(progress.current);
    },
  });
  await expect(interrupted).rejects.toMatchObject({ code: 'ERR_RUN_JOB_UNAVAILABLE' });
  expect(current.length).toBeGreaterThan(1);
  await database.query('drop trigger cut on t97');
  const { totals, tables } = await runCleanup(database.url, { params, runId });
  expect(totals).toMatchObject({ matched: TABLES * ROWS, deleted: TABLES * ROWS });
  expect(Object.values(tables).every(({ due, deleted }) => due === ROWS && deleted === ROWS)).toBe(true);
});
