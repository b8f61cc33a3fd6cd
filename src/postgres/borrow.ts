// One client of the pool, borrowed for as long as a signal lets it: what runs on it is cancelled on the server when the signal aborts.
import type { Pool, PoolClient } from 'pg';
import { hasCode, UnavailableError } from '../errors.ts';
import type { Transaction } from '../job.ts';
import { inTime, limited, orAborted } from '../runner/limited.ts';
import { cancelStatement } from './cancel.ts';
import { failureOf, SQLSTATE, sqlStateOf } from './sqlstate.ts';

/** How long a connection may take to come to rest, once what it did is cancelled; one that takes longer is hung up. */
export const REST_TIMEOUT_MS = 5_000;

/** How long what was cancelled has to come to rest before it is cancelled again. */
const CANCEL_AGAIN_MS = 250;

/** A client that runs nothing after its signal has aborted. */
export class BorrowedClient implements Transaction {
  /** What the last statement that failed was told to have failed by. */
  failed: Error | undefined;
  /** Whether it was asked for that nothing can be written: a refusal then says nothing about the server. */
  readOnly = false;
  readonly client: PoolClient;
  readonly #signal: AbortSignal;
  #lost: Error | undefined;
  #cancelled: Promise<void> | undefined;
  #over = false;

  constructor(client: PoolClient, signal: AbortSignal) {
    this.client = client;
    this.#signal = signal;
    client.on('error', this.#onLost);
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** As node-postgres' own; what it is given goes there as it is. */
  readonly query = ((...given: Parameters<PoolClient['query']>) => {
    const refusal = this.#refusal();
    if (refusal !== undefined) {
      // What isn't a promise (a cursor, a stream) can only fail here.
      if (typeof (given[0] as { submit?: unknown }).submit === 'function') throw refusal;
      return Promise.reject(refusal);
    }
    const answer: unknown = this.client.query(...given);
    return answer instanceof Promise ? answer.catch((error) => this.#fail(error)) : answer;
  }) as PoolClient['query'];

  /**
   * Gives the client back to the pool, once what ran on it is over; one that doesn't come to rest, or is broken, is hung up.
   * @param last the statement that ends what was begun, such as ROLLBACK; without one, the client is at rest already
   */
  async giveBack(last?: string): Promise<void> {
    this.#over = true;
    this.#signal.removeEventListener('abort', this.#onAbort);
    // A cancel request that is still under way would hit whatever runs next.
    await this.#cancelled;
    const answer = last === undefined ? undefined : limited(last, REST_TIMEOUT_MS, this.client.query(last));
    const rest = Promise.resolve(answer).then(
      () => true,
      () => false,
    );
    // A cancel request that came between two statements has met nobody, and one that a function has caught is over.
    while (this.#cancelled !== undefined && !(await inTime(CANCEL_AGAIN_MS, rest))) await cancelStatement(this.client);
    const atRest = await rest;
    this.client.off('error', this.#onLost);
    this.client.release(!atRest || this.#lost !== undefined);
  }

  #refusal(): Error | undefined {
    if (this.#signal.aborted) return this.#signal.reason;
    return this.#over
      ? new Error('a query came after the end of its transaction: await each before you return')
      : undefined;
  }

  #fail(error: Error): never {
    this.failed = this.#signal.aborted ? this.#signal.reason : this.#meaningOf(this.#lost ?? error);
    throw this.failed;
  }

  #meaningOf(error: Error): Error {
    return this.readOnly && sqlStateOf(error) === SQLSTATE.readOnlySqlTransaction ? error : asUnavailable(error);
  }

  // A connection that breaks while it is borrowed and idle tells by an event, and without a listener that ends the process. What the server
  // says comes first, and then that it hung up.
  readonly #onLost = (error: Error) => {
    this.#lost ??= error;
  };

  readonly #onAbort = () => {
    this.#cancelled = cancelStatement(this.client);
  };
}

/**
 * Borrows a client; waiting for a free one ends with the signal.
 * @throws the signal's reason
 * @throws {UnavailableError} the server can't be reached
 */
export async function borrow(pool: Pool, signal: AbortSignal): Promise<BorrowedClient> {
  signal.throwIfAborted();
  const connecting = pool.connect();
  try {
    return new BorrowedClient(await orAborted(connecting, signal), signal);
  } catch (error) {
    if (!signal.aborted) throw asUnavailable(error as Error);
    // One that comes too late is given back unused.
    connecting.then(
      (client) => client.release(),
      () => {},
    );
    throw error;
  }
}

/** The error, or one that says that the database is away, where that is what it means. */
function asUnavailable(error: Error): Error {
  if (hasCode(error, 'ERR_RUN_JOB_UNAVAILABLE') || failureOf(error)?.kind !== 'unavailable') return error;
  return new UnavailableError(`PostgreSQL failed: ${error.message}`, { cause: error });
}
