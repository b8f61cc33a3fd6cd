// What only advisory locks in PostgreSQL can promise: what they cost the server, and how their loss is noticed.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createLocks } from '../../src/postgres/locks.ts';
import type { Lease } from '../../src/runner/ports.ts';
import { jobLease, slotOf } from '../contracts/runs.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { startPgBouncer } from '../support/pgbouncer.ts';
import { serverAtHand } from '../support/server-at-hand.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { serverAt } from './server-at.ts';

const HOLDER = fileURLToPath(new URL('fixtures/hold-lock.ts', import.meta.url));

const ADVISORY = `SELECT pid FROM pg_locks WHERE locktype = 'advisory'
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

async function take(url: string, { job = 'report', runId = randomUUID(), checkMs = 500 } = {}): Promise<Lease> {
  const locks = createLocks(serverAt(url), { checkMs });
  return jobLease(await locks.acquire({ runId, ...slotOf(job), limit: 10 }));
}

const isFree = async (url: string): Promise<boolean> => {
  const result = await createLocks(serverAt(url), { checkMs: 500 }).acquire({
    runId: randomUUID(),
    ...slotOf('report'),
    limit: 10,
  });
  if (result.held) await result.lease.release();
  return result.held;
};

/** A process of its own that holds the lock of the job `report`. */
async function holdElsewhere(url: string) {
  const child = spawn(process.execPath, ['--no-warnings', HOLDER, url], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const exited = once(child, 'exit') as Promise<[number | null, string | null]>;
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  expect(line).toBe('held');
  return { child, exited };
}

async function terminateHolder(database: TestDatabase): Promise<void> {
  await database.query(`SELECT pg_terminate_backend(pid) FROM (SELECT DISTINCT pid FROM (${ADVISORY}) l) holder`);
}

test.for(['read committed', 'serializable'])(
  'a held lock holds back neither VACUUM nor transaction ids, where the default isolation is %s',
  async (isolation) => {
    await using database = await createDatabase();
    await database.query(`ALTER DATABASE ${database.name} SET default_transaction_isolation = '${isolation}'`);
    const runId = randomUUID();
    const lease = await take(database.url, { runId });
    const [session] = await database.query(
      `SELECT state, backend_xid, backend_xmin, application_name FROM pg_stat_activity WHERE pid IN (${ADVISORY})`,
    );
    expect(session).toEqual({
      state: 'idle in transaction',
      backend_xid: null,
      backend_xmin: null,
      application_name: `run-job report ${runId}`,
    });
    await lease.release();
  },
);

test('the name of a long job gives way to the id of its run', async () => {
  await using database = await createDatabase();
  const runId = randomUUID();
  const lease = await take(database.url, { runId, job: 'a_job_with_a_name_of_some_length' });
  const [session] = await database.query<{ application_name: string }>(
    `SELECT application_name FROM pg_stat_activity WHERE pid IN (${ADVISORY})`,
  );
  expect(session?.application_name).toBe(`run-job a_job_with_a_name_ ${runId}`);
  await lease.release();
});

test("the server's timeouts for idle sessions and transactions don't end a held lock", async () => {
  await using database = await createDatabase();
  // What an older server doesn't have can't end a lock there.
  const timeouts = [
    { name: 'idle_in_transaction_session_timeout', since: 13 },
    { name: 'idle_session_timeout', since: 14 },
    { name: 'transaction_timeout', since: 17 },
  ].filter(({ since }) => serverAtHand().major >= since);
  for (const { name } of timeouts) {
    await database.query(`ALTER DATABASE ${database.name} SET ${name} = '300ms'`);
  }
  const lease = await take(database.url);
  // Somebody who does nothing to be spared begins after us; when they are thrown out, our time was up as well.
  for (const statement of serverAtHand().major >= 14 ? ['BEGIN', 'SELECT 1'] : ['BEGIN']) {
    const witness = await database.connect();
    // It has two errors to tell: why it was thrown out, and that it was.
    const thrownOut = once(
      witness.on('error', () => {}),
      'error',
    );
    await witness.query(statement);
    await thrownOut;
  }
  expect(await isFree(database.url)).toBe(false);
  await lease.release();
  expect(await isFree(database.url)).toBe(true);
});

test('a lock that an administrator ends is lost, and says so', async () => {
  await using database = await createDatabase();
  const lease = await take(database.url);
  await terminateHolder(database);
  const error = await lease.lost;
  expect(error).toMatchObject({ code: 'ERR_RUN_JOB_UNAVAILABLE' });
  expect(error.message).toMatch(/^the connection to PostgreSQL at 127.0.0.1:\d+\/test_\w+ that held this run's lock/);
  expect(error.message).toContain('was terminated by an administrator, or the server shut down');
  await lease.release();
});

test('a lock whose connection is reset is lost, and says so', async () => {
  await using database = await createDatabase();
  await using proxy = await startTcpProxy(database.url);
  const lease = await take(proxy.urlFor(database.url));
  proxy.cut();
  expect((await lease.lost).message).toMatch(/broke \(ECONNRESET\)|was closed by the other side/);
});

test('a lock whose server falls silent is lost after two checks at the latest, and says so', async () => {
  await using database = await createDatabase();
  await using proxy = await startTcpProxy(database.url);
  const lease = await take(proxy.urlFor(database.url), { checkMs: 200 });
  proxy.silence();
  const since = performance.now();
  expect((await lease.lost).message).toContain('fell silent for 0.2 s');
  expect(performance.now() - since).toBeLessThan(2_000);
  await lease.release();
});

test('an event loop that was blocked for longer than the checks allow does not lose the lock', async () => {
  await using database = await createDatabase();
  // Long enough that a busy machine answers in time, which would be another loss.
  const lease = await take(database.url, { checkMs: 500 });
  // Blocks after the first check has asked, so that its time is up before its answer can be read.
  const { query } = pg.Client.prototype;
  const blocked = new Promise((resolve) => {
    vi.spyOn(pg.Client.prototype, 'query').mockImplementationOnce(function (this: pg.Client, ...args: unknown[]) {
      const answer = Reflect.apply(query, this, args);
      setImmediate(() => {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 700);
        resolve(answer);
      });
      return answer;
    });
  });
  await blocked;
  vi.restoreAllMocks();
  expect(await Promise.race([lease.lost, 'held'])).toBe('held');
  expect(await isFree(database.url)).toBe(false);
  await lease.release();
});

test('a lock is free at once when its process is killed', async () => {
  await using database = await createDatabase();
  const { child, exited } = await holdElsewhere(`${database.url}`);
  expect(await isFree(database.url)).toBe(false);
  child.kill('SIGKILL');
  await exited;
  await expect.poll(() => isFree(database.url), { interval: 10, timeout: 5_000 }).toBe(true);
});

test('a held lock does not keep a process alive that has nothing left to do', async () => {
  await using database = await createDatabase();
  const { child, exited } = await holdElsewhere(database.url);
  child.stdin.end();
  expect(await exited).toEqual([0, null]);
});

test('through PgBouncer in transaction mode no lock stays behind on a connection to the server', async () => {
  await using database = await createDatabase();
  await using pooler = await startPgBouncer(database.url, { poolSize: 4 });
  const lease = await take(pooler.url);
  const { child, exited } = await holdElsewhere(`${pooler.url}?job=killed`);
  await lease.release();
  child.kill('SIGKILL');
  await exited;
  await expect.poll(() => database.query(ADVISORY), { interval: 10, timeout: 5_000 }).toEqual([]);
  // The pooler's own connections to the server are still there, for the next client.
  const idle = await database.query(
    `SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'idle'`,
  );
  expect(idle.length).toBeGreaterThan(0);
  expect(await isFree(pooler.url)).toBe(true);
});

test("a session's settings do not leak to the next client of a pooler", async () => {
  await using database = await createDatabase();
  await using pooler = await startPgBouncer(database.url, { poolSize: 1 });
  const lease = await take(pooler.url);
  await lease.release();
  const client = new pg.Client(pooler.url);
  await client.connect();
  const { rows } = await client.query(`SELECT current_setting('tcp_user_timeout') AS tcp_user_timeout`);
  await client.end();
  expect(rows).toEqual([{ tcp_user_timeout: '0' }]);
});
