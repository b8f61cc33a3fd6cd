// A job's transactions, batches and single statements, which end with the run's signal and leave nothing behind on the server.
import { escapeLiteral, type Pool, type QueryResult, type QueryResultRow } from 'pg';
import { parseDuration } from '../duration.ts';
import type { PostgresPool, Transaction, TransactionOptions } from '../job.ts';
import { limited, orAborted } from '../runner/limited.ts';
import { type BorrowedClient, borrow, REST_TIMEOUT_MS } from './borrow.ts';
import { failureOf } from './sqlstate.ts';

/** The longest timeout that PostgreSQL takes, in milliseconds. */
const LONGEST_MS = 2 ** 31 - 1;

const ISOLATION = ['read committed', 'repeatable read', 'serializable'];

/** The name of a setting, with its extension's before it where it has one. */
const SETTING_NAME = /^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$/i;

/**
 * Gives a pool of node-postgres what the contract adds to it.
 * @param needed the statements that each transaction on this client begins with, beside its own
 */
export function withTransactions(pool: Pool, needed: (client: object) => readonly string[] = () => []): PostgresPool {
  return Object.assign(pool, {
    // `this` and not `pool`, which may stand behind a proxy.
    async transaction<T>(
      this: Pool,
      signal: AbortSignal,
      options: TransactionOptions,
      work: (transaction: Transaction) => Promise<T> | T,
    ): Promise<T> {
      return during(this, signal, options, needed, async (opened) => {
        const { borrowed, beginning } = opened;
        await borrowed.query(beginning.join('; '));
        const result = await orAborted((async () => work({ query: borrowed.query }))(), signal);
        const { command } = await borrowed.query('COMMIT');
        opened.over = true;
        // So PostgreSQL answers, and not by an error, when a statement has failed before.
        if (command === 'ROLLBACK') throw borrowed.failed ?? new Error('PostgreSQL rolled the transaction back');
        return result;
      });
    },

    async batch(
      this: Pool,
      signal: AbortSignal,
      options: TransactionOptions,
      statements: readonly string[],
    ): Promise<QueryResult[]> {
      return during(this, signal, options, needed, async (opened) => {
        const { borrowed, beginning } = opened;
        // A semicolon on a line of its own: a statement may end with a comment.
        const text = [...beginning, ...statements, 'COMMIT'].join('\n;\n');
        // node-postgres gives a result for each statement of such a text.
        const results = (await answerOf(borrowed.query(text), signal)) as unknown as QueryResult[];
        opened.over = true;
        return results.slice(beginning.length, -1);
      });
    },

    async statement<Row extends QueryResultRow>(
      this: Pool,
      signal: AbortSignal,
      text: string,
      values: readonly unknown[] = [],
    ): Promise<QueryResult<Row>> {
      const borrowed = await borrow(this, signal);
      try {
        return await orAborted(borrowed.query<Row>(text, [...values]), signal);
      } finally {
        // Any statement will do to see that the cancelled one is over.
        await borrowed.giveBack(signal.aborted ? 'SELECT' : undefined);
      }
    },

    failureOf,
  });
}

/** A client that is borrowed for one transaction. */
interface Opened {
  readonly borrowed: BorrowedClient;
  /** The statements that the transaction begins with. */
  readonly beginning: readonly string[];
  /** Whether it has ended: what hasn't is rolled back. */
  over: boolean;
}

/**
 * Borrows a client for as long as a transaction with these options runs.
 * @throws {TypeError} an option means nothing; no client is waited for then
 */
async function during<T>(
  pool: Pool,
  signal: AbortSignal,
  options: TransactionOptions,
  needed: (client: object) => readonly string[],
  run: (opened: Opened) => Promise<T>,
): Promise<T> {
  const begin = beginStatement(options);
  const settings = settingsOf(options);
  const borrowed = await borrow(pool, signal);
  borrowed.readOnly = options.readOnly ?? false;
  const opened: Opened = { borrowed, beginning: [begin, ...needed(borrowed.client), ...settings], over: false };
  try {
    return await run(opened);
  } finally {
    await borrowed.giveBack(opened.over ? undefined : 'ROLLBACK');
  }
}

/**
 * The answer, for which a cancelled statement is waited a moment longer: it may say that all was committed.
 * @throws the signal's reason, when there is no answer in that time
 */
async function answerOf<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await orAborted(answer, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
    return limited('the cancelled batch', REST_TIMEOUT_MS, answer).catch(() => Promise.reject(signal.reason));
  }
}

/** SQL that begins a transaction with these options. */
function beginStatement({ isolation = 'read committed', readOnly = false }: TransactionOptions): string {
  if (!ISOLATION.includes(isolation))
    throw new TypeError(`isolation is one of ${ISOLATION.join(', ')}, not ${isolation}`);
  return `BEGIN ISOLATION LEVEL ${isolation}${readOnly ? ' READ ONLY' : ''}`;
}

/** SET LOCAL, since through a pooler the next transaction on the same connection is somebody else's. It takes no snapshot either. */
function settingsOf({ statementTimeout, lockTimeout, settings = {} }: TransactionOptions): string[] {
  const all = {
    ...(statementTimeout !== undefined && { statement_timeout: milliseconds('statementTimeout', statementTimeout) }),
    ...(lockTimeout !== undefined && { lock_timeout: milliseconds('lockTimeout', lockTimeout) }),
    ...settings,
  };
  return Object.entries(all).map(([name, value]) => {
    if (!SETTING_NAME.test(name)) throw new TypeError(`${name} is no name of a setting of PostgreSQL`);
    return `SET LOCAL ${name} TO ${[value]
      .flat()
      .map((item) => escapeLiteral(String(item)))
      .join()}`;
  });
}

function milliseconds(option: string, duration: string): number {
  const ms = parseDuration(duration);
  if (ms === undefined) throw new TypeError(`${option} must be a duration such as 250ms or 90s, and is ${duration}`);
  return Math.min(LONGEST_MS, Math.ceil(ms));
}
