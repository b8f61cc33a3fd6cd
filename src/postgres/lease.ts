// A held lock: watches over its connection, since a run that can't prove its lock must stop.
import type { QueryResult } from 'pg';
import { UnavailableError } from '../errors.ts';
import type { Cancellation } from '../runner/decisions.ts';
import type { Lease } from '../runner/ports.ts';
import { cancelStatement } from './cancel.ts';
import type { Connection } from './connect.ts';
import { UNDO_LOOK } from './decisions-sql.ts';
import type { Server } from './server.ts';
import { isConnectionLost, SQLSTATE } from './sqlstate.ts';

/** How long the server may take to answer the COMMIT that frees the locks. */
const RELEASE_TIMEOUT_MS = 2_000;

/** How a lease is held. */
export interface LeaseOptions {
  /** How often the connection is checked, and how long an answer may take, in milliseconds. */
  readonly checkMs: number;
  /** The SQL that commits what was done in the transaction, and holds the locks in the next. */
  readonly carry: string;
  /** The SQL that asks whether the run is cancelled; its third statement answers. */
  readonly look: string;
  /** Takes the connection once the locks are free. */
  readonly atRest: (connection: Connection) => void;
}

/** Holds the transaction of a connection on which the locks have been taken. */
export class HeldLease implements Lease {
  readonly lost: Promise<Error>;
  readonly cancelled: Promise<Cancellation>;
  readonly #connection: Connection;
  readonly #server: Server;
  readonly #options: LeaseOptions;
  readonly #timer: NodeJS.Timeout;
  #tellLost: (cause: Error) => void = () => {};
  #tellCancelled: (cancellation: Cancellation) => void = () => {};
  #over = false;
  #checking = false;
  #inUse = false;

  constructor(connection: Connection, server: Server, options: LeaseOptions) {
    this.#connection = connection;
    this.#server = server;
    this.#options = options;
    this.lost = new Promise((resolve) => {
      this.#tellLost = resolve;
    });
    this.cancelled = new Promise((resolve) => {
      this.#tellCancelled = resolve;
    });
    connection.on('error', (error) => this.#lose(whatHappened(error)));
    connection.on('end', () => this.#lose('was closed'));
    this.#timer = setInterval(() => this.#check(), options.checkMs).unref();
    // The lock alone mustn't keep the process alive: an event loop that drains with the job unfinished is a crash that
    // has to be seen.
    connection.letGo();
  }

  get descriptor(): number | undefined {
    return this.#over ? undefined : this.#connection.descriptor;
  }

  /** Whether the locks are held, as far as is known. */
  get held(): boolean {
    return !this.#over;
  }

  /**
   * Lets `work` write in the transaction that holds the locks, and commits that; the locks are never free in between.
   * @throws as `use` does
   */
  commit<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    return this.use(async (connection) => {
      const result = await work(connection);
      const answer: unknown = await connection.ask(this.#options.carry, [], this.#server.connectTimeoutMs);
      if ((answer as QueryResult<{ carried: boolean }>[]).at(-2)?.rows[0]?.carried !== true)
        throw new Error('The locks could not be carried into the next transaction.');
      return result;
    });
  }

  /**
   * Lets `work` use the connection, in the transaction that holds the locks, which keeps the locks of the tables that it looks into: for
   * what comes before a `commit`. The connection isn't checked meanwhile, since what is asked of it may have to wait for others.
   * @throws as node-postgres does: the transaction is over, and with it the lease; `lost` stays silent
   */
  async use<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    if (this.#over) throw await this.lost;
    this.#inUse = true;
    this.#connection.hold();
    try {
      return await work(this.#connection);
    } catch (error) {
      this.#stop();
      this.#connection.destroy();
      throw error;
    } finally {
      this.#inUse = false;
      this.#connection.letGo();
    }
  }

  /** Asks anew, whatever was asked before: an answer that has waited to be read proves nothing of now. */
  async prove(): Promise<boolean> {
    if (this.#over) return false;
    this.#connection.hold();
    try {
      await this.#connection.ask('SELECT', [], this.#options.checkMs);
      this.#expectTransaction();
    } catch (error) {
      this.#lose(isSilence(error) ? this.#silence() : whatHappened(error as Error));
    } finally {
      this.#connection.letGo();
    }
    return !this.#over;
  }

  /** Ends the transaction, which frees the locks; when nobody answers in time, hangs up, which frees them as well. */
  async release(): Promise<void> {
    if (this.#over) return;
    // What is still asked is given up on the server too, where it would go on for nobody, and hold the locks for as long.
    if (this.#inUse) await cancelStatement(this.#connection);
    if (this.#over) return;
    await this.releaseWith(async () => {}, RELEASE_TIMEOUT_MS).catch(() => {});
  }

  /**
   * Frees the locks by the commit of what `work` has written, so that nobody sees the one without the other.
   * @param commitMs how long the server may take to commit
   * @throws as node-postgres does: it wasn't committed, or nobody knows; the connection is closed, which frees the locks
   */
  async releaseWith(work: (connection: Connection) => Promise<void>, commitMs: number): Promise<void> {
    this.#stop();
    this.#connection.hold();
    try {
      await work(this.#connection);
      const { command } = await this.#connection.ask('COMMIT', [], commitMs);
      // So PostgreSQL answers, and not by an error, when a statement has failed before.
      if (command !== 'COMMIT') throw new Error('PostgreSQL rolled the transaction back.');
    } catch (error) {
      this.#connection.destroy();
      throw error;
    }
    this.#connection.letGo();
    this.#options.atRest(this.#connection);
  }

  /** Asks for a sign of life, so that a host that has gone silent is noticed; and whether the run is cancelled, in the same message. */
  #check(): void {
    if (this.#checking || this.#inUse) return;
    this.#checking = true;
    const silent = setTimeout(() => {
      // The answer may be here already, unread, when the event loop was blocked: it is read before setImmediate's turn.
      setImmediate(() => {
        if (this.#checking) this.#lose(this.#silence());
      });
    }, this.#options.checkMs).unref();
    const answered = (error?: Error) => {
      clearTimeout(silent);
      this.#checking = false;
      if (error !== undefined) this.#lose(whatHappened(error));
      else this.#expectTransaction();
    };
    this.#look().then(
      () => answered(),
      (error) => answered(error),
    );
  }

  /** A look that fails by itself, since somebody has locked the table, tells as well that the connection lives. */
  async #look(): Promise<void> {
    try {
      const answer: unknown = await this.#connection.query(this.#options.look);
      const [row] = (answer as QueryResult<{ cancellation: Cancellation }>[])[2]?.rows ?? [];
      if (row) this.#tellCancelled(row.cancellation);
    } catch (error) {
      if (isConnectionLost(error)) throw error;
      if (this.#connection.getTransactionStatus() !== 'I') await this.#connection.query(UNDO_LOOK);
    }
  }

  /** A pooler may have put another server's session under this connection; then the transaction is gone. */
  #expectTransaction(): void {
    if (this.#connection.getTransactionStatus() !== 'T') this.#lose('lost its transaction');
  }

  #silence(): string {
    return `fell silent for ${this.#options.checkMs / 1000} s`;
  }

  #lose(what: string): void {
    if (this.#over) return;
    this.#stop();
    this.#connection.destroy();
    this.#tellLost(
      new UnavailableError(
        `the connection to PostgreSQL at ${this.#server.label} that held this run's lock ${what}, so that another run could start; this run has to stop`,
      ),
    );
  }

  #stop(): void {
    this.#over = true;
    clearInterval(this.#timer);
  }
}

/** How node-postgres, which has no code for it, tells that an answer hasn't come in time. */
const isSilence = (error: unknown): boolean => (error as Error).message === 'Query read timeout';

function whatHappened(error: Error & { code?: string }): string {
  switch (error.code) {
    case SQLSTATE.adminShutdown:
      return 'was terminated by an administrator, or the server shut down';
    case SQLSTATE.crashShutdown:
      return 'was ended by a crash of the server';
    case SQLSTATE.idleInTransactionSessionTimeout:
    case SQLSTATE.transactionTimeout:
    case SQLSTATE.idleSessionTimeout:
      return `was ended by a timeout of the server (${error.message})`;
    case undefined:
      return 'was closed by the other side';
    default:
      return `broke (${error.code})`;
  }
}
