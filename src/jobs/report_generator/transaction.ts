// One transaction on one connection of the pool, which ends with the run's signal and leaves nothing behind.
import type { Pool, QueryResultRow } from 'pg';
import { PermanentError, RetryableError, UnavailableError } from '../../errors.ts';
import type { Attributes, BaseContext, Resources } from '../../job.ts';

/** Runs one query and returns its rows. One with a summary (`SELECT report_transactions`) is a span of that name. */
export type Query = <Row extends QueryResultRow>(
  sql: string,
  values?: readonly unknown[],
  summary?: string,
) => Promise<Row[]>;

/** What of a job's context a transaction takes. */
export type Database = Pick<Resources, 'postgres'> & Pick<BaseContext<unknown>, 'signal' | 'span'>;

/** How a transaction begins. */
export type Mode = 'READ COMMITTED' | 'REPEATABLE READ' | 'REPEATABLE READ, READ ONLY';

/**
 * Runs `work` in a transaction: committed when it returns, rolled back when it throws. When the signal aborts, the running
 * statement is cancelled on the server, which would otherwise work on for nobody.
 * @throws the signal's reason, when it aborts
 * @throws {UnavailableError} the connection failed
 * @throws {PermanentError} what is read is missing or may not be read
 */
export async function inTransaction<T>(
  { postgres: pool, signal, span }: Database,
  mode: Mode,
  work: (query: Query) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const client = await pool.connect().catch((error) => {
    throw explain(error);
  });
  // A connection that fails while it is checked out and idle tells by an event, and without a listener that ends the process.
  const ignore = () => {};
  client.on('error', ignore);
  const query: Query = async (sql, values, summary) => {
    if (summary !== undefined) {
      return span(summary, { kind: 'client', attributes: statementAttributes(sql, summary) }, () => query(sql, values));
    }
    try {
      return (await client.query(sql, values as unknown[])).rows;
    } catch (error) {
      signal.throwIfAborted();
      throw explain(error as Error);
    }
  };
  let broken = false;
  try {
    await query(`BEGIN ISOLATION LEVEL ${mode}`);
    using _ = await cancelOnAbort(signal, pool, query);
    const result = await work(query);
    await query('COMMIT');
    return result;
  } catch (error) {
    broken = await client.query('ROLLBACK').then(
      () => false,
      () => true,
    );
    throw error;
  } finally {
    client.off('error', ignore);
    client.release(broken);
  }
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

/** Has the server cancel what this connection is doing when the signal aborts, until it is disposed of. */
async function cancelOnAbort(signal: AbortSignal, pool: Pool, query: Query): Promise<Disposable> {
  const [row] = await query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const cancel = () => {
    pool.query('SELECT pg_cancel_backend($1)', [row?.pid]).catch(() => {});
  };
  signal.addEventListener('abort', cancel, { once: true });
  return { [Symbol.dispose]: () => signal.removeEventListener('abort', cancel) };
}

/** What a failed query or connection means for the run. */
function explain(error: Error & { code?: string }): Error {
  const { code = '', message } = error;
  if (code === '40001') return new RetryableError(`Another run changed the same message: ${message}`, { cause: error });
  if (/^(42P01|42703|42883|42804|42P21|3F000)$/.test(code)) {
    return new PermanentError(
      `The report can't be read (${message}): create the view report_transactions as docs/jobs/report-generator.md describes it, on the search_path of DATABASE_URL's user`,
      { cause: error },
    );
  }
  if (code === '42501') {
    return new PermanentError(
      `The user of DATABASE_URL may not do this (${message}): grant SELECT on report_transactions, and SELECT, INSERT and UPDATE on run_job.outbox`,
      { cause: error },
    );
  }
  // Class 22: a value that can't be computed with, such as a time zone that this server doesn't know.
  if (code.startsWith('22')) return new PermanentError(`The report can't be computed: ${message}`, { cause: error });
  // Classes 08, 53 and 57P, and errors without an SQLSTATE: the connection or the server, not the query.
  if (!/^[0-9A-Z]{5}$/.test(code) || /^(08|53|57P)/.test(code)) {
    return new UnavailableError(`PostgreSQL failed (${code || message}): check that it runs, and DATABASE_URL`, {
      cause: error,
    });
  }
  return error;
}
