// A database of a test's own, on the suite's PostgreSQL server.
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { serverAtHand } from './server-at-hand.ts';

/** A database that is dropped when it is disposed of, whoever is still connected to it. */
export interface TestDatabase extends AsyncDisposable {
  readonly name: string;
  /** As the server's superuser. */
  readonly url: string;
  /** One query on a connection of its own; returns the rows. */
  query<Row extends pg.QueryResultRow>(sql: string, values?: unknown[]): Promise<Row[]>;
  /** A client, connected to it, that the caller ends. */
  connect(): Promise<pg.Client>;
}

/** What a test's database starts with. */
export interface DatabaseOptions {
  /** `false` for a database in which `run-job migrate` has never run. */
  readonly migrated?: boolean;
  /** Its encoding, in which there is no database to copy: it isn't migrated. UTF-8 unless said. */
  readonly encoding?: string;
  /** The server, as its superuser; the suite's unless said. */
  readonly serverUrl?: string;
}

/** Creates a database for one test, with the `run_job` schema migrated unless said. Takes some 50 ms. */
export async function createDatabase(options: DatabaseOptions = {}): Promise<TestDatabase> {
  const { encoding, migrated = encoding === undefined, serverUrl = serverAtHand().url } = options;
  const name = `test_${randomBytes(6).toString('hex')}`;
  const template = migrated ? inject('postgresTemplate') : 'template0';
  const encoded = encoding === undefined ? '' : ` encoding '${encoding}' lc_collate 'C' lc_ctype 'C'`;
  await withClient(serverUrl, (client) => client.query(`create database ${name} template ${template}${encoded}`));
  const url = Object.assign(new URL(serverUrl), { pathname: `/${name}` }).href;
  return {
    name,
    url,
    query: (sql, values) => withClient(url, async (client) => (await client.query(sql, values)).rows),
    connect: () => connect(url),
    async [Symbol.asyncDispose]() {
      await withClient(serverUrl, (client) => client.query(`drop database if exists ${name} with (force)`));
    },
  };
}

async function connect(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString });
  // Servers are stopped and databases dropped while connections are open; a query that this ends fails.
  client.on('error', () => {});
  await client.connect();
  return client;
}

async function withClient<T>(connectionString: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = await connect(connectionString);
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}
