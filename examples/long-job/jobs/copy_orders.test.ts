// Wherever it is killed, it goes on where it was: the test that every resumable job should have. It needs a PostgreSQL of its own, whose
// URL is in TEST_DATABASE_URL.
import test from 'node:test';
import pg from 'pg';
import { runJob } from 'run-job/testing';
import copyOrders from './copy_orders.ts';

const url = process.env.TEST_DATABASE_URL;

test('each order is in the archive once, wherever the job is killed', { skip: !url }, async () => {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query(`CREATE TABLE IF NOT EXISTS orders (id integer PRIMARY KEY, total numeric);
      CREATE TABLE IF NOT EXISTS orders_archive (id integer, total numeric);
      INSERT INTO orders SELECT i, i FROM generate_series(1, 5500) i ON CONFLICT DO NOTHING`);
    await runJob.interrupted(copyOrders, {
      postgres: url ?? '',
      begin: () => client.query('TRUNCATE orders_archive'),
      state: async () => (await client.query('SELECT id FROM orders_archive ORDER BY id')).rows,
    });
  } finally {
    await client.end();
  }
});
