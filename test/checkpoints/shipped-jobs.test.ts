// The jobs that ship go on where they were.
import { expect, test } from 'vitest';
import type { Result } from '../../src/jobs/database_cleanup/result.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { onEveryPostgres } from '../support/every-postgres.ts';
import { runJob, runToEnd } from '../support/run-job.ts';

/** In the future of nobody's clock, and long after the rows. */
const SLOT = ['--scheduled-at', '2026-01-15T00:00:00Z'];
const TABLES = 12;

/** Tables of due rows; of the one in the middle each row takes a moment to go. */
const schema = (slow: number) =>
  Array.from({ length: TABLES }, (_, i) => {
    const name = `t${String(i).padStart(2, '0')}`;
    return `CREATE TABLE ${name} (id integer PRIMARY KEY, deleted_at timestamptz);
      INSERT INTO ${name} SELECT i, timestamptz '2025-01-01Z' FROM generate_series(1, 300) i;
      INSERT INTO ${name} SELECT -i FROM generate_series(0, 300) i;
      ${
        i === slow
          ? `CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.01); RETURN old; END $$;
             CREATE TRIGGER slow BEFORE DELETE ON ${name} FOR EACH ROW EXECUTE FUNCTION slow();`
          : ''
      }`;
  }).join('\n');

const ARGS = ['database_cleanup', ...SLOT, '--param', 'allowLarge=true', '--param', 'batchSize=20'];

const deleted = async (database: TestDatabase, table: string) => {
  const [row] = await database.query<{ count: number }>(
    `SELECT 300 - count(*) FILTER (WHERE deleted_at IS NOT NULL)::integer AS count FROM ${table}`,
  );
  return row?.count ?? 0;
};

onEveryPostgres((create) => {
  test('a cleanup that is killed goes on in the table where it was, with its cutoff, and counts what both did', async () => {
    await using database = await create({ migrated: true });
    await database.query(schema(7));
    await using running = runJob(ARGS, { database });
    await running.until(
      (async () => {
        while ((await deleted(database, 't07')) < 40);
      })(),
    );
    running.kill('SIGKILL');
    await running.done.catch(() => undefined);
    const [saved] = await database.query<{ value: { base: string; done: string[] } }>(
      'SELECT value FROM run_job.checkpoints',
    );
    expect(saved?.value.done).toContain('public.t06');
    await database.query('DROP TRIGGER slow ON t07');
    const ended = await runToEnd(ARGS, { database });
    const result = ended.summary.result as Result;
    expect(ended.summary).toMatchObject({ status: 'succeeded' });
    expect(result.totals).toMatchObject({ deleted: 300 * TABLES, matched: 300 * TABLES });
    expect(result.tables['public.t03']).toMatchObject({ due: 300, deleted: 300 });
    expect(result.tables['public.t07']).toMatchObject({ due: 300, deleted: 300 });
    expect(result.nothingDue).toEqual([]);
    expect(await database.query('SELECT FROM run_job.checkpoints')).toEqual([]);
    const lines = ended.lines.filter(({ msg }) => /public\.t03: /.test(msg));
    expect(lines.length).toBeLessThan(2);
  });
});

test('the first run’s cutoff holds for the whole slot', async () => {
  await using database = await createDatabase();
  await database.query(`CREATE TABLE a (id integer, deleted_at timestamptz);
    INSERT INTO a SELECT i, now() - interval '100 days' FROM generate_series(1, 10) i;
    INSERT INTO a SELECT i FROM generate_series(11, 40) i;
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM no_such_function(); RETURN old; END $$;
    CREATE TRIGGER refuse BEFORE DELETE ON a FOR EACH ROW EXECUTE FUNCTION refuse()`);
  // A scheduled time ahead of the database's clock: that is what retention counts back from, and it goes on.
  const ahead = ['database_cleanup', '--scheduled-at', '2030-01-01T00:00:00Z', '--param', 'allowLarge=true'];
  const first = await runToEnd([...ahead, '--attempts', '1'], { database });
  const second = await runToEnd([...ahead, '--attempts', '1'], { database });
  expect((second.summary.result as Result).cutoff).toBe((first.summary.result as Result).cutoff);
});

test('what a failed run tells is there for the next slot’s, which asks for it', async () => {
  await using database = await createDatabase();
  const record = (id: string, status: string, resumeAt: Record<string, number>, at: string) =>
    database.query(
      `INSERT INTO run_job.runs (id, job, name, scheduled_at, shard_index, shard_count, status, exit_code, started_at, ended_at, dry_run,
         forced, version, host, pid, lock_key, result)
       VALUES ($1, 'asks', 'asks', $2, 0, 1, $3, 0, $2, $2, false, false, 'v', 'h', 1, 1, $4)`,
      [id, at, status, JSON.stringify({ resumeAt })],
    );
  await record('01a21784-2f28-7ae8-89c4-08a253f2610e', 'succeeded', { t: 1 }, '2026-01-01Z');
  await record('01a21784-2f28-7ae8-89c4-08a253f2610f', 'failed', { t: 2 }, '2026-01-02Z');
  const { openHistory } = await import('../../src/postgres/history.ts');
  const { serverAt } = await import('../postgres/server-at.ts');
  const history = openHistory(serverAt(database.url), { endWithinMs: 1_000 });
  const shard = { index: 0, count: 1 };
  const [succeeded] = await history.previousRuns('asks', shard, 5);
  const [anyhow] = await history.previousRuns('asks', shard, 5, { ended: 'anyhow' });
  await history.close();
  expect([succeeded?.result, anyhow?.result]).toEqual([{ resumeAt: { t: 1 } }, { resumeAt: { t: 2 } }]);
});
