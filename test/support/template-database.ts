// The database that every test clones: made and migrated once.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import pg from 'pg';

const ADAPTER = fileURLToPath(new URL('../../src/postgres', import.meta.url));

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
  // TODO static imports, once the adapter is there.
  if (existsSync(`${ADAPTER}/migrate.ts`)) {
    const { migrate } = await import(/* @vite-ignore */ `${ADAPTER}/migrate.ts`);
    const { parseServer } = await import(/* @vite-ignore */ `${ADAPTER}/server.ts`);
    const url = Object.assign(new URL(serverUrl), { pathname: `/${name}` }).href;
    await migrate(parseServer(url, { job: 'tests' }, 10_000));
  }
  return name;
}
