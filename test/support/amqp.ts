// The other end of RabbitMQ in tests: a queue on an exchange, and a real consumer that acks what it gets.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type ChannelModel, type ConsumeMessage, connect, type Options } from 'amqplib';

/**
 * The exchange of a test file: the runner's default in a virtual host of the test's own, and one that nobody else has on a server that
 * AMQP_URL names, where all share a virtual host and may have an exchange of the default's name.
 */
export const EXCHANGE = `run_job.events${process.env.AMQP_URL ? `.${randomBytes(6).toString('hex')}` : ''}`;

/** What tests declared, for whoever has to clean up behind them. */
const declared = { exchanges: new Set([EXCHANGE]), queues: new Set<string>() };

/** A consumer that keeps every message. */
export interface Consumer extends AsyncDisposable {
  readonly received: ConsumeMessage[];
  /** The message ids, in the order of arrival, repeats included. */
  ids(): string[];
  /** Resolves when at least this many messages have come. */
  reached(count: number): Promise<void>;
}

/** Declares the exchange (durable, topic) and a durable queue on it; resolves with the queue's name. */
export async function bindQueue(
  url: string,
  exchange: string,
  routingKey = '#',
  options: Options.AssertQueue = {},
): Promise<string> {
  await using connection = await amqp(url);
  const channel = await connection.model.createChannel();
  await channel.assertExchange(exchange, 'topic', { durable: true });
  const { queue } = await channel.assertQueue(`${exchange}.${routingKey}.queue`, { durable: true, ...options });
  await channel.bindQueue(queue, exchange, routingKey);
  declared.exchanges.add(exchange);
  declared.queues.add(queue);
  return queue;
}

/** Deletes every queue that bindQueue declared, every exchange of these, and EXCHANGE. What isn't there is no error. */
export async function deleteDeclared(url: string): Promise<void> {
  await using connection = await amqp(url);
  const channel = await connection.model.createChannel();
  for (const queue of declared.queues) await channel.deleteQueue(queue);
  for (const exchange of declared.exchanges) await channel.deleteExchange(exchange);
  declared.queues.clear();
}

/** Consumes a queue until it is disposed of. */
export async function consume(url: string, queue: string): Promise<Consumer> {
  const connection = await amqp(url);
  const channel = await connection.model.createChannel();
  const received: ConsumeMessage[] = [];
  await channel.consume(queue, (message) => {
    if (!message) return;
    received.push(message);
    channel.ack(message);
    connection.model.emit('consumed');
  });
  return {
    received,
    ids: () => received.map(({ properties }) => properties.messageId),
    async reached(count) {
      while (received.length < count) await once(connection.model, 'consumed');
    },
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  };
}

/** A connection that closes with its scope, and doesn't mind being closed before. */
export async function amqp(url: string): Promise<{ model: ChannelModel } & AsyncDisposable> {
  const model = await connect(url);
  model.on('error', () => {});
  return {
    model,
    async [Symbol.asyncDispose]() {
      await model.close().catch(() => {});
    },
  };
}
