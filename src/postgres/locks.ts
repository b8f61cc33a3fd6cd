// The runner's Locks in PostgreSQL: advisory locks of one open transaction on a connection of its own.
import type { QueryResult } from 'pg';
import type { Closable, Holder, LockResult, Locks } from '../runner/ports.ts';
import { type Connection, openConnection } from './connect.ts';
import { explain } from './explain.ts';
import { findHolder } from './holder.ts';
import { countKey, nameKey, placeKeys, runKey, shardKey } from './keys.ts';
import { HeldLease } from './lease.ts';
import { type Keys, type Taken, takeLocks } from './lock-sql.ts';
import { type Client, inTheNameOf, type Server } from './server.ts';

/** How the locks are kept. */
export interface LockOptions {
  /** How often the connection is checked while the locks are held, and how long an answer may take, in milliseconds. */
  readonly checkMs: number;
  /** Begin to connect at once, for the first lock that will be asked for. */
  readonly warm?: boolean;
}

/** Makes the keeper of locks. Each lock has a connection of its own. */
export function createLocks(server: Server, options: LockOptions): Locks & Closable {
  let early = options.warm ? openConnection(server) : undefined;
  // A failure is told by whoever asks for the lock.
  early?.catch(() => {});
  const connect = (client: Client) => {
    const opened = early ?? openConnection(inTheNameOf(client, server));
    early = undefined;
    return opened;
  };
  return {
    async close() {
      await early?.then((unused) => unused.close()).catch(() => {});
    },

    async acquire({ runId, name, shard, limit }): Promise<LockResult> {
      const keys: Keys = {
        name: nameKey(name),
        ...(shard.count > 1 && { shard: { index: shardKey(name, shard.index), count: countKey(name, shard.count) } }),
        run: runKey(runId),
        places: placeKeys(limit),
      };
      // In the run's own name, by which a refused run learns who holds the lock even before there is a record.
      const connection = await connect({ name, runId });
      try {
        const taken = await take(connection, keys, server.connectTimeoutMs);
        if (taken === 'held') return { held: true, lease: new HeldLease(connection, server, options.checkMs) };
        const holder = taken === 'locked' ? await whoHolds(connection, keys, server.connectTimeoutMs) : undefined;
        await connection.close();
        return { held: false, reason: taken, ...(holder !== undefined && { holder }) };
      } catch (error) {
        connection.destroy();
        throw explain(error, server);
      }
    },
  };
}

async function take(connection: Connection, keys: Keys, timeoutMs: number): Promise<Taken> {
  // Several statements in one message give an array of results, which the types of node-postgres don't know.
  const results = (await connection.ask(takeLocks(keys), [], timeoutMs)) as unknown as QueryResult<{ taken: Taken }>[];
  const taken = results.at(-1)?.rows[0]?.taken;
  if (taken === undefined) throw new Error('PostgreSQL gave no answer to the statement that takes the locks.');
  return taken;
}

/** Frees what the refused attempt took, and asks who was first. Not to know that is no reason to fail. */
async function whoHolds(connection: Connection, keys: Keys, timeoutMs: number): Promise<Holder | undefined> {
  await connection.ask('ROLLBACK', [], timeoutMs);
  const contested = keys.shard === undefined ? [keys.name] : [keys.shard.index, keys.name];
  return findHolder(connection, contested, timeoutMs).catch(() => undefined);
}
