// The runner's Locks in PostgreSQL: advisory locks of one open transaction, on a connection that does nothing else while they are held.
import type { QueryResult } from 'pg';
import { ConfigError } from '../errors.ts';
import type { Shard } from '../job.ts';
import type { Holder, LockResult, Locks } from '../runner/ports.ts';
import { type Connection, openConnection } from './connect.ts';
import { type DecidedFor, lookForCancellation, toDecisions } from './decisions-sql.ts';
import { explain } from './explain.ts';
import { findHolder } from './holder.ts';
import { countKey, nameKey, placeKeys, runKey, shardKey, slotKey } from './keys.ts';
import { HeldLease } from './lease.ts';
import { carryLocks, type Keys, type Taken, takeLocks } from './lock-sql.ts';
import { inTheNameOf, type Server } from './server.ts';
import type { Session } from './session.ts';
import { isConnectionLost } from './sqlstate.ts';

/** How the locks are kept. */
export interface LockOptions {
  /** How often the connection is checked while the locks are held, and how long an answer may take, in milliseconds. */
  readonly checkMs: number;
  /** Whose connection the locks take over, and give back once they are free; each lock opens one of its own unless given. */
  readonly session?: Session;
  /** The newest step of the schema that we know. */
  readonly schemaVersion?: number;
}

/** Makes the keeper of locks. Each lock has a connection to itself for as long as it is held. */
export function createLocks(server: Server, options: LockOptions): Locks {
  const { checkMs, session, schemaVersion = Number.POSITIVE_INFINITY } = options;
  const patienceMs = server.connectTimeoutMs;
  const atRest = (connection: Connection) => (session ? session.adopt(connection) : void connection.close());
  return {
    async acquire({ runId, name, slot, shard, limit, runsAs = name, jobUid }): Promise<LockResult> {
      const keys: Keys = {
        ...workOf(name, slot, shard),
        run: runKey(runId),
        places: placeKeys(limit),
      };
      const attempt = async (connection: Connection): Promise<LockResult> => {
        const answer = await take(
          connection,
          keys,
          { runId, name: runsAs, jobUid, shardIndex: shard.index },
          patienceMs,
        );
        const { taken, breaking } = answer;
        if ((breaking ?? 0) > schemaVersion) throw tooNew(server, breaking ?? 0);
        const decisions = toDecisions(answer);
        if (taken !== 'locked' && taken !== 'limit') {
          const carry = carryLocks({ ...keys, place: BigInt(taken) });
          const look = lookForCancellation(runId);
          return { held: true, decisions, lease: new HeldLease(connection, server, { checkMs, carry, look, atRest }) };
        }
        await connection.ask('ROLLBACK', [], patienceMs);
        const holder = taken === 'locked' ? await whoHolds(connection, keys, patienceMs) : undefined;
        atRest(connection);
        return { held: false, decisions, reason: taken, ...(holder !== undefined && { holder }) };
      };
      // In the run's own name, by which a refused run learns who holds the lock even before there is a record.
      const open = () => openConnection(inTheNameOf({ name, runId }, server));
      return onConnection(session?.handOver(), open, attempt).catch((error) => Promise.reject(explain(error, server)));
    },
  };
}

/**
 * What only one run at a time may do. A run of a slot that others may overlap shares the name's lock, so that it and a run of no slot exclude
 * each other; a shard shares that of the whole, of which it is a part, with its sisters.
 */
function workOf(name: string, slot: Date | undefined, shard: Shard): Pick<Keys, 'work' | 'count'> {
  const parts = shard.count > 1;
  const whole = [
    { key: nameKey(name), shared: parts || slot !== undefined },
    ...(slot === undefined ? [] : [{ key: slotKey(name, slot), shared: parts }]),
  ];
  if (!parts) return { work: whole };
  const of = slot === undefined ? name : `${name} ${slot.toISOString()}`;
  const count = countKey(of, shard.count);
  return { work: [...whole, { key: count, shared: true }, { key: shardKey(of, shard.index), shared: false }], count };
}

/** Does it on the connection that there is already, if any; one that broke since it was opened says nothing about the server. */
async function onConnection<T>(
  ready: Promise<Connection> | undefined,
  open: () => Promise<Connection>,
  attempt: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = await (ready ?? open());
  try {
    return await attempt(connection);
  } catch (error) {
    connection.destroy();
    if (ready === undefined || !isConnectionLost(error)) throw error;
    return onConnection(undefined, open, attempt);
  }
}

async function take(connection: Connection, keys: Keys, decidedFor: DecidedFor, timeoutMs: number): Promise<Taken> {
  // Several statements in one message give an array of results, which the types of node-postgres don't know.
  const answer: unknown = await connection.ask(takeLocks(keys, decidedFor, timeoutMs), [], timeoutMs);
  const [taken, schema] = (answer as QueryResult<Taken>[]).slice(-2);
  return { ...taken?.rows[0], ...schema?.rows[0] } as Taken;
}

/** Who was first. Not to know that is no reason to fail. */
async function whoHolds(connection: Connection, keys: Keys, timeoutMs: number): Promise<Holder | undefined> {
  const contested = keys.work.toReversed().map(({ key }) => key);
  return findHolder(connection, contested, timeoutMs).catch(() => undefined);
}

const tooNew = (server: Server, version: number) =>
  new ConfigError(
    `The schema run_job at ${server.label} has version ${version}, which this version of run-job can't work with: deploy a newer one`,
  );
