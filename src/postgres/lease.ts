// A held lock: watches over its connection, since a run that can't prove its lock must stop.
import { UnavailableError } from '../errors.ts';
import type { Lease } from '../runner/ports.ts';
import type { Connection } from './connect.ts';
import type { Server } from './server.ts';
import { SQLSTATE } from './sqlstate.ts';

/** How long the server may take to answer the COMMIT that frees the locks. */
const RELEASE_TIMEOUT_MS = 2_000;

/** Holds the transaction of a connection on which the locks have been taken. */
export class HeldLease implements Lease {
  readonly lost: Promise<Error>;
  readonly #connection: Connection;
  readonly #server: Server;
  readonly #checkMs: number;
  readonly #timer: NodeJS.Timeout;
  #tellLost: (cause: Error) => void = () => {};
  #over = false;
  #checking = false;

  constructor(connection: Connection, server: Server, checkMs: number) {
    this.#connection = connection;
    this.#server = server;
    this.#checkMs = checkMs;
    this.lost = new Promise((resolve) => {
      this.#tellLost = resolve;
    });
    connection.on('error', (error) => this.#lose(whatHappened(error)));
    connection.on('end', () => this.#lose('was closed'));
    this.#timer = setInterval(() => this.#check(), checkMs).unref();
    // The lock alone mustn't keep the process alive: an event loop that drains with the job unfinished is a crash that
    // has to be seen.
    connection.letGo();
  }

  /** Ends the transaction, which frees the locks; when nobody answers in time, hangs up, which frees them as well. */
  async release(): Promise<void> {
    if (this.#over) return;
    this.#stop();
    this.#connection.hold();
    try {
      await this.#connection.ask('COMMIT', [], RELEASE_TIMEOUT_MS);
      // The locks are free: nobody needs to wait for the goodbye.
      this.#connection.letGo();
      void this.#connection.close();
    } catch {
      this.#connection.destroy();
    }
  }

  /** Asks for a sign of life, so that a host that has gone silent is noticed. */
  #check(): void {
    if (this.#checking) return;
    this.#checking = true;
    const silent = setTimeout(() => {
      // The answer may be here already, unread, when the event loop was blocked: it is read before setImmediate's turn.
      setImmediate(() => {
        if (this.#checking) this.#lose(`fell silent for ${this.#checkMs / 1000} s`);
      });
    }, this.#checkMs).unref();
    const answered = (error?: Error) => {
      clearTimeout(silent);
      this.#checking = false;
      if (error !== undefined) this.#lose(whatHappened(error));
      // A pooler may have put another server's session under this connection; then the transaction is gone.
      else if (this.#connection.getTransactionStatus() !== 'T') this.#lose('lost its transaction');
    };
    this.#connection.query('SELECT').then(
      () => answered(),
      (error) => answered(error),
    );
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
