// One transaction on a connection of the pool, with the limits that keep it from hurting others.
import type { ClientBase, Pool, PoolClient, QueryResult } from 'pg';
import { ConfigError } from '../../errors.ts';

/** Limits of one transaction's statements, in milliseconds. */
export interface Limits {
  readonly lockTimeoutMs: number;
  readonly statementTimeoutMs: number;
  /** Whether row-level policies apply. Where they don't, PostgreSQL raises an error rather than hide rows. */
  readonly rowSecurity: boolean;
  readonly readOnly?: boolean;
  /**
   * Whether statements look rows up one by one, by ctid or by index. The planner would otherwise scan a whole table in the hope of
   * meeting the first of many matching rows soon, and for a row that nobody refers to there is none.
   */
  readonly seek?: boolean;
  /** Whether statements join whole sets of rows: however few the statistics promise, to join them row by row may take forever. */
  readonly hash?: boolean;
  /** How often the server looks whether we are still there, where it can; a statement of a process that was killed ends then. */
  readonly clientCheckMs?: number | undefined;
  /** When it aborts, the server cancels the statement: it would otherwise work on for nobody. */
  readonly cancelOn?: AbortSignal | undefined;
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
 * @throws the reason of `cancelOn`, when it aborts
 * @throws {ConfigError} foreign keys and triggers are off for the session
 */
export async function transaction<T>(pool: Pool, limits: Limits, body: (client: ClientBase) => Promise<T>): Promise<T> {
  limits.cancelOn?.throwIfAborted();
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    const { pid, xid } = await begin(client, limits);
    limits.onBegin?.(BigInt(xid));
    using _ = cancelOnAbort(pool, pid, limits.cancelOn);
    const result = await body(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch((cause: unknown) => {
      broken = cause instanceof Error ? cause : new Error('rollback failed');
    });
    if (error instanceof Undo) return error.value as T;
    limits.cancelOn?.throwIfAborted();
    throw explained(error);
  } finally {
    client.release(broken);
  }
}

/** Raises an error where foreign keys and triggers are off; a pooler may hand on a connection for which they were switched off. */
const CHECK_ROLE =
  "case current_setting('session_replication_role') when 'replica' then current_setting('run_job.origin') end";

/** The error as an operator understands it. */
function explained(error: unknown): unknown {
  if (!String((error as Error | undefined)?.message).includes('run_job.origin')) return error;
  return new ConfigError(
    'session_replication_role is replica, so PostgreSQL would check no foreign key and fire no trigger; ' +
      'take it from the role or the database (ALTER ROLE … RESET session_replication_role)',
    { cause: error },
  );
}

/**
 * Runs statements that have no values in a transaction, all in one round trip; returns the result of each. It isn't cancelled when
 * `cancelOn` aborts: it is for what doesn't last.
 */
export async function inOneTrip(pool: Pool, limits: Limits, statements: readonly string[]): Promise<QueryResult[]> {
  limits.cancelOn?.throwIfAborted();
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    const text = [...beginning(limits), ...statements, 'commit'].join(';\n');
    // node-postgres gives one result for each statement of such a text.
    const results = (await client.query(text)) as unknown as QueryResult[];
    const own = results.slice(-1 - statements.length, -1);
    const begun = results.at(-2 - statements.length) as QueryResult<{ xid: string }>;
    limits.onBegin?.(BigInt(begun.rows[0]?.xid ?? 0));
    return own;
  } catch (error) {
    await client.query('rollback').catch((cause: unknown) => {
      broken = cause instanceof Error ? cause : new Error('rollback failed');
    });
    throw explained(error);
  } finally {
    client.release(broken);
  }
}

async function begin(client: PoolClient, limits: Limits): Promise<{ pid: number; xid: string }> {
  const begun = await client.query(beginning(limits).join(';\n'));
  const results = begun as unknown as QueryResult<{ pid: number; xid: string }>[];
  return results.at(-1)?.rows[0] ?? { pid: 0, xid: '0' };
}

/** The statements that begin a transaction; the last tells its backend and the next transaction id. */
const beginning = (limits: Limits): string[] => [
  `begin isolation level read committed${limits.readOnly ? ' read only' : ''}`,
  ...settingsOf(limits).map(([name, value]) => `set local ${name} = ${value}`),
  `select pg_backend_pid() as pid, pg_snapshot_xmax(pg_current_snapshot())::text as xid, ${CHECK_ROLE}`,
];

/**
 * JIT: to compile a statement that looks at many keys takes longer and more memory than the statement, and can't be cancelled; the
 * checks of foreign keys, which run under our settings, would be compiled as well. work_mem: whatever the role has, what a hash or
 * sort doesn't find room for goes to disk. Workers would each take so much; other cores are for those who have work to do.
 */
function settingsOf(limits: Limits): [name: string, value: string | number][] {
  return [
    ['jit', 'off'],
    ['work_mem', "'16MB'"],
    ['max_parallel_workers_per_gather', 0],
    ['lock_timeout', Math.ceil(limits.lockTimeoutMs)],
    ['statement_timeout', Math.ceil(limits.statementTimeoutMs)],
    ['row_security', limits.rowSecurity ? 'on' : 'off'],
    ...(limits.seek ? [['enable_seqscan', 'off'] satisfies [string, string]] : []),
    ...(limits.hash ? [['enable_nestloop', 'off'] satisfies [string, string]] : []),
    ...(limits.clientCheckMs === undefined
      ? []
      : [['client_connection_check_interval', limits.clientCheckMs] satisfies [string, number]]),
  ];
}

/** Has the server cancel what this connection is doing when the signal aborts, until it is disposed of. */
function cancelOnAbort(pool: Pool, pid: number, signal: AbortSignal | undefined): Disposable {
  const cancel = () => void pool.query('select pg_cancel_backend($1)', [pid]).catch(() => undefined);
  if (signal?.aborted) cancel();
  signal?.addEventListener('abort', cancel, { once: true });
  return { [Symbol.dispose]: () => signal?.removeEventListener('abort', cancel) };
}

/** The number that the next transaction that writes gets. */
export async function nextXid(pool: Pool): Promise<bigint> {
  const { rows } = await pool.query<{ xid: string }>('select pg_snapshot_xmax(pg_current_snapshot())::text as xid');
  return BigInt(rows[0]?.xid ?? 0);
}
