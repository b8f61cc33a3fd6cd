// One connection to one broker: opened within a time limit, closed within another, and never an error event without a listener.
import { setTimeout as sleep } from 'node:timers/promises';
import { type ChannelModel, connect } from 'amqplib';
import { type RunJobError, UnavailableError } from '../errors.ts';
import type { Broker } from './broker.ts';
import { explainConnectError, explainNoBroker } from './connect-errors.ts';
import type { TlsOptions } from './tls.ts';

/** What a connection is opened with. */
export interface ConnectOptions {
  readonly tls: TlsOptions;
  /** How long one broker has to answer. */
  readonly connectTimeoutMs: number;
  /** What the broker shows as the connection's name. */
  readonly clientName: string;
  /** Called when the broker stops taking messages (the reason), and when it takes them again (nothing). */
  readonly onBlocked: (address: string, reason: string | undefined) => void;
}

/** How long the closing handshake may take before the socket is simply destroyed. */
const CLOSE_TIMEOUT_MS = 2000;

/** An open connection. */
export class Connection {
  readonly broker: Broker;
  readonly model: ChannelModel;
  /** Why the broker takes no messages now (`low on memory`); undefined while it does. */
  blocked: string | undefined;
  readonly #lost = new AbortController();
  readonly #socket: AbortController;

  constructor(broker: Broker, model: ChannelModel, socket: AbortController, onBlocked: ConnectOptions['onBlocked']) {
    this.broker = broker;
    this.model = model;
    this.#socket = socket;
    let error: Error | undefined;
    // An `error` event without a listener would end the process. `close` always follows, and then carries the reason as well where
    // the broker closed in order (a shutdown, an operator), which is not told as an `error`.
    model.on('error', (cause) => {
      error = cause;
    });
    model.on('close', (cause) => this.#lose(error ?? cause));
    model.on('blocked', (reason) => {
      this.blocked = reason;
      onBlocked(broker.address, reason);
    });
    model.on('unblocked', () => {
      this.blocked = undefined;
      onBlocked(broker.address, undefined);
    });
  }

  /** Aborts when the connection is gone; its reason is an `UnavailableError` that says why. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Gives the connection up at once: what was sent on it and not confirmed counts as not sent. */
  drop(): void {
    this.#lose();
    this.#socket.abort();
  }

  /** Closes in order, or by force when the broker doesn't answer. Never rejects. */
  async close(): Promise<void> {
    const timer = new AbortController();
    await Promise.race([
      this.model.close().catch(() => {}),
      sleep(CLOSE_TIMEOUT_MS, undefined, { signal: timer.signal }).catch(() => {}),
    ]);
    timer.abort();
    this.drop();
  }

  #lose(cause?: Error): void {
    const why = cause ? ` (${cause.message})` : '';
    this.#lost.abort(
      new UnavailableError(
        `The connection to RabbitMQ at ${this.broker.address} was lost${why}: check the broker's log and the network`,
        { cause },
      ),
    );
  }
}

/**
 * Tries the brokers in turn and returns a connection to the first that answers.
 * @throws {UnavailableError} none answered, and a retry may help
 * @throws {ConfigError} every one refused what only another configuration mends
 * @throws the signal's reason, when it aborts
 */
export async function connectToAny(
  brokers: readonly Broker[],
  options: ConnectOptions,
  signal: AbortSignal,
): Promise<Connection> {
  const errors: RunJobError[] = [];
  for (const broker of brokers) {
    const result = await connectTo(broker, options, signal);
    if (result instanceof Connection) return result;
    signal.throwIfAborted();
    errors.push(result);
  }
  throw explainNoBroker(errors);
}

async function connectTo(
  broker: Broker,
  options: ConnectOptions,
  signal: AbortSignal,
): Promise<Connection | RunJobError> {
  // amqplib's own `timeout` bounds silence, not the handshake, and it offers no way to end a socket. Node's sockets end by a signal.
  const socket = new AbortController();
  const stop = () => socket.abort();
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    stop();
  }, options.connectTimeoutMs);
  signal.addEventListener('abort', stop);
  try {
    const model = await connect(broker.options, {
      ...(broker.tls ? options.tls : {}),
      credentials: broker.credentials,
      clientProperties: { connection_name: options.clientName },
      noDelay: true,
      keepAlive: true,
      ...{ signal: socket.signal },
    });
    return new Connection(broker, model, socket, options.onBlocked);
  } catch (error) {
    return explainConnectError(error as Error, broker, timedOut ? options.connectTimeoutMs : undefined);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}
