// Debian's PostgreSQL starts, and has the JIT compiler that the tests want it for.
import pg from 'pg';
import { expect, test } from 'vitest';
import { hasDebianPostgres, startDebianPostgres } from './debian-postgres.ts';

test.skipIf(!hasDebianPostgres())('it is version 15, and compiles expensive plans', async () => {
  await using server = await startDebianPostgres();
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  try {
    const { rows } = await client.query(
      `select current_setting('server_version_num')::int / 10000 as major, pg_jit_available() as jit`,
    );
    expect(rows).toEqual([{ major: 15, jit: true }]);
  } finally {
    await client.end();
  }
});
