// A host that is cut off from PostgreSQL: nothing of its run works any more when the server frees the lock, whatever is configured.
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDatabase } from '../support/database.ts';
import { openMarks } from '../support/marks.ts';
import { canMakeNetwork, makeNetwork } from '../support/network.ts';
import { type PostgresServer, startPostgres } from '../support/postgres-server.ts';
import { runJob, runToEnd } from '../support/run-job.ts';

const possible = canMakeNetwork();
let server: PostgresServer;

beforeAll(async () => {
  if (!possible) return;
  server = await startPostgres({ settings: { listen_addresses: '0.0.0.0' } });
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  // The server lets in this host alone, unless it is told otherwise.
  const { rows } = await client.query('show hba_file');
  await client.query(`copy (select 'host all all all scram-sha-256') to program 'cat >> ${rows[0].hba_file}'`);
  await client.query('select pg_reload_conf()');
  await client.end();
});
afterAll(() => server?.[Symbol.asyncDispose]());

describe.skipIf(!possible)('cut off, which takes root on Linux to try', () => {
  test.concurrent.for([
    ['ignores', {}],
    ['blocks', {}],
    ['ignores', { WORKER_LOCK_CHECK_SECONDS: '30', WORKER_SHUTDOWN_TIMEOUT_SECONDS: '600' }],
    ['blocks', { WORKER_LOCK_CHECK_SECONDS: '30', WORKER_SHUTDOWN_TIMEOUT_SECONDS: '600' }],
  ] as const)('a job that %s, with %o: dead before its lock is free', { timeout: 120_000 }, async ([way, env]) => {
    await using database = await createDatabase({ serverUrl: server.url, migrated: false });
    await runToEnd(['migrate'], { database });
    await using network = makeNetwork();
    const url = Object.assign(new URL(database.url), { hostname: network.here }).href;
    const marks = openMarks();
    await using run = runJob(marks.args('far', way, 600_000), {
      database: { url },
      through: network.there,
      env: {
        WORKER_CONNECT_TIMEOUT_SECONDS: undefined,
        WORKER_LOCK_CHECK_SECONDS: undefined,
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://${network.here}:4318`,
        ...env,
      },
    });
    await run.waitForLine(({ msg }) => msg === 'marking');
    const client = await database.connect();
    network.cut();
    const died = run.done.then((ended) => ({ ...ended, at: Date.now() }));
    const freedAt = await whenFree(client);
    await client.end();
    const ended = await died;
    expect(ended.summary).toMatchObject({ status: 'unavailable' });
    expect(marks.of('far').last).toBeLessThan(freedAt);
    expect(ended.at).toBeLessThan(freedAt);
  });
});

/** When nobody holds an advisory lock of this database any more, in milliseconds since 1970. */
async function whenFree(client: pg.Client): Promise<number> {
  for (;;) {
    const { rows } = await client.query(
      `select from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())`,
    );
    if (rows.length === 0) return Date.now();
    await new Promise((passed) => setTimeout(passed, 50));
  }
}
