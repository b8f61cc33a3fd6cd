// One transaction on a connection of the pool, with the limits that keep it from hurting others.
import type { ClientBase, Pool, QueryResult } from 'pg';

/** Limits of one transaction's statements, in milliseconds. */
export interface Limits {
  readonly lockTimeoutMs: number;
  readonly statementTimeoutMs: number;
  /** Whether row-level policies apply. Where they don't, PostgreSQL raises an error rather than hide rows. */
  readonly rowSecurity: boolean;
  readonly readOnly?: boolean;
  /**
   * Whether statements look rows up one by one, by ctid or by index. The planner would otherwise scan a whole table in the hope of
   * meeting the first of many matching rows soon, and for a row that nobody refers to there is none. What scans a whole table does so
   * on one core: the others are for those who have work to do.
   */
  readonly seek?: boolean;
  /** Is told the number of the next transaction id, as the transaction begins. */
  readonly onBegin?: (nextXid: bigint) => void;
}

/** Thrown by the body to undo the transaction; `transaction` then returns the value. */
class Undo {
  readonly value: unknown;
  constructor(value: unknown) {
    this.value = value;
  }
}

/** Ends the transaction without its changes; it returns `value` all the same. */
export function undo(value: unknown): never {
  throw new Undo(value);
}

/**
 * Runs `body` in a transaction and commits it. READ COMMITTED, whatever the role's default: each statement sees what others have
 * committed, and a row that somebody changed meanwhile is looked at again under its lock. SET LOCAL: through a pooler the next
 * transaction on the same server connection is somebody else's.
 */
export async function transaction<T>(pool: Pool, limits: Limits, body: (client: ClientBase) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    const begun = await client.query(
      `begin isolation level read committed${limits.readOnly ? ' read only' : ''};
       set local lock_timeout = ${Math.ceil(limits.lockTimeoutMs)};
       set local statement_timeout = ${Math.ceil(limits.statementTimeoutMs)};
       set local jit = off;
       set local row_security = ${limits.rowSecurity ? 'on' : 'off'}
       ${limits.seek ? '; set local enable_seqscan = off' : '; set local max_parallel_workers_per_gather = 0'};
       select pg_snapshot_xmax(pg_current_snapshot())::text as xid`,
    );
    // node-postgres gives one result for each statement of such a text.
    const results = begun as unknown as QueryResult<{ xid: string }>[];
    limits.onBegin?.(BigInt(results.at(-1)?.rows[0]?.xid ?? 0));
    const result = await body(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch((cause: unknown) => {
      broken = cause instanceof Error ? cause : new Error('rollback failed');
    });
    if (error instanceof Undo) return error.value as T;
    throw error;
  } finally {
    client.release(broken);
  }
}

/** The number that the next transaction that writes gets. */
export async function nextXid(pool: Pool): Promise<bigint> {
  const { rows } = await pool.query<{ xid: string }>('select pg_snapshot_xmax(pg_current_snapshot())::text as xid');
  return BigInt(rows[0]?.xid ?? 0);
}
