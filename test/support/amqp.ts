// The other end of RabbitMQ in tests: a queue on an exchange, and a real consumer that acks what it gets.
import { once } from 'node:events';
import { type ChannelModel, type ConsumeMessage, connect, type Options } from 'amqplib';

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
  return queue;
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
