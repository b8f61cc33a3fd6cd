// What `ctx.postgres.transaction`, `batch` and `statement` promise a job's author: all or nothing, and nothing left on the server.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { UnavailableError } from '../../src/errors.ts';
import type { PostgresPool, Transaction } from '../../src/job.ts';
import { type JobPool, openPool } from '../../src/postgres/job-pool.ts';
import { withTransactions } from '../../src/postgres/transaction.ts';
import type { TestDatabase } from '../support/database.ts';
import { onEveryPostgres } from '../support/every-postgres.ts';
import { type PgBouncer, startPgBouncer } from '../support/pgbouncer.ts';
import { testPool } from '../support/pool.ts';
import { runJob } from '../support/run-job.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { serverAt } from './server-at.ts';

const never = new AbortController().signal;

onEveryPostgres((createDatabase) => {
  let database: TestDatabase;
  let pooler: PgBouncer;
  beforeAll(async () => {
    database = await createDatabase({ migrated: true });
    await database.query('CREATE TABLE kept (id integer PRIMARY KEY, note text)');
    pooler = await startPgBouncer(database.url, { poolSize: 3 });
  });
  afterAll(async () => {
    await pooler[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  const busy = async () =>
    (
      await database.query<{ query: string; state: string }>(
        `SELECT query, state FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle' AND backend_type = 'client backend'`,
      )
    ).map(({ query, state }) => `${state}: ${query}`);
  const runsSleep = () =>
    vi.waitUntil(async () => (await busy()).some((what) => what.includes('pg_sleep')), { timeout: 20_000 });
  const ids = async () => (await database.query<{ id: number }>('SELECT id FROM kept ORDER BY id')).map(({ id }) => id);

  describe.for([
    ['directly', () => database.url],
    ['behind PgBouncer in transaction mode', () => pooler.url],
  ] as const)('%s', ([_, url]) => {
    /** Runs `use` with a pool of a few connections; all of them are at rest afterwards. */
    async function withPool(use: (pool: PostgresPool) => Promise<void>, max = 2): Promise<void> {
      await database.query('TRUNCATE kept');
      const opened: JobPool = openPool(serverAt(url()), { max });
      await use(opened.pool);
      expect([opened.pool.idleCount, opened.pool.waitingCount]).toEqual([opened.pool.totalCount, 0]);
      expect(await busy()).toEqual([]);
      await opened.close();
    }
    const insert = (transaction: Transaction, id: number) =>
      transaction.query('INSERT INTO kept (id) VALUES ($1)', [id]);

    test('commits what returns, and rolls back what throws', () =>
      withPool(async (pool) => {
        const returned = await pool.transaction(never, {}, async (transaction) => {
          await insert(transaction, 1);
          return 'done';
        });
        expect(returned).toBe('done');
        const error = new Error('no');
        const thrown = pool.transaction(never, {}, async (transaction) => {
          await insert(transaction, 2);
          throw error;
        });
        await expect(thrown).rejects.toBe(error);
        expect(await ids()).toEqual([1]);
      }));

    test('begins as it is told, and leaves nothing of it to the next', () =>
      withPool(async (pool) => {
        const show = `SELECT current_setting('transaction_isolation') AS isolation, current_setting('transaction_read_only') AS read_only,
          current_setting('statement_timeout') AS statement, current_setting('lock_timeout') AS lock, current_setting('jit') AS jit,
          current_setting('search_path') AS path`;
        const ask = (transaction: Transaction) => transaction.query(show).then(({ rows }) => rows[0]);
        const told = await pool.transaction(
          never,
          {
            isolation: 'serializable',
            readOnly: true,
            statementTimeout: '1500ms',
            lockTimeout: '2s',
            settings: { jit: false, search_path: ['a b', "it's", 'public'] },
          },
          ask,
        );
        expect(told).toEqual({
          isolation: 'serializable',
          read_only: 'on',
          statement: '1500ms',
          lock: '2s',
          jit: 'off',
          path: '"a b", "it\'s", public',
        });
        const plain = await pool.transaction(never, {}, ask);
        expect(plain).toMatchObject({
          isolation: 'read committed',
          read_only: 'off',
          statement: '0',
          lock: '0',
          path: '"$user", public',
        });
        expect((await pool.query(show)).rows[0]).toMatchObject({ statement: '0', path: '"$user", public' });
      }, 1));

    test('takes its snapshot with the first statement of the work, and not before', () =>
      withPool(async (pool) => {
        const settings = { jit: false };
        const seen = await pool.transaction(never, { isolation: 'repeatable read', settings }, async (transaction) => {
          await database.query('INSERT INTO kept VALUES (7)');
          return (await transaction.query('SELECT id FROM kept')).rows;
        });
        expect(seen).toEqual([{ id: 7 }]);
      }));

    test('when the signal aborts: the statement ends on the server, the reason is thrown, the connection is of use again', () =>
      withPool(async (pool) => {
        const controller = new AbortController();
        const reason = new Error('the deadline has passed');
        const running = pool.transaction(controller.signal, {}, async (transaction) => {
          await insert(transaction, 1);
          await transaction.query('SELECT pg_sleep(3600)');
        });
        await runsSleep();
        controller.abort(reason);
        await expect(running).rejects.toBe(reason);
        expect(await busy()).toEqual([]);
        expect(await ids()).toEqual([]);
        await pool.transaction(never, {}, (transaction) => insert(transaction, 2));
        expect(await ids()).toEqual([2]);
        expect(pool.totalCount).toBe(1);
      }, 1));

    test('when the signal aborts while the work waits for something else: its locks are free at once, and it can do nothing more', () =>
      withPool(async (pool) => {
        const controller = new AbortController();
        const reason = new Error('stop');
        const elsewhere = Promise.withResolvers<void>();
        const begun = Promise.withResolvers<void>();
        let late: Promise<unknown> | undefined;
        const running = pool.transaction(controller.signal, {}, async (transaction) => {
          await transaction.query('LOCK TABLE kept');
          begun.resolve();
          await elsewhere.promise;
          late = insert(transaction, 1);
          await late;
        });
        await begun.promise;
        controller.abort(reason);
        await expect(running).rejects.toBe(reason);
        await database.query('INSERT INTO kept VALUES (5)');
        elsewhere.resolve();
        await vi.waitUntil(() => late !== undefined);
        await expect(late).rejects.toBe(reason);
        expect(await ids()).toEqual([5]);
      }));

    test('a signal that has aborted begins nothing, and one that aborts in the queue for a connection ends the waiting', () =>
      withPool(async (pool) => {
        const reason = new Error('stop');
        await expect(pool.transaction(AbortSignal.abort(reason), {}, () => 1)).rejects.toBe(reason);
        const holder = await pool.connect();
        const controller = new AbortController();
        const waiting = pool.transaction(controller.signal, {}, () => 1);
        controller.abort(reason);
        await expect(waiting).rejects.toBe(reason);
        holder.release();
        expect(await pool.transaction(never, {}, () => 2)).toBe(2);
      }, 1));

    test('a signal that aborts between the work and the commit undoes it', () =>
      withPool(async (pool) => {
        const controller = new AbortController();
        const reason = new Error('the lock is lost');
        const running = pool.transaction(controller.signal, {}, async (transaction) => {
          await insert(transaction, 1);
          controller.abort(reason);
        });
        await expect(running).rejects.toBe(reason);
        expect(await ids()).toEqual([]);
      }));

    test('a failed statement that the work passes over is no commit', () =>
      withPool(async (pool) => {
        const running = pool.transaction(never, {}, async (transaction) => {
          await insert(transaction, 1);
          await insert(transaction, 1).catch(() => undefined);
          return 'done';
        });
        await expect(running).rejects.toMatchObject({ code: '23505' });
        expect(await ids()).toEqual([]);
      }));

    test('a commit that a deferred constraint refuses is told as that', () =>
      withPool(async (pool) => {
        const table = 'CREATE TEMPORARY TABLE part (id integer UNIQUE DEFERRABLE INITIALLY DEFERRED) ON COMMIT DROP';
        const running = pool.transaction(never, {}, async (transaction) => {
          await transaction.query(table);
          await transaction.query('INSERT INTO part VALUES (1), (1)');
        });
        await expect(running).rejects.toMatchObject({ code: '23505' });
      }));

    test('limits are PostgreSQL’s to keep, and its errors say what they mean', () =>
      withPool(async (pool) => {
        const slow = pool.transaction(never, { statementTimeout: '20ms' }, (transaction) =>
          transaction.query('SELECT pg_sleep(60)'),
        );
        const tooSlow = await slow.catch((error) => error);
        expect(pool.failureOf(tooSlow)).toEqual({ kind: 'cancelled', sqlState: '57014' });
        await pool.transaction(never, {}, async (transaction) => {
          await transaction.query('LOCK TABLE kept');
          const blocked = pool.transaction(never, { lockTimeout: '20ms' }, (other) => other.query('SELECT FROM kept'));
          expect(pool.failureOf(await blocked.catch((error) => error))).toEqual({
            kind: 'contention',
            sqlState: '55P03',
          });
        });
        const written = pool.transaction(never, { readOnly: true }, (transaction) => insert(transaction, 1));
        // Not a standby, but what was asked for.
        await expect(written).rejects.not.toBeInstanceOf(UnavailableError);
        await expect(written).rejects.toMatchObject({ code: '25006' });
      }));

    test('a server process that ends is unavailable, and its connection is thrown away', () =>
      withPool(async (pool) => {
        const running = pool.transaction(never, {}, async (transaction) => {
          const { rows } = await transaction.query('SELECT pg_backend_pid() AS pid');
          await database.query(`SELECT pg_terminate_backend(${rows[0].pid})`);
          await insert(transaction, 1);
        });
        await expect(running).rejects.toBeInstanceOf(UnavailableError);
        await pool.transaction(never, {}, (transaction) => insert(transaction, 2));
        expect(await ids()).toEqual([2]);
      }, 1));

    test('what a cancel request does not end, since it came too early or was caught, is cancelled again', () =>
      withPool(async (pool) => {
        const stop = new AbortController();
        const catches = `DO $$ BEGIN
          BEGIN PERFORM pg_sleep(30); EXCEPTION WHEN query_canceled THEN NULL; END;
          PERFORM pg_sleep(30); END $$`;
        const running = pool.transaction(stop.signal, {}, (transaction) => transaction.query(catches));
        await runsSleep();
        const stoppedAt = performance.now();
        stop.abort(new Error('told to stop'));
        await expect(running).rejects.toThrow('told to stop');
        // A connection that doesn't come to rest is hung up after 5 s.
        expect(performance.now() - stoppedAt).toBeLessThan(4_000);
        expect(await busy()).toEqual([]);
      }, 1));

    test('a connection that the server ended while the job did something else tells why', () =>
      withPool(async (pool) => {
        const ended = new Promise((resolve) => pool.on('connect', (client) => client.once('end', () => resolve(true))));
        const settings = { idle_in_transaction_session_timeout: 50 };
        const running = pool.transaction(never, { settings }, async (transaction) => {
          await ended;
          await insert(transaction, 1);
        });
        await expect(running).rejects.toThrow(
          'PostgreSQL failed: terminating connection due to idle-in-transaction timeout',
        );
      }, 1));

    test('a query after the end of its transaction is an error and runs nowhere', () =>
      withPool(async (pool) => {
        let kept: Transaction | undefined;
        await pool.transaction(never, {}, (transaction) => {
          kept = transaction;
        });
        await expect(kept?.query('INSERT INTO kept VALUES (1)')).rejects.toThrow(
          'came after the end of its transaction',
        );
        expect(await ids()).toEqual([]);
      }));

    test('options that mean nothing are refused before anything is connected', () =>
      withPool(async (pool) => {
        const begin = (options: object) => pool.transaction(never, options, () => 1);
        await expect(begin({ isolation: 'serializable; DROP TABLE kept' })).rejects.toThrow('isolation is one of');
        await expect(begin({ statementTimeout: '30' })).rejects.toThrow('statementTimeout must be a duration');
        await expect(begin({ settings: { 'jit = off; DROP TABLE kept --': 1 } })).rejects.toThrow(
          'no name of a setting',
        );
        expect(pool.totalCount).toBe(0);
      }));

    test('a batch is one transaction: the result of each statement, or nothing of any', () =>
      withPool(async (pool) => {
        const options = { lockTimeout: '2s', settings: { jit: false } } as const;
        const results = await pool.batch(never, options, [
          'INSERT INTO kept (id) VALUES (1), (2) -- a comment at its end',
          `SELECT current_setting('jit') AS jit, current_setting('lock_timeout') AS lock`,
          'DELETE FROM kept WHERE id = 2',
        ]);
        expect(results.map(({ rowCount, rows }) => [rowCount, rows])).toEqual([
          [2, []],
          [1, [{ jit: 'off', lock: '2s' }]],
          [1, []],
        ]);
        expect(await ids()).toEqual([1]);
        const failing = pool.batch(never, {}, ['INSERT INTO kept VALUES (3)', 'INSERT INTO kept VALUES (1)']);
        await expect(failing).rejects.toMatchObject({ code: '23505' });
        expect(await ids()).toEqual([1]);
        expect(await pool.batch(never, {}, [])).toEqual([]);
        await expect(pool.batch(never, { readOnly: true }, ['DELETE FROM kept'])).rejects.not.toBeInstanceOf(
          UnavailableError,
        );
        expect(pool.totalCount).toBe(1);
      }, 1));

    test('a batch is cancelled on the server when the signal aborts, and begins nothing when it has', () =>
      withPool(async (pool) => {
        const controller = new AbortController();
        const reason = new Error('stop');
        const running = pool.batch(controller.signal, {}, ['INSERT INTO kept VALUES (1)', 'SELECT pg_sleep(3600)']);
        await runsSleep();
        controller.abort(reason);
        await expect(running).rejects.toBe(reason);
        expect([await busy(), await ids()]).toEqual([[], []]);
        await expect(pool.batch(controller.signal, {}, ['SELECT'])).rejects.toBe(reason);
        await pool.batch(never, {}, ['INSERT INTO kept VALUES (2)']);
        expect(await ids()).toEqual([2]);
      }, 1));

    test('one statement runs outside of a transaction, and is cancelled on the server when the signal aborts', () =>
      withPool(async (pool) => {
        expect((await pool.statement(never, 'SELECT $1::int AS one', [1])).rows).toEqual([{ one: 1 }]);
        await pool.statement(never, 'VACUUM (ANALYZE) kept');
        const controller = new AbortController();
        const reason = new Error('stop');
        const running = pool.statement(controller.signal, 'SELECT pg_sleep(3600)');
        await runsSleep();
        controller.abort(reason);
        await expect(running).rejects.toBe(reason);
        expect(await busy()).toEqual([]);
        expect((await pool.statement(never, 'SELECT 2 AS two')).rows).toEqual([{ two: 2 }]);
        expect(pool.totalCount).toBe(1);
      }, 1));
  });

  test.for([
    ['directly', () => database.url],
    ['behind PgBouncer', () => pooler.url],
  ] as const)('SIGTERM ends a run and what it does on the server, %s', async ([_, url]) => {
    await database.query('TRUNCATE kept');
    await using run = runJob(['sleeps_in_transaction'], { database: { url: url() } });
    await run.until(runsSleep());
    run.kill('SIGTERM');
    const { exitCode, summary } = await run.done;
    expect({ exitCode, summary }).toMatchObject({ exitCode: 143, summary: { status: 'interrupted', attempts: 1 } });
    // PgBouncer ends the server's side a moment after the client's.
    await vi.waitUntil(async () => (await busy()).length === 0, { timeout: 20_000 });
    expect(await ids()).toEqual([]);
  });

  test('a pool that a test brings of its own knows transactions too', async () => {
    const pool = withTransactions(testPool({ connectionString: database.url, max: 1 }));
    const controller = new AbortController();
    const running = pool.transaction(controller.signal, {}, (transaction) =>
      transaction.query('SELECT pg_sleep(3600)'),
    );
    await runsSleep();
    controller.abort(new Error('stop'));
    await expect(running).rejects.toThrow('stop');
    expect(await busy()).toEqual([]);
    await pool.end();
  });

  test('a server that falls silent holds nobody up: the connection is hung up after some seconds', async () => {
    await using proxy = await startTcpProxy(database.url);
    const { pool, close } = openPool(serverAt(proxy.urlFor(database.url)), { max: 1 });
    const controller = new AbortController();
    const begun = Promise.withResolvers<void>();
    const running = pool.transaction(controller.signal, {}, async (transaction) => {
      await transaction.query('SELECT');
      proxy.silence();
      begun.resolve();
      await transaction.query('SELECT');
    });
    await begun.promise;
    controller.abort(new Error('stop'));
    await expect(running).rejects.toThrow('stop');
    expect(pool.totalCount).toBe(0);
    await close();
  });
});
