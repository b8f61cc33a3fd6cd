// The contracts of the ports, held to PostgreSQL itself and to a real pooler in front of it.
import { afterAll, beforeAll, describe } from 'vitest';
import { historyContract } from '../contracts/history.ts';
import { locksContract } from '../contracts/locks.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { type PgBouncer, startPgBouncer } from '../support/pgbouncer.ts';
import { adapterOf } from './support.ts';

let database: TestDatabase;
let pooler: PgBouncer;
beforeAll(async () => {
  database = await createDatabase();
  pooler = await startPgBouncer(database.url);
});
afterAll(async () => {
  await pooler[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

describe.for([
  ['PostgreSQL', () => database.url],
  ['PgBouncer in transaction mode', () => pooler.url],
] as const)('%s', ([_, url]) => {
  locksContract(async () => adapterOf(database, url()));

  historyContract(async () => {
    await database.query('TRUNCATE run_job.runs');
    return {
      ...adapterOf(database, url()),
      async read(id) {
        const [row] = await database.query<{
          status: string;
          exit_code: number | null;
          reason: string | null;
          result: unknown;
        }>('SELECT status, exit_code, reason, result FROM run_job.runs WHERE id = $1', [id]);
        return row && { status: row.status, exitCode: row.exit_code, reason: row.reason, result: row.result };
      },
    };
  });
});
