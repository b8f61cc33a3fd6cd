// A connection that lasts as long as a run: opened ahead of its first use, opened again when it broke in between.
import { setTimeout as sleep } from 'node:timers/promises';
import type { QueryResult } from 'pg';
import { hasCode } from '../errors.ts';
import { Connection } from './connect.ts';
import { explain } from './explain.ts';
import type { Server } from './server.ts';
import { isConnectionLost, SQLSTATE, sqlStateOf } from './sqlstate.ts';

/** The waits between attempts double from the first of these to the second, in milliseconds. */
const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 1_000;

interface Open {
  readonly connection: Connection;
  readonly ready: Promise<unknown>;
  used: boolean;
}

/** Runs one statement at a time, and keeps the process alive only while one runs. */
export class Session {
  readonly #server: Server;
  #open: Open | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(server: Server) {
    this.#server = server;
  }

  /** Begins to connect, so that the first statement needn't wait for it. A failure shows when that statement is run. */
  warm(): void {
    void this.#connected()
      .ready.then(() => this.#open?.connection.letGo())
      .catch(() => {});
  }

  /**
   * Runs a statement. A connection that broke while it was idle is replaced and the statement run again, so that every
   * statement must bear to be run twice.
   * @param withinMs how long to go on trying when the server can't be reached; by default the first failure is final
   * @throws {UnavailableError | ConfigError} as `explain` finds, or what PostgreSQL says of a faulty statement
   */
  ask(text: string, values: readonly unknown[], withinMs = 0): Promise<QueryResult> {
    const result = this.#turn.then(() => this.#try(text, values, withinMs));
    this.#turn = result.catch(() => {});
    return result;
  }

  /** Closes the connection, if there is one. Never rejects. */
  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    // The goodbye is on its way at once; nothing is gained by waiting for the server's.
    if (open?.used) void open.connection.close();
    else open?.connection.destroy();
  }

  async #try(text: string, values: readonly unknown[], withinMs: number): Promise<QueryResult> {
    const until = Date.now() + withinMs;
    // A connection that was idle may have broken since, which says nothing about the server.
    let mayBeStale = this.#open?.used === true;
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(2 * wait, LONGEST_WAIT_MS)) {
      const open = this.#connected();
      try {
        return await this.#once(open, text, values, this.#patience(withinMs, until));
      } catch (error) {
        if (isConnectionLost(error)) this.#drop(open);
        const again = isPassing(error) && (mayBeStale || Date.now() + wait < until);
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
    return Math.min(connectTimeoutMs, Math.max(LONGEST_WAIT_MS, (until - Date.now()) / 2));
  }

  async #once(open: Open, text: string, values: readonly unknown[], timeoutMs: number): Promise<QueryResult> {
    open.connection.hold();
    try {
      await open.ready;
      open.used = true;
      return await open.connection.ask(text, values, timeoutMs);
    } finally {
      open.connection.letGo();
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

/** Whether the same statement may succeed a moment later. */
function isPassing(error: unknown): boolean {
  if (hasCode(error, 'ERR_RUN_JOB_CONFIG')) return false;
  if (hasCode(error, 'ERR_RUN_JOB_UNAVAILABLE') || isConnectionLost(error)) return true;
  // A serialization failure or a deadlock, should the database's default isolation be stricter than ours needs.
  const sqlState = sqlStateOf(error);
  return sqlState === SQLSTATE.serializationFailure || sqlState === SQLSTATE.deadlockDetected;
}
