// The pool that a job is given, and its end: what the job left running on the server is cancelled there, not only abandoned here.
import { once } from 'node:events';
import { connect } from 'node:net';
import { Pool, type PoolClient, type PoolConfig } from 'pg';
import type { Closable } from '../runner/ports.ts';
import { Connection } from './connect.ts';
import type { Server } from './server.ts';

/** How long telling the server to cancel may take. */
const CANCEL_TIMEOUT_MS = 1_000;

/** "Cancel request" in the frontend/backend protocol: https://www.postgresql.org/docs/current/protocol-message-formats.html */
const CANCEL_REQUEST = 80877102;

/** A job's pool, which closes even when the job holds on to its connections. */
export interface JobPool extends Closable {
  readonly pool: Pool;
}

/**
 * Makes the pool. Connects when first used; idle connections don't keep the process alive.
 * Waiting for a free connection isn't bounded: a job with many queries at once may queue for its own pool.
 */
export function openPool(server: Server, options: { max: number }): JobPool {
  class PooledConnection extends Connection {
    constructor() {
      super(server);
    }
  }
  const config: PoolConfig = { max: options.max, allowExitOnIdle: true, Client: PooledConnection };
  const pool = new Pool(config);
  // As for a single connection: one that breaks while idle in the pool must not be an uncaught exception. The pool
  // has dropped it by now and opens another when asked.
  pool.on('error', () => {});
  const busy = new Set<PoolClient>();
  pool.on('acquire', (client) => busy.add(client));
  pool.on('release', (_, client) => busy.delete(client));
  pool.on('remove', (client) => busy.delete(client));
  return {
    pool,
    async close() {
      const ended = pool.end();
      if (busy.size === 0) return ended;
      // Its job was abandoned: nobody will give these back, and the server would go on with a query that nobody waits for.
      ended.catch(() => {});
      await Promise.all([...busy].map((client) => cancel(server, client)));
    },
  };
}

/** Asks the server to cancel what runs on a connection. PgBouncer passes it on, which it can't with `pg_cancel_backend`. */
async function cancel({ config }: Server, client: PoolClient): Promise<void> {
  const { processID, secretKey } = client as PoolClient & { processID: number | null; secretKey: number | null };
  if (processID === null || secretKey === null) return;
  const message = Buffer.alloc(16);
  message.writeInt32BE(16, 0);
  message.writeInt32BE(CANCEL_REQUEST, 4);
  message.writeInt32BE(processID, 8);
  message.writeInt32BE(secretKey, 12);
  const port = config.port ?? 5432;
  const host = config.host ?? 'localhost';
  const socket = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host);
  // Not `end`: PgBouncer forgets the request of a client that is gone. The server hangs up when it has done it.
  socket
    .on('error', () => {})
    .resume()
    .write(message);
  const limit = setTimeout(() => socket.destroy(), CANCEL_TIMEOUT_MS);
  await once(socket, 'close');
  clearTimeout(limit);
}
