// Makes a standby of a server: read-only, and without knowledge of who holds which lock. No vitest in here.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import type { PostgresServer } from './postgres-server.ts';

/** Starts the server anew as a standby that waits for a primary; it keeps its data. */
export async function becomeStandby(server: PostgresServer): Promise<void> {
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  const { rows } = await client.query<{ data_directory: string }>('SHOW data_directory');
  await client.end();
  await server.stop();
  writeFileSync(join(rows[0]?.data_directory ?? '', 'standby.signal'), '');
  await server.start();
}
