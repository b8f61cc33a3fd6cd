// The job's transactions: those of the contract, with what this job needs of each.
import type { QueryResult } from 'pg';
import { ConfigError } from '../../errors.ts';
import type { Transaction, TransactionOptions } from '../../job.ts';
import type { Ctx } from './model.ts';
import type { Traffic } from './traffic.ts';

/** What one transaction of the job is told beside what all are. */
export interface Limits {
  readonly lockTimeoutMs: number;
  readonly statementTimeoutMs: number;
  /** Whether row-level policies apply. Where they don't, PostgreSQL raises an error rather than hide rows. */
  readonly rowSecurity: boolean;
  readonly readOnly?: boolean;
  /** How often the server looks whether we are still there, where it can; a statement of a process that was killed ends then. */
  readonly clientCheckMs?: number | undefined;
  /** Whether the server has a limit of its own for transactions, which is lifted: each statement of the job has one. */
  readonly transactionTimeout?: boolean;
}

/** What the planner is told of a statement. */
export interface Planning {
  /**
   * Whether statements look rows up one by one, by ctid or by index. The planner would otherwise scan a whole table in the hope of
   * meeting the first of many matching rows soon, and for a row that nobody refers to there is none.
   */
  readonly seek?: boolean;
  /** Whether statements join whole sets of rows: however few the statistics promise, to join them row by row may take forever. */
  readonly hash?: boolean;
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
 * committed, and a row that somebody changed meanwhile is looked at again under its lock.
 * @throws the reason of the run's signal, when it aborts; the statement is then cancelled on the server
 * @throws {ConfigError} foreign keys and triggers are off for the session, as `watched` has found
 */
export async function transaction<T>(
  { postgres, signal }: Ctx,
  limits: Limits & Planning,
  body: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  try {
    return await postgres.transaction(signal, optionsOf(limits), body);
  } catch (error) {
    if (error instanceof Undo) return error.value as T;
    throw explained(error);
  }
}

/** A statement, and what the planner is told of it. */
export interface Planned {
  readonly text: string;
  readonly planning: Planning;
}

/** Runs statements that have no values in a transaction, all in one round trip; returns the result of each. */
export async function inOneTrip(
  { postgres, signal }: Ctx,
  limits: Limits,
  traffic: Traffic,
  statements: readonly Planned[],
): Promise<QueryResult[]> {
  const [{ planning = {} } = {}] = statements;
  try {
    const texts = [LOOK, ...eachAsPlanned(statements)];
    const [first, ...results] = await postgres.batch(signal, optionsOf({ ...limits, ...planning }), texts);
    traffic.see(BigInt(first?.rows[0].xid));
    return results.filter(({ command }) => command !== 'SET');
  } catch (error) {
    throw explained(error);
  }
}

/** The texts of statements; each after the settings that its plan takes, where they aren't the same for all and left alone by all. */
function eachAsPlanned(statements: readonly Planned[]): string[] {
  const usual = statements.length === 1 || statements.every(({ planning: { seek, hash } }) => !seek && !hash);
  return statements.flatMap(({ text, planning }) => (usual ? [text] : [...planningSettings(planning), text]));
}

const planningSettings = ({ seek, hash }: Planning): string[] => [
  `SET LOCAL enable_seqscan TO ${seek ? 'off' : 'DEFAULT'}`,
  `SET LOCAL enable_nestloop TO ${hash ? 'off' : 'DEFAULT'}`,
];

/** The first statements of a transaction that writes, which have no values: in the same round trip, looks who else writes. */
export async function watched(
  transaction: Transaction,
  traffic: Traffic,
  ...statements: readonly string[]
): Promise<QueryResult[]> {
  // node-postgres gives a result for each statement of such a text.
  const answer = await transaction.query([LOOK, ...statements].join(';\n'));
  const [look, ...results] = answer as unknown as QueryResult[];
  traffic.see(BigInt(look?.rows[0].xid));
  return results;
}

/**
 * The number that the next transaction that writes gets. Raises an error where foreign keys and triggers are off; a pooler may hand on
 * a connection for which they were switched off.
 */
const LOOK = `select pg_snapshot_xmax(pg_current_snapshot())::text as xid,
  case current_setting('session_replication_role') when 'replica' then current_setting('run_job.origin') end`;

/** The error as an operator understands it. */
function explained(error: unknown): unknown {
  if (!String((error as Error | undefined)?.message).includes('run_job.origin')) return error;
  return new ConfigError(REPLICA_ROLE, { cause: error });
}

export const REPLICA_ROLE =
  'session_replication_role is replica, so PostgreSQL would check no foreign key and fire no trigger; ' +
  'take it from the role or the database (ALTER ROLE … RESET session_replication_role)';

/**
 * JIT: to compile a statement that looks at many keys takes longer and more memory than the statement, and can't be cancelled; the
 * checks of foreign keys, which run under our settings, would be compiled as well. work_mem, hash_mem_multiplier: whatever the role has,
 * what a hash or sort doesn't find room for goes to disk. Workers would each take so much; other cores are for those who have work to do.
 * synchronous_commit: a batch need not wait for the disk. The record of the run, whose commit comes after all batches, does: nothing is
 * told that a crash of the server could take back. A batch that is lost in one is lost as a whole, and its rows are due still.
 */
function optionsOf(limits: Limits & Planning): TransactionOptions {
  const {
    lockTimeoutMs,
    statementTimeoutMs,
    rowSecurity,
    readOnly = false,
    seek,
    hash,
    clientCheckMs,
    transactionTimeout,
  } = limits;
  return {
    readOnly,
    lockTimeout: `${Math.ceil(lockTimeoutMs)}ms`,
    statementTimeout: `${Math.ceil(statementTimeoutMs)}ms`,
    settings: {
      jit: false,
      work_mem: '16MB',
      hash_mem_multiplier: 2,
      max_parallel_workers_per_gather: 0,
      row_security: rowSecurity,
      ...(!readOnly && { synchronous_commit: 'off' }),
      ...(seek && { enable_seqscan: false }),
      ...(hash && { enable_nestloop: false }),
      ...(transactionTimeout && { transaction_timeout: 0 }),
      ...(clientCheckMs !== undefined && { client_connection_check_interval: clientCheckMs }),
    },
  };
}

/** The number that the next transaction that writes gets. */
export async function nextXid({ postgres }: Ctx): Promise<bigint> {
  const { rows } = await postgres.query<{ xid: string }>('select pg_snapshot_xmax(pg_current_snapshot())::text as xid');
  return BigInt(rows[0]?.xid ?? 0);
}
