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

/**
 * One row of the statement can't go: foreign_key_violation, restrict_violation (which version 18 tells apart), or raise_exception
 * from a trigger.
 */
export const isRefusedRow = (error: unknown): boolean => isReferred(error) || sqlState(error) === 'P0001';

/** The row can't go because another refers to it. */
export const isReferred = (error: unknown): boolean => ['23503', '23001'].includes(sqlState(error) ?? '');

/** No retry mends it: wrong or missing names, rights and types (class 42), or a feature that isn't there. */
export const isPermanent = (error: unknown): boolean => /^(42|0A|22)/.test(sqlState(error) ?? '');

/**
 * The error as `UnavailableError` when the database can't be worked with at all: the connection is gone, the server stops or takes
 * no more connections, or it has become a read-only replica in a failover. Undefined for an error of the one statement.
 */
export function asUnavailable(error: unknown): UnavailableError | undefined {
  if (error instanceof UnavailableError) return error;
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
