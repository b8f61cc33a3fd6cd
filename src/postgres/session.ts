// The one connection of a run while it holds no lock: opened ahead of its first use, lent to the lock, opened again when it is gone.
import { setTimeout as sleep } from 'node:timers/promises';
import type { QueryResult, QueryResultRow } from 'pg';
import { hasCode } from '../errors.ts';
import { Connection } from './connect.ts';
import { explain } from './explain.ts';
import type { Server } from './server.ts';
import { failureOf, isConnectionLost, SQLSTATE, sqlStateOf } from './sqlstate.ts';
import { begin } from './undisturbed.ts';

/** The waits between attempts double from the first of these to the second, in milliseconds. */
const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 1_000;

interface Open {
  readonly connection: Connection;
  readonly ready: Promise<unknown>;
  used: boolean;
}

/** Runs one statement at a time, each in a transaction of its own, and keeps the process alive only while one runs. */
export class Session {
  readonly #server: Server;
  #open: Open | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(server: Server) {
    this.#server = server;
  }

  /** Begins to connect, so that the first statement needn't wait for it. A failure shows when that statement is run. */
  warm(): void {
    void this.#connected()
      .ready.then(() => this.#open?.connection.letGo())
      .catch(() => {});
  }

  /** Gives its connection away, if it has one; it may still be connecting. */
  handOver(): Promise<Connection> | undefined {
    const open = this.#open;
    this.#open = undefined;
    return open?.ready.then(() => open.connection);
  }

  /** Takes a connection that is at rest, for what comes next. */
  adopt(connection: Connection): void {
    if (this.#closed || this.#open !== undefined) void connection.close();
    else this.#open = { connection, ready: Promise.resolve(), used: true };
  }

  /**
   * Runs a statement. A connection that broke while it was idle is replaced and the statement run again, so that every
   * statement must bear to be run twice.
   * @param withinMs how long to go on trying when the server can't be reached; by default the first failure is final
   * @param mayPass which other failures are tried again in that time
   * @throws {UnavailableError | ConfigError} as `explain` finds, or what PostgreSQL says of a faulty statement
   */
  ask<Row extends QueryResultRow>(
    text: string,
    values: readonly unknown[],
    withinMs = 0,
    mayPass: (error: unknown) => boolean = mayPassSoon,
  ): Promise<QueryResult<Row>> {
    const result = this.#turn.then(() => this.#try(text, values, withinMs, mayPass));
    this.#turn = result.catch(() => {});
    return result as Promise<QueryResult<Row>>;
  }

  /** Closes the connection, if there is one; the next statement opens another. Never rejects. */
  async rest(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    // The goodbye is on its way at once; nothing is gained by waiting for the server's.
    if (open?.used) void open.connection.close();
    else open?.connection.destroy();
  }

  /** Closes the connection for good. Never rejects. */
  close(): Promise<void> {
    this.#closed = true;
    return this.rest();
  }

  async #try(
    text: string,
    values: readonly unknown[],
    withinMs: number,
    mayPass: (error: unknown) => boolean,
  ): Promise<QueryResult> {
    const until = performance.now() + withinMs;
    // A connection that was idle may have broken since, which says nothing about the server.
    let mayBeStale = this.#open?.used === true;
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(2 * wait, LONGEST_WAIT_MS)) {
      const open = this.#connected();
      try {
        return await this.#once(open, text, values, this.#patience(withinMs, until));
      } catch (error) {
        // Also one that takes no writes: the name may lead to another server by now.
        if (isAway(error)) this.#drop(open);
        const again = mayPass(error) && !this.#closed && (mayBeStale || performance.now() + wait < until);
        if (!again) throw explain(error, this.#server);
        if (!mayBeStale) await sleep(wait);
        mayBeStale = false;
      }
    }
  }

  /** How long an answer is waited for: half of the time that is left, so that a silent connection leaves some for another. */
  #patience(withinMs: number, until: number): number {
    const { connectTimeoutMs } = this.#server;
    if (withinMs === 0) return connectTimeoutMs;
    return Math.min(connectTimeoutMs, Math.max(LONGEST_WAIT_MS, (until - performance.now()) / 2));
  }

  async #once(open: Open, text: string, values: readonly unknown[], timeoutMs: number): Promise<QueryResult> {
    const { connection } = open;
    connection.hold();
    try {
      await open.ready;
      open.used = true;
      // The server gives up first: it knows what it has waited for, and its connection stays of use.
      await connection.ask(begin(timeoutMs - Math.min(500, timeoutMs / 4)), [], timeoutMs);
      const result = await connection.ask(text, values, timeoutMs).catch(async (error) => {
        if (!isConnectionLost(error)) await connection.ask('ROLLBACK', [], timeoutMs);
        throw error;
      });
      await connection.ask('COMMIT', [], timeoutMs);
      return result;
    } finally {
      connection.letGo();
    }
  }

  #connected(): Open {
    if (this.#open === undefined) {
      const connection = new Connection(this.#server);
      this.#open = { connection, ready: connection.connect(), used: false };
    }
    return this.#open;
  }

  #drop(open: Open): void {
    open.connection.destroy();
    if (this.#open === open) this.#open = undefined;
  }
}

/**
 * Whether the same statement may succeed later, also where that takes somebody's doing: a standby that takes no writes is promoted, and a full
 * disk emptied.
 */
export const mayPassLater = (error: unknown): boolean => mayPassSoon(error) || isAway(error);

const isAway = (error: unknown): boolean => failureOf(error)?.kind === 'unavailable';

/** Whether the same statement may succeed a moment later. */
function mayPassSoon(error: unknown): boolean {
  if (hasCode(error, 'ERR_RUN_JOB_CONFIG')) return false;
  if (hasCode(error, 'ERR_RUN_JOB_UNAVAILABLE') || isConnectionLost(error)) return true;
  const sqlState = sqlStateOf(error);
  // 57014: the statement waited for others longer than it may, as for a LOCK TABLE.
  return (
    sqlState === SQLSTATE.serializationFailure ||
    sqlState === SQLSTATE.deadlockDetected ||
    sqlState === SQLSTATE.queryCanceled
  );
}
