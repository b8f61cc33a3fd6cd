// Records are counted in run_job.totals and run_job.statistics in the statement that writes them, one at a time or many at once.
import { expect, test } from 'vitest';
import type { TestDatabase } from '../support/database.ts';
import { onEveryPostgres } from '../support/every-postgres.ts';

/** Records of seven names, with a namespace and without, in every status, dry ones among them. */
const MIXED = `
  SELECT gen_random_uuid() AS id, 'report' AS job, 'name_' || n % 7 AS name, timestamptz '2026-11-20 00:00Z' + n * interval '7 minutes' AS at,
    (ARRAY['succeeded', 'failed', 'running', 'skipped', 'rejected', 'lost', 'missed', 'cancelled', 'timed_out'])[1 + n % 9] AS status,
    n % 11 = 0 AS dry_run, CASE n % 4 WHEN 0 THEN 'team' END AS namespace, CASE n % 5 WHEN 0 THEN 'cron' END AS cronjob_name
  FROM generate_series(1, 500) AS n`;

const INSERT = `
  INSERT INTO run_job.runs (id, job, name, scheduled_at, shard_index, shard_count, status, started_at, ended_at, dry_run, forced, version,
    host, pid, lock_key, namespace, cronjob_name)`;

const COLUMNS = `id, job, name, at, 0, 1, status, at, CASE WHEN status <> 'running' THEN at END, dry_run, false, '1', 'host', 1, 1, namespace, cronjob_name`;

const counts = async (database: TestDatabase) => ({
  totals: await database.query('SELECT * FROM run_job.totals ORDER BY name, namespace, status'),
  statistics: await database.query('SELECT * FROM run_job.statistics ORDER BY name, day'),
});

onEveryPostgres((create) => {
  test('records of one statement are counted as those of as many statements', async () => {
    await using one = await create({ migrated: true });
    await using many = await create({ migrated: true });
    await one.query(`${INSERT} SELECT ${COLUMNS} FROM (${MIXED}) AS run`);
    await many.query(
      `DO $$ DECLARE run record; BEGIN FOR run IN ${MIXED} LOOP ${INSERT} VALUES (${COLUMNS.replace(/\b(id|job|name|at|status|dry_run|namespace|cronjob_name)\b/g, 'run.$1')}); END LOOP; END $$`,
    );
    const seen = await counts(one);
    expect(seen).toEqual(await counts(many));
    expect(seen.totals.length).toBeGreaterThan(40);
    // As many again, into rows that are there now; a slot is missed but once.
    await one.query(`${INSERT} SELECT ${COLUMNS} FROM (${MIXED.replace('00:00Z', '00:01Z')}) AS run`);
    const twice = await one.query('SELECT sum(runs)::int AS runs FROM run_job.totals');
    const once = await many.query('SELECT sum(runs)::int * 2 AS runs FROM run_job.totals');
    expect(twice).toEqual(once);
  });

  test('a thousand records of a name in one statement change each row that counts them once', async () => {
    await using database = await create({ migrated: true });
    const client = await database.connect();
    try {
      await client.query('BEGIN');
      const select = `SELECT gen_random_uuid(), 'report', 'report', now() - n * interval '1 second', 0, 1, 'succeeded', now(), now(), false, false,
        '1', 'host', 1, 1, NULL, NULL FROM generate_series(1, 1000) AS n`;
      await client.query(`${INSERT} ${select}`);
      const { rows } = await client.query(
        `SELECT relname AS table, (n_tup_ins + n_tup_upd)::int AS changes FROM pg_stat_xact_user_tables
         WHERE schemaname = 'run_job' AND relname IN ('totals', 'statistics') ORDER BY relname`,
      );
      expect(rows).toEqual([
        { table: 'statistics', changes: 1 },
        { table: 'totals', changes: 1 },
      ]);
      await client.query('ROLLBACK');
    } finally {
      await client.end();
    }
  });

  test('the end of a run waits for no insert of many records of other names, and is counted with those of its own', async () => {
    await using database = await create({ migrated: true });
    const begin = (name: string) =>
      database.query(
        `${INSERT} VALUES ('${name === 'mine' ? MINE : OTHER}', 'report', '${name}', now(), 0, 1, 'running', now(), NULL, false, false, '1', 'host', 1, 1, NULL, NULL)`,
      );
    const end = (id: string) =>
      `UPDATE run_job.runs SET status = 'failed', exit_code = 1, ended_at = now() WHERE id = '${id}'`;
    await begin('mine');
    await begin('other');
    const many = await database.connect();
    const single = await database.connect();
    try {
      await many.query('BEGIN');
      await many.query(
        `${INSERT} SELECT gen_random_uuid(), 'report', CASE WHEN n % 2 = 0 THEN 'mine' ELSE 'third' END, now(), 0, 1, 'failed', now(), now(), false,
         false, '1', 'host', 1, 1, NULL, NULL FROM generate_series(1, 10) AS n`,
      );
      await single.query(`SET lock_timeout = '2s'`);
      await single.query(end(OTHER));
      const waits = single.query(end(MINE));
      await many.query('COMMIT');
      await waits;
      expect(await database.query(`SELECT name, runs::int FROM run_job.totals ORDER BY name`)).toEqual([
        { name: 'mine', runs: 6 },
        { name: 'other', runs: 1 },
        { name: 'third', runs: 5 },
      ]);
    } finally {
      await many.end();
      await single.end();
    }
  });
});

const MINE = '01990000-0000-7000-8000-000000000001';
const OTHER = '01990000-0000-7000-8000-000000000002';
