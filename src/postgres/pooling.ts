// Finds out whether a pooler stands between us and the server, and how it shares the server's connections.
import { type Connection, openConnection, withConnection } from './connect.ts';
import type { Server } from './server.ts';

/** How connections are shared. In statement mode no transaction, and so no lock, is possible. */
export type Pooling = 'none' | 'session' | 'transaction' | 'statement';

/** How long a pooler may take to find a second connection before we take it that it has only the one that we hold. */
const SECOND_CONNECTION_MS = 2_000;

/**
 * Finds out from the numbers of the server's processes. A pooler makes up the number that it tells at the start; in session mode
 * we keep one process, in transaction mode ours goes to whoever begins a transaction while we are idle.
 * @throws {UnavailableError | ConfigError}
 */
export function detectPooling(server: Server): Promise<Pooling> {
  return withConnection(server, async (first) => {
    const before = await processOf(first);
    // Told by the server when the connection was opened; the types of node-postgres lack it.
    if ((first as unknown as { processID: number }).processID === before) return 'none';
    return withConnection(server, async (second) => {
      try {
        await second.query('BEGIN');
      } catch (error) {
        if (/statement pooling/.test((error as Error).message)) return 'statement';
        throw error;
      }
      const other = await processOf(second);
      if (other === before) return 'transaction';
      const after = await first.ask('SELECT pg_backend_pid() AS pid', [], SECOND_CONNECTION_MS).then(
        ({ rows }) => rows[0]?.pid,
        () => undefined,
      );
      return after === before ? 'session' : 'transaction';
    });
  });
}

/**
 * How many connections a pooler in transaction mode gives to us at once, `wanted` at most. Each is held for a moment.
 * @throws {UnavailableError | ConfigError} it takes no client
 */
export async function countShared(server: Server, wanted: number): Promise<number> {
  const connections = await Promise.all(Array.from({ length: wanted }, () => openConnection(server)));
  const given = await Promise.all(
    connections.map((connection) =>
      connection.ask('BEGIN', [], SECOND_CONNECTION_MS).then(
        () => true,
        () => false,
      ),
    ),
  );
  await Promise.all(
    connections.map(async (connection, index) => {
      // Without it the pooler would hang up on the server.
      if (given[index]) await connection.ask('ROLLBACK', [], SECOND_CONNECTION_MS).catch(() => undefined);
      await connection.close();
    }),
  );
  return given.filter(Boolean).length;
}

async function processOf(connection: Connection): Promise<number | undefined> {
  const { rows } = await connection.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  return rows[0]?.pid;
}
