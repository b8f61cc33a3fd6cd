// Opens and closes connections to PostgreSQL so that none can hang, kill the process, or keep it alive when idle.
import type { Socket } from 'node:net';
import { Client, type QueryResult } from 'pg';
import { explain, explainConnect } from './explain.ts';
import { readDatesTruly } from './reading.ts';
import type { Server } from './server.ts';

/** How long a connection may stay silent before the kernel asks whether the other side still lives. */
const KEEP_ALIVE_AFTER_MS = 10_000;
/** How long a connection may take to say goodbye. */
const CLOSE_TIMEOUT_MS = 1_000;

/** A connection of node-postgres that fails in our words. */
export class Connection extends Client {
  /** Told by the server at the start; the types of node-postgres lack it. */
  declare readonly processID: number | null;
  /** The settings that the server tells by itself, at the start and whenever they change. */
  readonly reported = new Map<string, string>();
  readonly #server: Server;

  constructor(server: Server) {
    // No `options` and no timeouts here: PgBouncer refuses startup parameters that it doesn't track.
    super({
      ...server.config,
      connectionTimeoutMillis: server.connectTimeoutMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS,
    });
    this.#server = server;
    // Without a listener, a connection that breaks while it is idle would be an uncaught exception. Whoever uses the
    // connection learns of it from the query that fails; whoever must know at once adds a listener.
    this.on('error', () => {});
    this.connection.on('parameterStatus', (status: { parameterName: string; parameterValue: string }) =>
      this.reported.set(status.parameterName, status.parameterValue),
    );
  }

  override connect(): Promise<Client>;
  override connect(callback: (error: Error | null, client?: Client) => void): void;
  override connect(callback?: (error: Error | null, client?: Client) => void): Promise<Client> | undefined {
    const connected = super
      .connect()
      .then(() => this.adjust(this.#server.connectTimeoutMs))
      .catch((error) => {
        // Where the login fails on our side (no password to give), node-postgres leaves the socket open and the server waiting.
        this.destroy();
        throw explainConnect(error, this.#server);
      })
      .then(() => this as Client);
    if (callback === undefined) return connected;
    // The pool asks in this way.
    connected.then(
      () => callback(null, this),
      (error) => callback(error),
    );
    return undefined;
  }

  /** Makes the session one in which node-postgres reads values truly, as far as those who use the connection need. */
  protected adjust(timeoutMs: number): Promise<void> {
    return readDatesTruly(this, timeoutMs);
  }

  /**
   * Runs one statement that must answer within `timeoutMs`; a connection that failed to is of no more use.
   * @throws as node-postgres does; `explain` turns it into our errors
   */
  ask(text: string, values: readonly unknown[], timeoutMs: number): Promise<QueryResult> {
    const query = { text, values: [...values], query_timeout: timeoutMs };
    return super.query(query);
  }

  /** Whether the database takes every character. */
  get takesAllTexts(): boolean {
    return /^(?:UTF8|SQL_ASCII)$/.test(this.reported.get('server_encoding') ?? 'UTF8');
  }

  /** Whether the server still owes an answer. */
  get isAsked(): boolean {
    return !(this as unknown as { readonly readyForQuery: boolean }).readyForQuery;
  }

  /** Keeps the process alive while something waits for this connection. */
  hold(): void {
    this.#socket().ref();
  }

  /** Lets the process end although this connection is open. */
  letGo(): void {
    this.#socket().unref();
  }

  /** The descriptor of its socket, which Node doesn't tell publicly; undefined where it can't be told. */
  get descriptor(): number | undefined {
    const { _handle: handle } = this.#socket() as { _handle?: { readonly fd?: number } | null };
    return handle?.fd !== undefined && handle.fd >= 0 ? handle.fd : undefined;
  }

  /** Drops the connection without a word. */
  destroy(): void {
    this.#socket().destroy();
  }

  /** Says goodbye, and hangs up when that takes too long. Never rejects. */
  async close(): Promise<void> {
    const hangUp = setTimeout(() => this.destroy(), CLOSE_TIMEOUT_MS);
    await this.end().catch(() => {});
    clearTimeout(hangUp);
  }

  #socket(): Socket {
    return this.connection.stream as Socket;
  }
}

/**
 * Opens one connection.
 * @throws {UnavailableError} the server can't be reached now
 * @throws {ConfigError} it never will be with this configuration
 */
export async function openConnection(server: Server): Promise<Connection> {
  const connection = new Connection(server);
  await connection.connect();
  return connection;
}

/**
 * Opens one connection, works with it and closes it.
 * @throws {UnavailableError | ConfigError} whatever PostgreSQL says, in our words where we have some
 */
export async function withConnection<T>(server: Server, work: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await openConnection(server);
  try {
    return await work(connection);
  } catch (error) {
    throw explain(error, server);
  } finally {
    await connection.close();
  }
}
