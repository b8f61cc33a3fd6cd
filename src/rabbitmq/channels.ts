// What one connection is used for: channels that carry one message each at a time, and a bounded wait for each confirm.
import { once } from 'node:events';
import type { ConfirmChannel } from 'amqplib';
import type { OutgoingMessage } from '../job.ts';
import { orAborted } from '../runner/limited.ts';
import { publishAndConfirm } from './confirm.ts';
import type { Connection } from './connection.ts';
import { ensureExchange } from './exchange.ts';
import { blocked, lost, type Route, silent } from './publish-errors.ts';
import { Turnstile } from './turnstile.ts';

/** How many messages are under way at once; RabbitMQ allows 2,047 channels a connection, and each costs it memory. */
const MAX_CHANNELS = 32;

/** How long one try may take. */
export interface SendLimits {
  /** Ends the wait: the run is to stop, or the time for this message is up. */
  readonly signal: AbortSignal;
  /** How long the broker may be silent, not counting the time in which it has blocked its publishers. */
  readonly confirmTimeoutMs: number;
}

/** A connection in use. */
export class Channels {
  readonly connection: Connection;
  readonly #ownExchange: string;
  #exchangeReady: Promise<void> | undefined;
  readonly #idle: ConfirmChannel[] = [];
  readonly #turnstile = new Turnstile(MAX_CHANNELS);

  constructor(connection: Connection, ownExchange: string) {
    this.connection = connection;
    this.#ownExchange = ownExchange;
  }

  /**
   * Publishes once and waits for the broker's ack.
   * @throws {UnavailableError} nack, silence, block, or the connection's end
   * @throws {PermanentError} missing exchange, no permission, no queue, refused message
   */
  async send(message: OutgoingMessage, route: Route, { signal, confirmTimeoutMs }: SendLimits): Promise<void> {
    const silence = new AbortController();
    const listen = () => {
      // A blocked broker reads nothing, so its silence says nothing.
      if (this.connection.blocked !== undefined) timer = setTimeout(listen, confirmTimeoutMs);
      else silence.abort(silent(route, confirmTimeoutMs));
    };
    let timer = setTimeout(listen, confirmTimeoutMs);
    const stop = AbortSignal.any([signal, silence.signal, this.connection.lost]);
    try {
      const leave = await this.#turnstile.enter(stop);
      try {
        await this.#send(message, route, stop);
      } finally {
        leave();
      }
    } catch (error) {
      // The confirm callbacks of a lost connection say only that the channel closed; the connection knows why.
      if (this.connection.lost.aborted) throw lost(route, this.connection.lost.reason);
      if (this.connection.blocked !== undefined && signal.aborted) throw blocked(route, this.connection.blocked);
      if (silence.signal.aborted) this.connection.drop();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async #send(message: OutgoingMessage, route: Route, stop: AbortSignal): Promise<void> {
    if (this.connection.blocked !== undefined) await this.#unblocked(stop);
    if (route.exchange === this.#ownExchange) await orAborted(this.#ensureExchange(route), stop);
    const channel = this.#idle.pop() ?? (await orAborted(this.#openChannel(), stop));
    try {
      await orAborted(publishAndConfirm(channel, message, route), stop);
      this.#idle.push(channel);
    } catch (error) {
      // Its state is unknown, or it is closed already: never used again.
      channel.close().catch(() => {});
      throw error;
    }
  }

  async #unblocked(stop: AbortSignal): Promise<void> {
    await once(this.connection.model, 'unblocked', { signal: stop }).catch(() => stop.throwIfAborted());
  }

  #ensureExchange({ exchange, address }: Route): Promise<void> {
    this.#exchangeReady ??= ensureExchange(this.connection.model, exchange, address).catch((error) => {
      this.#exchangeReady = undefined;
      throw error;
    });
    return this.#exchangeReady;
  }

  async #openChannel(): Promise<ConfirmChannel> {
    const channel = await this.connection.model.createConfirmChannel();
    // An `error` event without a listener would end the process, also between messages.
    channel.on('error', () => {});
    channel.on('close', () => {
      const at = this.#idle.indexOf(channel);
      if (at >= 0) this.#idle.splice(at, 1);
    });
    return channel;
  }
}
