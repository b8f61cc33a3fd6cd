// The database that every test clones: made and migrated once.
import pg from 'pg';
import { migrate } from '../../src/postgres/migrate.ts';
import { parseServer } from '../../src/postgres/server.ts';

/** Creates the template on this server and migrates `run_job` in it; returns its name. */
export async function createTemplate(serverUrl: string): Promise<string> {
  const name = 'run_job_template';
  const client = new pg.Client({ connectionString: serverUrl });
  await client.connect();
  try {
    await client.query(`create database ${name}`);
  } finally {
    await client.end();
  }
  const url = Object.assign(new URL(serverUrl), { pathname: `/${name}` }).href;
  await migrate(parseServer(url, { name: 'tests' }, 10_000));
  return name;
}
