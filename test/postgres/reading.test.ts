// Values arrive as they are, whatever the database or the role is set to: our connections and the job's pool set what node-postgres needs.
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { PostgresPool } from '../../src/job.ts';
import { Connection, withConnection } from '../../src/postgres/connect.ts';
import { openPool } from '../../src/postgres/job-pool.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { onEveryPostgres } from '../support/every-postgres.ts';
import { type PgBouncer, startPgBouncer } from '../support/pgbouncer.ts';
import { recordedLog } from '../support/recorded-log.ts';
import { runToEnd } from '../support/run-job.ts';
import { serverAt } from './server-at.ts';

type Queryable = { query(text: string, values: unknown[]): Promise<pg.QueryResult> };

/** One value of each type that node-postgres parses, and of those that it passes on as text. */
const VALUES = `
SELECT $1::text[] AS given, '2026-11-16 08:09:10.123456+00'::timestamptz AS instant, '1883-01-02 03:04:05+00'::timestamptz AS old,
  '0044-03-15 12:00:00+00 BC'::timestamptz AS ancient, 'infinity'::timestamptz AS never, '2026-11-16 08:09:10'::timestamp AS local,
  '2026-11-16'::date AS day, '08:09:10'::time AS time, '1 year -2 months 3 days -04:05:06.789'::interval AS span,
  interval '-1 hour' AS back, 0.1::float8 + 0.2::float8 AS double, (1::float4 / 3) AS single, '(0.1,0.30000000000000004)'::point AS point,
  '<(0.1,0.2),0.30000000000000004>'::circle AS circle, 12345678901234567890.123456789::numeric AS exact, 9007199254740993::int8 AS big,
  true AS bool, '{"at": 0.30000000000000004}'::jsonb AS json, to_json(0.1::float8 + 0.2::float8) AS made, 'ä€😀'::text AS text,
  decode('00015c27ff4142', 'hex') AS bytes, NULL::text AS nothing, '2026-11-16 08:00+00'::timestamptz - '2026-11-15 09:30+00'::timestamptz AS took,
  ARRAY['2026-11-16 08:09:10+00'::timestamptz, NULL] AS instants, ARRAY[interval '1 mon -1 day', NULL] AS spans,
  ARRAY[0.1::float8 + 0.2::float8] AS doubles, ARRAY[decode('5c2200', 'hex'), decode('5c5c3031', 'hex')] AS bytes_list,
  ARRAY['a"b', 'NULL', NULL, 'c,d', chr(92)] AS texts, ARRAY[1, NULL] AS numbers, '[2026-01-01,2026-02-01)'::daterange AS range`;

const GIVEN = [['a', null, 'NULL', 'ä"\\']];

const read = async (on: Queryable) => (await on.query(VALUES, GIVEN)).rows[0];

onEveryPostgres((create) => {
  let database: TestDatabase;
  let truth: unknown;
  // In another database: what is set for this one, such as that nothing may be written, mustn't hinder us.
  let administrator: pg.Client;
  beforeAll(async () => {
    database = await create();
    administrator = new pg.Client({ connectionString: new URL('/postgres', database.url).href });
    await administrator.connect();
    truth = await readWith(openPool(serverAt(database.url), { max: 1 }));
  });
  afterAll(async () => {
    await administrator.end();
    await database[Symbol.asyncDispose]();
  });

  const set = (name: string, value: string) =>
    administrator.query(`ALTER DATABASE ${database.name} SET ${name} = ${pg.escapeLiteral(value)}`);
  const reset = () => administrator.query(`ALTER DATABASE ${database.name} RESET ALL`);
  const readWith = async ({ pool, close }: ReturnType<typeof openPool>) => {
    try {
      return await read(pool);
    } finally {
      await close();
    }
  };
  const readPlainly = async () => {
    const client = await database.connect();
    try {
      return await read(client);
    } catch (error) {
      return error;
    } finally {
      await client.end();
    }
  };

  test('of every setting that a database can have, whatever its value, none changes what a job reads', async () => {
    const enumerable = await database.query<{ name: string; values: string[] }>(
      `SELECT name, CASE vartype WHEN 'bool' THEN '{on,off}' ELSE enumvals END AS values FROM pg_settings
       WHERE context = 'user' AND vartype IN ('bool', 'enum') AND name NOT LIKE 'transaction\\_%' AND name NOT LIKE 'enable\\_%'`,
    );
    const others = {
      DateStyle: ['ISO, YMD', 'SQL, DMY', 'SQL, MDY', 'German, DMY', 'Postgres, MDY', 'Postgres, DMY'],
      extra_float_digits: ['-15', '0', '3'],
      TimeZone: ['Asia/Kolkata', 'Africa/Monrovia', 'America/St_Johns', '<+03>-3', 'Pacific/Kiritimati'],
      client_encoding: ['LATIN1', 'SQL_ASCII', 'WIN1252'],
      lc_messages: ['C'],
      lc_monetary: ['C'],
      lc_numeric: ['C'],
      lc_time: ['C'],
      search_path: ['nowhere'],
      work_mem: ['64kB'],
    };
    const tried = [...enumerable.map(({ name, values }) => [name, values] as const), ...Object.entries(others)];
    expect(tried.length).toBeGreaterThan(40);
    const changing = new Set<string>();
    for (const [name, values] of tried) {
      for (const value of values) {
        await set(name, value);
        const plain = await readPlainly();
        if (JSON.stringify(plain) !== JSON.stringify(truth)) changing.add(name);
        expect(await readWith(openPool(serverAt(database.url), { max: 1 })), `${name} = ${value}`).toEqual(truth);
        await reset();
      }
    }
    // What node-postgres by itself would misread: the list of what we set.
    expect([...changing].sort()).toEqual(['DateStyle', 'IntervalStyle', 'array_nulls', 'extra_float_digits']);
  });

  test('the same goes for the settings of a role, and for those of the URL', async () => {
    const role = `${database.name}_app`;
    await database.query(`CREATE ROLE ${role} LOGIN SUPERUSER PASSWORD 'x'`);
    try {
      await database.query(`ALTER ROLE ${role} SET DateStyle = 'SQL, DMY'`);
      await database.query(`ALTER ROLE ${role} IN DATABASE ${database.name} SET IntervalStyle = 'iso_8601'`);
      const url = Object.assign(new URL(database.url), { username: role, password: 'x' });
      url.searchParams.set('options', '-c extra_float_digits=0 -c DateStyle=German');
      expect(await readWith(openPool(serverAt(url.href), { max: 1 }))).toEqual(truth);
    } finally {
      await database.query(`DROP ROLE ${role}`);
    }
  });

  test('in a database with nothing special our own connections ask for nothing, so that the start of a run takes no longer', async () => {
    const asked = vi.spyOn(Connection.prototype, 'ask');
    await withConnection(serverAt(database.url), async (connection) => {
      expect(connection.reported.get('DateStyle')).toMatch(/^ISO/);
    });
    expect(asked).not.toHaveBeenCalled();
    asked.mockRestore();
  });

  test('the order of day and month, by which a job’s texts are read, stays the database’s own', async () => {
    await set('DateStyle', 'German, DMY');
    await withConnection(serverAt(database.url), async (connection) => {
      const { rows } = await connection.query(
        `SELECT '03.04.2026'::date::text AS day, current_setting('DateStyle') AS style`,
      );
      expect(rows).toEqual([{ day: '2026-04-03', style: 'ISO, DMY' }]);
    });
    await reset();
  });

  describe('behind PgBouncer in transaction mode', () => {
    let pooler: PgBouncer;
    beforeAll(async () => {
      for (const [name, value] of Object.entries({
        DateStyle: 'German, DMY',
        IntervalStyle: 'iso_8601',
        extra_float_digits: '0',
        array_nulls: 'off',
        bytea_output: 'escape',
      })) {
        await set(name, value);
      }
      pooler = await startPgBouncer(database.url, { poolSize: 1 });
    });
    afterAll(async () => {
      await pooler[Symbol.asyncDispose]();
      await reset();
    });
    const never = new AbortController().signal;
    const inTransaction = (pool: PostgresPool) => pool.transaction(never, {}, (transaction) => read(transaction));

    test('dates are read truly everywhere, and all else in transactions; what is not is told once', async () => {
      const log = recordedLog();
      const { pool, close } = openPool(serverAt(pooler.url), { max: 2, log });
      expect(await inTransaction(pool)).toEqual(truth);
      const both = await Promise.all([inTransaction(pool), read(pool)]);
      const { span, back, took, spans, double, single, point, circle, made, doubles, given, ...rest } = both[1];
      expect(both[0]).toEqual(truth);
      expect(truth).toMatchObject(rest);
      expect([double, given]).toEqual([0.3, ['a', 'NULL', 'NULL', 'ä"\\']]);
      const warnings = log.lines.filter(({ level }) => level === 'warn').map(({ message }) => message);
      expect(warnings).toEqual([
        expect.stringMatching(
          /^outside of ctx\.postgres\.transaction intervals are misread \(IntervalStyle\), floats are rounded \(extra_float_digits\), a null in an array is stored as the text 'NULL' \(array_nulls\): .*ALTER ROLE/,
        ),
      ]);
      await close();
    });

    test('run-job doctor says so too, and nothing of it where no pooler is in between', async () => {
      const findings = async (url: string) => (await runToEnd(['doctor'], { database: { url } })).stdout;
      expect(await findings(pooler.url)).toMatch(/settings .*intervals are misread \(IntervalStyle\).*ALTER ROLE/s);
      expect(await findings(database.url)).not.toContain('misread');
    });

    test('nobody else on the same server connection finds a setting of ours', async () => {
      const show = `SELECT current_setting('DateStyle') AS dates, current_setting('IntervalStyle') AS spans,
        current_setting('extra_float_digits') AS digits, current_setting('array_nulls') AS nulls`;
      const theirs = { dates: 'German, DMY', spans: 'iso_8601', digits: '0', nulls: 'off' };
      const other = new pg.Client({ connectionString: pooler.url });
      await other.connect();
      const { pool, close } = openPool(serverAt(pooler.url), { max: 1 });
      await inTransaction(pool);
      expect((await other.query(show)).rows).toEqual([theirs]);
      await pool.query('SELECT');
      expect((await other.query(show)).rows).toEqual([theirs]);
      expect((await pool.query(show)).rows).toEqual([{ ...theirs, dates: 'ISO, DMY' }]);
      await close();
      await other.end();
    });
  });
});

test('under a DateStyle that is not ISO a run, its record and the commands that read it tell true times', async () => {
  await using database = await createDatabase();
  await database.query(`ALTER DATABASE ${database.name} SET DateStyle = 'German'`);
  const run = await runToEnd(['reads_now'], { database });
  expect(run.summary).toMatchObject({ status: 'succeeded', result: { read: true } });
  const [record] = JSON.parse((await runToEnd(['history', '--json'], { database })).stdout);
  expect(Math.abs(Date.parse(record.startedAt) - Date.now())).toBeLessThan(600_000);
  for (const command of [['history'], ['status'], ['show', record.runId ?? record.id]]) {
    const { exitCode, stdout, stderr } = await runToEnd(command, { database });
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(stdout).not.toMatch(/Invalid|NaN|undefined/);
  }
  const doctor = await runToEnd(['doctor'], { database });
  expect(doctor.stdout).toMatch(/the database's clock is 0\.\d s/);
});
