// Whoever looks into a large history goes through its indexes; `npm run bench -- history` measures it with 5,000,000 records.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Connection, openConnection } from '../../src/postgres/connect.ts';
import { findRuns, listRuns } from '../../src/postgres/records.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { plansOf } from '../support/plans.ts';
import { serverAt } from './server-at.ts';

let database: TestDatabase;
let connection: Connection;

beforeAll(async () => {
  database = await createDatabase();
  await database.query(`alter table run_job.runs disable trigger user`);
  await database.query(
    `insert into run_job.runs (id, job, name, params_digest, scheduled_at, shard_index, shard_count, status, exit_code, attempts,
       started_at, ended_at, duration_ms, params, dry_run, forced, version, host, pid, lock_key, fence)
     select gen_random_uuid(), 'job', 'job_' || n % 50, 'd', now() - n * interval '1 minute', 0, 1,
       case when n % 20 = 3 then 'failed' else 'succeeded' end, case when n % 20 = 3 then 1 else 0 end, 1,
       now() - n * interval '1 minute', now() - n * interval '1 minute', 5, '{}', false, false, '1', 'host', 7, n, n
     from generate_series(1, 30000) as n`,
  );
  await database.query('analyze run_job.runs');
  connection = await openConnection(serverAt(database.url));
});
afterAll(async () => {
  await connection?.close();
  await database?.[Symbol.asyncDispose]();
});

test.each<[string, (on: Connection) => Promise<unknown>]>([
  ['history', (on) => listRuns(on, { limit: 20 })],
  ['history of a name', (on) => listRuns(on, { names: ['job_7'], limit: 20 })],
  ['history of what failed', (on) => listRuns(on, { statuses: ['failed'], limit: 20 })],
  ['history of a name that was lost', (on) => listRuns(on, { names: ['job_7'], statuses: ['lost'], limit: 20 })],
  ['show by the end of an id', (on) => findRuns(on, '0123abcd')],
  ['show by its beginning', (on) => findRuns(on, '0197')],
])('%s reads no whole table', async (_, ask) => {
  const plans = await plansOf(connection, () => ask(connection));
  expect(plans.join('\n')).toMatch(/Index/);
  for (const plan of plans) expect(plan).not.toContain('Seq Scan on runs');
});
