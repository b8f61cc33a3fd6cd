// Publishes until the broker has confirmed: connects anew and tries again where that can help, within a time limit.
import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode, UnavailableError } from '../errors.ts';
import type { Logger, OutgoingMessage, RabbitMq } from '../job.ts';
import { orAborted } from '../runner/limited.ts';
import type { Broker } from './broker.ts';
import { Channels } from './channels.ts';
import { type Connection, type ConnectOptions, connectToAny } from './connection.ts';
import { checkEncodable } from './encodable.ts';
import { outOfTime, routeOf } from './publish-errors.ts';

/** The bound of the first wait between two tries; it doubles each time up to the last, and the wait is random below it. */
const FIRST_DELAY_MS = 100;
const LAST_DELAY_MS = 5000;

/** What a publisher is made with. */
export interface PublisherOptions extends Omit<ConnectOptions, 'onBlocked'> {
  readonly brokers: readonly Broker[];
  readonly exchange: string;
  readonly log: Logger;
  /** How long the broker may be silent about one try. */
  readonly confirmTimeoutMs: number;
  /** How long one message is tried in all. */
  readonly giveUpAfterMs: number;
}

/** The port `RabbitMq` over one connection at a time. */
export class Publisher implements RabbitMq {
  readonly exchange: string;
  readonly #options: PublisherOptions;
  readonly #closing = new AbortController();
  #channels: Promise<Channels> | undefined;
  #publishing = 0;

  constructor(options: PublisherOptions) {
    this.exchange = options.exchange;
    this.#options = options;
  }

  /** How many messages are neither confirmed nor given up. */
  get publishing(): number {
    return this.#publishing;
  }

  /** Connects, unless it is connected. Those who ask at the same time share one attempt. */
  connect(): Promise<Channels> {
    this.#channels ??= this.#open().catch((error) => {
      this.#channels = undefined;
      throw error;
    });
    return this.#channels;
  }

  async publish(message: OutgoingMessage, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
    const { giveUpAfterMs, log } = this.#options;
    const { routingKey, exchange = this.exchange } = message;
    signal?.throwIfAborted();
    checkEncodable(message, exchange);
    const timeUp = new AbortController();
    const timer = setTimeout(() => timeUp.abort(outOfTime({ exchange, routingKey }, giveUpAfterMs)), giveUpAfterMs);
    const stop = AbortSignal.any([timeUp.signal, this.#closing.signal, ...(signal ? [signal] : [])]);
    let last: unknown;
    this.#publishing += 1;
    try {
      for (let tries = 1; ; tries += 1) {
        try {
          return await this.#publishOnce(message, stop);
        } catch (error) {
          signal?.throwIfAborted();
          if (!hasCode(error, 'ERR_RUN_JOB_UNAVAILABLE')) throw error;
          // What went wrong before says more than that the time is up.
          if (error !== stop.reason || last === undefined) last = error;
          if (stop.aborted) throw givenUp(last as Error, tries);
          const delayMs = Math.random() * Math.min(LAST_DELAY_MS, FIRST_DELAY_MS * 2 ** (tries - 1));
          log.warn('RabbitMQ has not confirmed a message; publishing it again', {
            messageId: message.messageId,
            tries,
            delayMs: Math.round(delayMs),
            error: error.message,
          });
          await sleep(delayMs, undefined, { signal: stop }).catch(() => {});
        }
      }
    } finally {
      this.#publishing -= 1;
      clearTimeout(timer);
    }
  }

  /** Closes the connection; what is still being published fails. */
  async close(): Promise<void> {
    this.#closing.abort(new UnavailableError('The connection to RabbitMQ was closed by this process'));
    const channels = await this.#channels?.catch(() => undefined);
    await channels?.connection.close();
  }

  async #publishOnce(message: OutgoingMessage, stop: AbortSignal): Promise<void> {
    stop.throwIfAborted();
    const channels = await orAborted(this.connect(), stop);
    const route = routeOf(message, message.exchange ?? this.exchange, channels.connection.broker.address);
    await channels.send(message, route, { signal: stop, confirmTimeoutMs: this.#options.confirmTimeoutMs });
  }

  async #open(): Promise<Channels> {
    const { brokers, log, exchange } = this.#options;
    const onBlocked = (broker: string, reason: string | undefined) =>
      reason === undefined
        ? log.info('RabbitMQ takes messages again', { broker })
        : log.warn('RabbitMQ has blocked its publishers; waiting until it takes messages again', { broker, reason });
    const connection = await connectToAny(brokers, { ...this.#options, onBlocked }, this.#closing.signal);
    connection.lost.addEventListener('abort', () => this.#forget(connection));
    log.debug('Connected to RabbitMQ', { broker: connection.broker.address, vhost: connection.broker.vhost });
    return new Channels(connection, exchange);
  }

  #forget({ lost }: Connection): void {
    this.#channels = undefined;
    if (!this.#closing.signal.aborted)
      this.#options.log.warn('RabbitMQ is gone', { error: (lost.reason as Error).message });
  }
}

function givenUp(last: Error, tries: number): UnavailableError {
  return new UnavailableError(tries === 1 ? last.message : `${last.message} (gave up after ${tries} tries)`, {
    cause: last,
  });
}
