// The contract of the port RabbitMq, held to a real broker and to the one that tests get from run-job/testing.
import { describe } from 'vitest';
import type { OutgoingMessage } from '../../src/job.ts';
import { recordingRabbitMq } from '../../src/rabbitmq/recording.ts';
import { type Received, rabbitMqContract } from '../contracts/rabbitmq.ts';
import { bindQueue, consume, EXCHANGE } from '../support/amqp.ts';
import { createVhost } from '../support/vhost.ts';
import { open } from './open.ts';

const OTHER = `${EXCHANGE}.other`;

describe('a real broker', () => {
  rabbitMqContract(async () => {
    const vhost = await createVhost();
    const consumer = await consume(vhost.url, await bindQueue(vhost.url, EXCHANGE));
    const others = await consume(vhost.url, await bindQueue(vhost.url, OTHER));
    const rabbitmq = await open(vhost.url);
    return {
      rabbitmq,
      exchange: EXCHANGE,
      otherExchange: OTHER,
      close: () => rabbitmq.close(),
      async received(count) {
        await Promise.race([consumer.reached(count), others.reached(count)]);
        return [...consumer.received, ...others.received].map(
          ({ fields, properties, content }): Received => ({
            exchange: fields.exchange,
            routingKey: fields.routingKey,
            messageId: properties.messageId,
            contentType: properties.contentType,
            type: properties.type,
            timestamp: properties.timestamp,
            headers: properties.headers ?? {},
            body: content,
          }),
        );
      },
      async [Symbol.asyncDispose]() {
        await rabbitmq.close();
        await consumer[Symbol.asyncDispose]();
        await others[Symbol.asyncDispose]();
        await vhost[Symbol.asyncDispose]();
      },
    };
  });
});

describe('the broker in memory of run-job/testing', () => {
  rabbitMqContract(async () => {
    const published: OutgoingMessage[] = [];
    const rabbitmq = recordingRabbitMq(EXCHANGE, published);
    return {
      rabbitmq,
      exchange: EXCHANGE,
      otherExchange: OTHER,
      close: () => rabbitmq.close(),
      received: async () =>
        published.map(
          ({
            exchange = EXCHANGE,
            routingKey,
            messageId,
            contentType,
            type,
            timestamp,
            headers = {},
            body,
          }): Received => ({
            exchange,
            routingKey,
            messageId,
            contentType,
            type,
            timestamp: timestamp && Math.floor(timestamp.getTime() / 1000),
            headers,
            body: Buffer.from(body),
          }),
        ),
      [Symbol.asyncDispose]: () => rabbitmq.close(),
    };
  });
});
