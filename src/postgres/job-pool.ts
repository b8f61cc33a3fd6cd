// The pool that a job is given, and its end: what the job left running on the server is cancelled there, not only abandoned here.
import { Pool, type PoolClient, type PoolConfig } from 'pg';
import type { Logger, PostgresPool } from '../job.ts';
import type { Closable } from '../runner/ports.ts';
import { cancelStatement } from './cancel.ts';
import { Connection } from './connect.ts';
import { misreading, readTruly, setLocally } from './reading.ts';
import type { Server } from './server.ts';
import { withTransactions } from './transaction.ts';

/** A job's pool, which closes even when the job holds on to its connections. */
export interface JobPool extends Closable {
  readonly pool: PostgresPool;
  /** What the job has begun and not ended; undefined when there is nothing. */
  undone(): string | undefined;
}

/**
 * Makes the pool. Connects when first used; idle connections don't keep the process alive.
 * Waiting for a free connection isn't bounded: a job with many queries at once may queue for its own pool.
 */
export function openPool(server: Server, { max, log }: { max: number; log?: Logger }): JobPool {
  const needed = new WeakMap<object, string[]>();
  /** Somebody has asked for these, and waits. */
  const opening = new Set<object>();
  let warned = false;
  class PooledConnection extends Connection {
    constructor() {
      super(server);
      opening.add(this);
      this.once('end', () => opening.delete(this));
    }

    protected override async adjust(timeoutMs: number): Promise<void> {
      await super.adjust(timeoutMs);
      const wrong = await readTruly(this, timeoutMs);
      needed.set(this, setLocally(wrong));
      if (wrong.length > 0 && !warned) log?.warn(misreading(wrong));
      warned ||= wrong.length > 0;
      opening.delete(this);
    }
  }
  const config: PoolConfig = { max, allowExitOnIdle: true, Client: PooledConnection };
  const pool = withTransactions(new Pool(config), (client) => needed.get(client) ?? []);
  // As for a single connection: one that breaks while idle in the pool must not be an uncaught exception. The pool
  // has dropped it by now and opens another when asked.
  pool.on('error', () => {});
  const busy = new Set<PoolClient>();
  const connected = new Set<object>();
  pool.on('connect', (client) => {
    connected.add(client);
    // What it was asked has failed, and whoever asked has heard of it.
    client.once('end', () => connected.delete(client));
  });
  pool.on('acquire', (client) => busy.add(client));
  pool.on('release', (_, client) => busy.delete(client));
  pool.on('remove', (client) => {
    busy.delete(client);
    connected.delete(client);
  });
  return {
    pool,
    undone() {
      const clients = [...connected] as PooledConnection[];
      if (pool.waitingCount > 0 || opening.size > 0 || clients.some((client) => client.isAsked))
        return 'a query was not answered by PostgreSQL';
      if (clients.some((client) => client.getTransactionStatus() !== 'I'))
        return 'a transaction in PostgreSQL was neither committed nor rolled back';
      return undefined;
    },
    async close() {
      const ended = pool.end();
      if (busy.size === 0) return ended;
      // Its job was abandoned: nobody will give these back, and the server would go on with a query that nobody waits for.
      ended.catch(() => {});
      await Promise.all([...busy].map(cancelStatement));
    },
  };
}
