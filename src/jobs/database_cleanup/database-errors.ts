// What an error of PostgreSQL or of the connection means to the job.
import { UnavailableError } from '../../errors.ts';

/** The SQLSTATE of an error, if it came from PostgreSQL. */
export function sqlState(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/** Somebody else holds what we want: lock_not_available, deadlock_detected, serialization_failure. */
export const isContention = (error: unknown): boolean => ['55P03', '40P01', '40001'].includes(sqlState(error) ?? '');

/** query_canceled: the statement took too long. */
export const isTooSlow = (error: unknown): boolean => sqlState(error) === '57014';

/** What node-postgres tells of PostgreSQL's error beside its SQLSTATE. */
export interface DatabaseErrorFields {
  /** What PostgreSQL was at, such as a trigger's function; undefined when the statement itself is at fault. */
  readonly where?: string;
  readonly schema?: string;
  readonly table?: string;
  readonly constraint?: string;
  /** The function of PostgreSQL's source that raised the error. */
  readonly routine?: string;
}

const fieldsOf = (error: unknown): DatabaseErrorFields => (error ?? {}) as DatabaseErrorFields;

/** A RAISE in PL/pgSQL: whatever its SQLSTATE says, it is what somebody wrote, and not what has happened to the server. */
const isRaised = (error: unknown): boolean => fieldsOf(error).routine === 'exec_stmt_raise';

/**
 * One row of the statement can't go: integrity_constraint_violation (its own, of a row that SET NULL changes, or of what a trigger
 * writes elsewhere), triggered_data_change_violation, or an error that a trigger raised or ran into. Not what is the same for every
 * row: no connection (08), no such feature (0A), a transaction's state (25), contention (40, 55), rights and definitions (42), a
 * server's limits and troubles (53, 54, 57, 58, XX).
 */
export function isRefusedRow(error: unknown): boolean {
  const state = sqlState(error);
  if (state === undefined) return false;
  if (/^(23|27)/.test(state) || isRaised(error)) return true;
  return fieldsOf(error).where !== undefined && !/^(08|0A|25|28|40|42|53|54|55|57|58|F0|XX)/.test(state);
}

/** The row can't go because another refers to it. With a context, something that a trigger did violated a key elsewhere. */
export const isReferred = (error: unknown): boolean =>
  ['23503', '23001'].includes(sqlState(error) ?? '') && fieldsOf(error).where === undefined;

/** The name of the constraint that was violated. */
export const violatedConstraint = (error: unknown): string | undefined => fieldsOf(error).constraint;

/** What tells one reason to refuse rows from another, whatever the rows' own values are. */
export function reasonKey(error: unknown): string {
  const { schema = '', table = '', constraint = '', where = '' } = fieldsOf(error);
  return [sqlState(error), schema, table, constraint, where.split('\n', 1)[0]].join(' ');
}

/**
 * No retry mends it: wrong or missing names, rights and types (class 42), a feature that isn't there, or an object that isn't made for
 * it (55000), such as a published table without a replica identity.
 */
export const isPermanent = (error: unknown): boolean => /^(42|0A|22|55000$)/.test(sqlState(error) ?? '');

/** The error's message with PostgreSQL's DETAIL and HINT; without a detail that quotes a whole row, which may hold secrets. */
export function tellError(error: unknown): string {
  const {
    message = String(error),
    detail = '',
    hint = '',
  } = error as { message?: string; detail?: string; hint?: string };
  const told = detail !== '' && !/^(23502|23514)$/.test(sqlState(error) ?? '') ? ` (${detail.replace(/\.$/, '')})` : '';
  return `${message}${told}${hint === '' ? '' : `; ${hint}`}`;
}

/**
 * The error as `UnavailableError` when the database can't be worked with at all: the connection is gone, the server stops or takes
 * no more connections, or it has become a read-only replica in a failover. Undefined for an error of the one statement.
 */
export function asUnavailable(error: unknown): UnavailableError | undefined {
  if (error instanceof UnavailableError) return error;
  if (isRaised(error)) return undefined;
  const state = sqlState(error);
  const gone = state === undefined ? isConnectionError(error) : /^(08|57P0|53300|25006)/.test(state);
  if (!gone) return undefined;
  return new UnavailableError(`The database went away during the cleanup: ${(error as Error).message}`, {
    cause: error,
  });
}

/** node-postgres tells a lost connection by message, and Node by a code such as ECONNRESET. */
function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = (error as { code?: unknown }).code;
  return (typeof code === 'string' && /^E[A-Z]+$/.test(code)) || /connection|connect|terminated/i.test(error.message);
}
