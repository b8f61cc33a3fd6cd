// The pool that a job is given: connects late, speaks our words, and leaves nothing behind.
import { inspect } from 'node:util';
import { describe, expect, test, vi } from 'vitest';
import { openPool } from '../../src/postgres/job-pool.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { freePorts } from '../support/free-port.ts';
import { startPgBouncer } from '../support/pgbouncer.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { serverAt } from './server-at.ts';

const UNAVAILABLE = 'ERR_RUN_JOB_UNAVAILABLE';

describe('the pool that jobs are given', () => {
  test('survives that a connection breaks while it is idle, and connects again', async () => {
    await using database = await createDatabase();
    await using proxy = await startTcpProxy(database.url);
    const { pool, close } = openPool(serverAt(proxy.urlFor(database.url)), { max: 2 });
    await pool.query('SELECT 1');
    const removed = new Promise((resolve) => pool.on('remove', resolve));
    proxy.cut();
    await removed;
    expect((await pool.query('SELECT 2 AS two')).rows).toEqual([{ two: 2 }]);
    await close();
  });

  test('tells in our words why it could not connect', async () => {
    const [port] = await freePorts(1);
    const { pool, close } = openPool(serverAt(`postgres://user:s3cret@127.0.0.1:${port}/db`), { max: 2 });
    await expect(pool.query('SELECT 1')).rejects.toMatchObject({ code: UNAVAILABLE });
    await expect(pool.connect()).rejects.toThrow('refused the connection');
    await close();
  });

  test('opens no more connections than it may', async () => {
    await using database = await createDatabase();
    const { pool, close } = openPool(serverAt(database.url), { max: 2 });
    const pids = await Promise.all(
      Array.from({ length: 6 }, () => pool.query('SELECT pg_backend_pid() AS pid, pg_sleep(0.01)')),
    );
    expect(new Set(pids.map(({ rows }) => rows[0].pid)).size).toBe(2);
    await close();
  });

  test('knows what was begun and has not ended, and takes nothing that failed for that', async () => {
    await using database = await createDatabase();
    await using proxy = await startTcpProxy(database.url);
    const { pool, undone, close } = openPool(serverAt(proxy.urlFor(database.url)), { max: 2 });
    expect(undone()).toBeUndefined();
    const [one, other] = [pool.query('SELECT 1'), pool.connect()];
    expect(undone()).toContain('a query was not answered');
    await one;
    const client = await other;
    expect(undone()).toBeUndefined();
    await client.query('BEGIN');
    expect(undone()).toContain('neither committed nor rolled back');
    await client.query('ROLLBACK');
    expect(undone()).toBeUndefined();
    const broken = expect(client.query('SELECT pg_sleep(3600)')).rejects.toThrow();
    expect(undone()).toContain('a query was not answered');
    proxy.cut();
    await broken;
    await vi.waitUntil(() => undone() === undefined);
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    expect(undone()).toBeUndefined();
    await proxy[Symbol.asyncDispose]();
    await expect(pool.query('SELECT 1')).rejects.toThrow();
    await vi.waitUntil(() => undone() === undefined);
    await close();
  });

  test('does not show the password to whoever prints it', async () => {
    const { pool, close } = openPool(serverAt('postgres://user:s3cret@127.0.0.1:1/db'), { max: 2 });
    expect(inspect(pool, { depth: 9 })).not.toContain('s3cret');
    expect(JSON.stringify(pool.options)).not.toContain('s3cret');
    await close();
  });

  test('cancels on the server what an abandoned job left running, directly and behind PgBouncer', async () => {
    await using database = await createDatabase();
    await using pgbouncer = await startPgBouncer(database.url);
    for (const url of [database.url, pgbouncer.url]) {
      const { pool, close } = openPool(serverAt(url), { max: 2 });
      const abandoned = pool.query('SELECT pg_sleep(3600)');
      await vi.waitUntil(async () => (await sleepers(database)) === 1, { timeout: 20_000 });
      await Promise.all([close(), expect(abandoned).rejects.toThrow('canceling statement due to user request')]);
      // The server tells the client first, and everybody else a moment later.
      await vi.waitUntil(async () => (await sleepers(database)) === 0, { timeout: 20_000 });
    }
  });
});

async function sleepers(database: TestDatabase): Promise<number> {
  const [row] = await database.query<{ count: number }>(
    "SELECT count(*)::int AS count FROM pg_stat_activity WHERE state = 'active' AND query = 'SELECT pg_sleep(3600)' AND datname = current_database()",
  );
  return row?.count ?? 0;
}
