// A few connections for a process that only looks, and goes on when the server goes away and comes back.
import { UnavailableError } from '../errors.ts';
import { Connection } from './connect.ts';
import { explain } from './explain.ts';
import type { Server } from './server.ts';
import { isConnectionLost } from './sqlstate.ts';

/** How long somebody waits for a connection that others have, in milliseconds. */
const QUEUE_TIMEOUT_MS = 5_000;

/** How long an answer is waited for: a connection that is silent for longer is of no more use. Longer than a reader's statement may take. */
const ANSWER_TIMEOUT_MS = 15_000;

interface Waiting {
  readonly take: (connection: Connection | undefined) => void;
  readonly giveUp: (error: Error) => void;
}

/** Lends connections, `max` of them at most; one that broke is replaced when somebody asks again. */
export class ReadPool {
  readonly #server: Server;
  readonly #max: number;
  readonly #idle: Connection[] = [];
  readonly #waiting: Waiting[] = [];
  readonly #lent = new Set<Connection>();
  #open = 0;
  #closed = false;

  constructor(server: Server, max: number) {
    this.#server = { ...server, config: { ...server.config, query_timeout: ANSWER_TIMEOUT_MS } };
    this.#max = max;
  }

  /** How many connections are open. */
  get size(): number {
    return this.#open;
  }

  /**
   * Works with a connection. A connection that broke while it was idle is replaced and the work done again, so that it must bear to be begun
   * twice.
   * @throws {UnavailableError | ConfigError} as `explain` finds, or what `work` throws
   */
  async use<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    for (;;) {
      const idle = await this.#acquire();
      const connection = idle ?? (await this.#connect());
      this.#lent.add(connection);
      let lost = false;
      try {
        return await work(connection);
      } catch (error) {
        lost = isConnectionLost(error);
        if (!lost || idle === undefined) throw explain(error, this.#server);
      } finally {
        this.#lent.delete(connection);
        this.#giveBack(connection, lost);
      }
    }
  }

  /** Closes all connections: those in use at once when `now`, else when they are given back. Never rejects. */
  async close({ now = false } = {}): Promise<void> {
    this.#closed = true;
    const closing = new UnavailableError('The console is stopping');
    for (const { giveUp } of this.#waiting.splice(0)) giveUp(closing);
    if (now) for (const connection of this.#lent) connection.destroy();
    await Promise.all(this.#idle.splice(0).map((connection) => connection.close()));
  }

  /** An idle connection, or undefined where one is to be opened. */
  #acquire(): Promise<Connection | undefined> {
    const idle = this.#idle.pop();
    if (idle !== undefined) return Promise.resolve(idle);
    if (this.#open < this.#max) {
      this.#open += 1;
      return Promise.resolve(undefined);
    }
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        take: (connection) => {
          clearTimeout(timer);
          resolve(connection);
        },
        giveUp: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      };
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        waiting.giveUp(
          new UnavailableError(`All ${this.#max} connections to PostgreSQL at ${this.#server.label} are in use`, {
            passing: true,
          }),
        );
      }, QUEUE_TIMEOUT_MS);
      this.#waiting.push(waiting);
    });
  }

  async #connect(): Promise<Connection> {
    const connection = new Connection(this.#server);
    try {
      await connection.connect();
      return connection;
    } catch (error) {
      this.#vacate();
      throw error;
    }
  }

  #giveBack(connection: Connection, lost: boolean): void {
    if (lost || this.#closed) {
      void connection.close();
      this.#vacate();
      return;
    }
    const next = this.#waiting.shift();
    if (next) next.take(connection);
    else this.#idle.push(connection);
  }

  /** Room for one more: whoever waits the longest opens it. */
  #vacate(): void {
    const next = this.#waiting.shift();
    if (next) next.take(undefined);
    else this.#open -= 1;
  }
}
