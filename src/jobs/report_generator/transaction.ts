// One transaction of the report: its statements are spans where they have a summary, and their errors say what to do.
import type { QueryResultRow } from 'pg';
import { PermanentError, RetryableError } from '../../errors.ts';
import type { Attributes, BaseContext, Plain, Resources, StepsOf, Transaction, TransactionOptions } from '../../job.ts';

/** Runs one query and returns its rows. One with a summary (`SELECT report_transactions`) is a span of that name. */
export type Query = <Row extends QueryResultRow>(
  sql: string,
  values?: readonly unknown[],
  summary?: string,
) => Promise<Row[]>;

/** What of a job's context a transaction takes. */
export type Database = Pick<Resources, 'postgres'> & Pick<BaseContext<unknown>, 'signal' | 'span'>;

/**
 * Runs `work` in a transaction, as `ctx.postgres.transaction` does.
 * @throws {UnavailableError} the connection failed
 * @throws {RetryableError} somebody else was in the way
 * @throws {PermanentError} what is read is missing or may not be read
 */
export async function inTransaction<T>(
  { postgres, signal, span }: Database,
  options: TransactionOptions,
  work: (query: Query) => Promise<T>,
): Promise<T> {
  return postgres
    .transaction(signal, options, (transaction) => work(queryOf({ span }, transaction)))
    .catch((error) => {
      throw explain(postgres, error);
    });
}

/**
 * The same as a step, which is done once in a slot.
 * @throws as `inTransaction`
 */
export async function inStep<T>(
  { postgres, span, step }: Database & StepsOf<'postgres'>,
  name: string,
  options: TransactionOptions,
  work: (query: Query) => Promise<T>,
): Promise<Plain<T>> {
  return step(name, (transaction) => work(queryOf({ span }, transaction)), options).catch((error) => {
    throw explain(postgres, error);
  });
}

function queryOf({ span }: Pick<Database, 'span'>, transaction: Transaction): Query {
  return async (sql, values, summary) => {
    const answer = () => transaction.query(sql, values as unknown[]);
    const { rows } = await (summary === undefined
      ? answer()
      : span(summary, { kind: 'client', attributes: statementAttributes(sql, summary) }, answer));
    return rows;
  };
}

/**
 * What is told of a statement: its text, in which values are $1 and so on, and never the values.
 * https://opentelemetry.io/docs/specs/semconv/database/postgresql/
 */
function statementAttributes(sql: string, summary: string): Attributes {
  const [operation, collection] = summary.split(' ');
  return {
    'db.system.name': 'postgresql',
    'db.operation.name': operation,
    'db.collection.name': collection,
    'db.query.summary': summary,
    'db.query.text': sql,
  };
}

/** What a failed statement means for the run. */
function explain(postgres: Resources['postgres'], cause: Error): Error {
  const { message } = cause;
  switch (postgres.failureOf(cause)?.kind) {
    case 'contention':
      return new RetryableError(`Another run changed the same message, or held a lock on it: ${message}`, { cause });
    case 'statement':
      return new PermanentError(
        `The report can't be read (${message}): create the view report_transactions as docs/jobs/report-generator.md describes it, on the search_path of DATABASE_URL's user`,
        { cause },
      );
    case 'denied':
      return new PermanentError(
        `The user of DATABASE_URL may not do this (${message}): grant SELECT on report_transactions, and SELECT, INSERT and UPDATE on run_job.outbox`,
        { cause },
      );
    // A value that can't be computed with, such as a time zone that this server doesn't know.
    case 'invalid':
      return new PermanentError(`The report can't be computed: ${message}`, { cause });
    default:
      return cause;
  }
}
