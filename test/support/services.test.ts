// The services that the other tests stand on.
import pg from 'pg';
import { expect, inject, test } from 'vitest';
import { createDatabase } from './database.ts';
import { createVhost, isGiven, manage, NOT_OURS, rabbitMq } from './vhost.ts';

test('PostgreSQL is of the version that was asked for', () => {
  expect(inject('postgresMajor')).toBe(Number(process.env.TEST_POSTGRES_VERSION || 18));
});

test('each test gets a database of its own, which is dropped even while somebody is connected', async () => {
  const mine = await createDatabase();
  await using other = await createDatabase();
  await mine.query('create table t (id int)');
  expect(await other.query("select 1 from pg_tables where tablename = 't'")).toEqual([]);

  const guest = await mine.connect();
  const cut = new Promise((resolve) => guest.on('error', resolve));
  await mine[Symbol.asyncDispose]();
  expect(await other.query('select 1 from pg_database where datname = $1', [mine.name])).toEqual([]);
  expect(await cut).toBeInstanceOf(pg.DatabaseError);
});

test('each test gets a virtual host of its own', async ({ skip }) => {
  skip(await isGiven(), NOT_OURS);
  const address = await rabbitMq();
  const vhosts = async () => ((await manage(address, 'GET', 'vhosts')) as { name: string }[]).map(({ name }) => name);
  const mine = await createVhost();
  expect(await vhosts()).toContain(mine.name);
  await mine[Symbol.asyncDispose]();
  expect(await vhosts()).not.toContain(mine.name);
});
