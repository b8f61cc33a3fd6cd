// A real streaming replica: it can't be cleaned, and the job rests when it can't keep up.
import { chmodSync, chownSync, cpSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hasCode } from '../../../src/errors.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres-server.ts';
import { daysAgo, type Line, runCleanup } from './support.ts';

const opened = new AsyncDisposableStack();
let primary: PostgresServer;
let replica: PostgresServer;

beforeAll(async () => {
  primary = opened.use(await startPostgres());
  const { password } = new URL(primary.url);
  const primary_conninfo = `host=127.0.0.1 port=${primary.port} user=postgres password=${password}`;
  replica = opened.use(await startPostgres({ settings: { primary_conninfo, wal_receiver_status_interval: 1 } }));
  // The replica begins as a copy of the primary's files, taken while nobody writes.
  const [from, to] = [await dataFolder(primary), await dataFolder(replica)];
  await Promise.all([primary.stop(), replica.stop()]);
  rmSync(to, { recursive: true });
  cpSync(from, to, { recursive: true, preserveTimestamps: true });
  writeFileSync(join(to, 'standby.signal'), '');
  giveTo(from, to);
  await primary.start();
  await replica.start();
  await ask(primary, `create table item (id int primary key, deleted_at timestamptz)`);
  await ask(primary, `insert into item select i, ${daysAgo(100)} from generate_series(1, 2000) i`);
});

afterAll(() => opened.disposeAsync());

test('a cleanup of a replica ends before it begins, and says where to point it', async () => {
  await caughtUp();
  const error = await runCleanup(replica.url).catch((thrown: unknown) => thrown);
  expect(hasCode(error, 'ERR_RUN_JOB_CONFIG')).toBe(true);
  expect((error as Error).message).toMatch(/DATABASE_URL points at a read-only replica; point it at the primary/);
});

test('a dry run only reads, so that the job itself would do on a replica', async () => {
  expect((await runCleanup(replica.url, { dryRun: true })).totals).toMatchObject({ matched: 2_000, deleted: 0 });
});

test('the job rests while a replica is too far behind, and goes on once it has caught up', async () => {
  await ask(replica, 'select pg_wal_replay_pause()');
  await ask(primary, 'insert into item select i, null from generate_series(10001, 10100) i');
  // Until the lag that is measured exceeds what is allowed.
  await until(async () => (await ask(primary, LAG))[0]?.lag > 100);
  const lines: Line[] = [];
  const run = runCleanup(primary.url, { lines, params: { maxReplicationLag: '100ms' } });
  await until(async () => lines.some((line) => line.message.startsWith('resting')));
  expect(await ask(primary, 'select from item where deleted_at is not null')).toHaveLength(2_000);
  await ask(replica, 'select pg_wal_replay_resume()');
  expect((await run).totals.deleted).toBe(2_000);
});

test('a role that cannot see how far replicas are is told that the parameter has no effect', async () => {
  await ask(
    primary,
    `create role blind login password 'secret'; grant select, update, delete on item to blind;
     insert into item select i, ${daysAgo(100)} from generate_series(1, 5) i`,
  );
  const url = Object.assign(new URL(primary.url), { username: 'blind', password: 'secret' }).href;
  const warnings = async () => {
    const lines: Line[] = [];
    await runCleanup(url, { lines, params: { maxReplicationLag: '10s' } });
    return lines.filter(({ level }) => level === 'warn').map(({ message }) => message);
  };
  expect(await warnings()).toEqual([
    expect.stringMatching(/maxReplicationLag has no effect.*GRANT pg_monitor TO "blind"/),
  ]);
  await ask(
    primary,
    `grant pg_monitor to blind; insert into item select i, ${daysAgo(100)} from generate_series(1, 5) i`,
  );
  expect(await warnings()).toEqual([]);
});

const LAG = 'select extract(epoch from max(replay_lag)) * 1000 as lag from pg_stat_replication';

async function dataFolder(server: PostgresServer): Promise<string> {
  return (await ask(server, 'show data_directory'))[0]?.data_directory;
}

/** As root the servers run as somebody else, to whom the copies must belong. */
function giveTo(from: string, to: string): void {
  const { uid, gid, mode } = statSync(from);
  chmodSync(to, mode);
  for (const path of [to, ...readdirSync(to, { recursive: true }).map((name) => join(to, String(name)))]) {
    chownSync(path, uid, gid);
  }
}

async function caughtUp(): Promise<void> {
  await until(async () => {
    const rows = await ask(replica, `select to_regclass('item') is not null as there`);
    return rows[0]?.there && (await ask(replica, 'select from item')).length >= 2_000;
  });
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(20);
}

// biome-ignore lint/suspicious/noExplicitAny: rows of any query.
async function ask(server: PostgresServer, sql: string): Promise<any[]> {
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}
