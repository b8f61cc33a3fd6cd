// What an error of PostgreSQL or of the connection means to the job.
import { UnavailableError } from '../../errors.ts';
import type { PostgresFailure } from '../../job.ts';
import type { Ctx } from './model.ts';

type Kind = PostgresFailure['kind'];

const kindOf = ({ postgres }: Ctx, error: unknown): Kind | undefined => postgres.failureOf(error)?.kind;

/** Somebody else holds what we want. */
export const isContention = (ctx: Ctx, error: unknown): boolean => kindOf(ctx, error) === 'contention';

/** The statement took too long. */
export const isTooSlow = (ctx: Ctx, error: unknown): boolean => kindOf(ctx, error) === 'cancelled';

/** A value that PostgreSQL can't take. */
export const isInvalidValue = (ctx: Ctx, error: unknown): boolean => kindOf(ctx, error) === 'invalid';

/** What is to be created is there already, or is being created by somebody else. */
export const mayBeThere = (ctx: Ctx, error: unknown): boolean =>
  ['constraint', 'statement'].includes(kindOf(ctx, error) ?? '');

/** What node-postgres tells of PostgreSQL's error beside its SQLSTATE. */
export interface DatabaseErrorFields {
  /** What PostgreSQL was at, such as a trigger's function; undefined when the statement itself is at fault. */
  readonly where?: string;
  readonly schema?: string;
  readonly table?: string;
  readonly constraint?: string;
}

const fieldsOf = (error: unknown): DatabaseErrorFields => (error ?? {}) as DatabaseErrorFields;

/** What refuses a row, whoever wrote it. */
const REFUSALS: readonly Kind[] = ['foreign_key', 'constraint', 'raised'];

/** What a trigger may run into for one row, and not for the next. */
const TROUBLES: readonly Kind[] = ['invalid', 'other'];

/**
 * One row of the statement can't go: a constraint refuses (its own, of a row that SET NULL changes, or of what a trigger writes
 * elsewhere), or an error that a trigger raised or ran into. Not what is the same for every row.
 */
export function isRefusedRow(ctx: Ctx, error: unknown): boolean {
  const kind = kindOf(ctx, error);
  if (kind === undefined) return false;
  return REFUSALS.includes(kind) || (fieldsOf(error).where !== undefined && TROUBLES.includes(kind));
}

/** The row can't go because another refers to it. With a context, something that a trigger did violated a key elsewhere. */
export const isReferred = (ctx: Ctx, error: unknown): boolean =>
  kindOf(ctx, error) === 'foreign_key' && fieldsOf(error).where === undefined;

/** The name of the constraint that was violated. */
export const violatedConstraint = (error: unknown): string | undefined => fieldsOf(error).constraint;

/** What tells one reason to refuse rows from another, whatever the rows' own values are. */
export function reasonKey({ postgres }: Ctx, error: unknown): string {
  const { schema = '', table = '', constraint = '', where = '' } = fieldsOf(error);
  return [postgres.failureOf(error)?.sqlState, schema, table, constraint, where.split('\n', 1)[0]].join(' ');
}

/** No retry mends it: wrong or missing names, rights and types, a feature that isn't there, or an object that isn't made for it. */
export const isPermanent = (ctx: Ctx, error: unknown): boolean =>
  ['statement', 'denied', 'invalid'].includes(kindOf(ctx, error) ?? '');

/** The error's message with PostgreSQL's DETAIL and HINT; without the detail of a constraint, which quotes rows: they may hold secrets. */
export function tellError(ctx: Ctx, error: unknown): string {
  const {
    message = String(error),
    detail = '',
    hint = '',
  } = error as { message?: string; detail?: string; hint?: string };
  const told = detail !== '' && kindOf(ctx, error) !== 'constraint' ? ` (${detail.replace(/\.$/, '')})` : '';
  return `${message}${told}${hint === '' ? '' : `; ${hint}`}`;
}

/**
 * The error as `UnavailableError` when the database can't be worked with at all: the connection is gone, the server stops or takes
 * no more connections, or it has become a read-only replica in a failover. Undefined for an error of the one statement.
 */
export function asUnavailable(ctx: Ctx, error: unknown): UnavailableError | undefined {
  if (!(error instanceof Error) || kindOf(ctx, error) !== 'unavailable') return undefined;
  // The run's own signal may say so, and so may we already.
  if (error instanceof UnavailableError && (error === ctx.signal.reason || error.message.startsWith(AWAY)))
    return error;
  const { message } = error.cause instanceof Error ? error.cause : error;
  return new UnavailableError(`${AWAY}: ${message}`, { cause: error });
}

const AWAY = 'The database went away during the cleanup';
