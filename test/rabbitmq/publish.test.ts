// What publish promises on a broker that works: it returns after the ack, and never takes a return, a nack or a closed channel for one.
import { connect } from 'amqplib';
import { expect, test } from 'vitest';
import { PermanentError, UnavailableError } from '../../src/errors.ts';
import { bindQueue, consume, EXCHANGE } from '../support/amqp.ts';
import { rabbitmqctl } from '../support/rabbitmqctl.ts';
import { recordedLog } from '../support/recorded-log.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { createVhost, isGiven, manage, NOT_OURS, rabbitMq } from '../support/vhost.ts';
import { message, open } from './open.ts';

/** basic.ack on the wire: class 60, method 80. */
const ACK = '\x00\x3c\x00\x50';

test('a published message is in the queue, persistent, with every property', async () => {
  await using vhost = await createVhost();
  await using consumer = await consume(vhost.url, await bindQueue(vhost.url, EXCHANGE));
  await using rabbitmq = await open(vhost.url);
  await rabbitmq.publish(
    message('id-1', {
      body: Buffer.from('{"sum":"12.50"}'),
      contentType: 'application/cloudevents+json',
      type: 'report.v1',
      timestamp: new Date('2026-11-16T08:00:00.900Z'),
      headers: { traceparent: '00-a-b-01' },
    }),
  );
  await consumer.reached(1);
  const [{ content, properties, fields } = expect.fail()] = consumer.received;
  expect(content.toString()).toBe('{"sum":"12.50"}');
  expect(fields).toMatchObject({ exchange: EXCHANGE, routingKey: 'report.weekly.generated' });
  expect(properties).toMatchObject({
    messageId: 'id-1',
    deliveryMode: 2,
    contentType: 'application/cloudevents+json',
    type: 'report.v1',
    timestamp: Date.parse('2026-11-16T08:00:00Z') / 1000,
    appId: 'run-job',
    headers: { traceparent: '00-a-b-01' },
  });
});

test('publish returns only after the ack has come', async () => {
  await using vhost = await createVhost();
  await bindQueue(vhost.url, EXCHANGE);
  await using proxy = await startTcpProxy(vhost.url);
  await using rabbitmq = await open(proxy.urlFor(vhost.url));
  const held = proxy.hold(ACK, 'to-client');
  let returned = false;
  const published = rabbitmq.publish(message('id-1')).then(() => {
    returned = true;
  });
  const ack = await held;
  expect(returned).toBe(false);
  ack.release();
  await published;
  expect(returned).toBe(true);
});

test('many messages at once are each confirmed, on no more than 32 channels', async ({ skip }) => {
  await using vhost = await createVhost();
  await using consumer = await consume(vhost.url, await bindQueue(vhost.url, EXCHANGE));
  await using rabbitmq = await open(vhost.url);
  const ids = Array.from({ length: 500 }, (_, index) => `id-${index}`);
  await Promise.all(ids.map((id) => rabbitmq.publish(message(id))));
  await consumer.reached(500);
  expect(consumer.ids().toSorted()).toEqual(ids.toSorted());
  skip(await isGiven(), NOT_OURS);
  const channels = await rabbitmqctl(await rabbitMq(), 'list_channels', 'vhost');
  // One of them is the consumer's.
  expect(channels.split(vhost.name).length - 2).toBe(32);
});

test('a message that no queue takes is an error that names the exchange and the routing key, though the broker acks it', async () => {
  await using vhost = await createVhost();
  await bindQueue(vhost.url, EXCHANGE, 'other.key');
  await using rabbitmq = await open(vhost.url);
  const error = await rabbitmq.publish(message('id-1')).catch((thrown) => thrown);
  expect(error).toBeInstanceOf(PermanentError);
  expect(error.message).toMatch(
    /^No queue takes a message of exchange 'run_job\.events[^']*' with routing key 'report\.weekly\.generated' at .*\(312 NO_ROUTE\): bind a queue/,
  );
});

test('a message that no queue takes is no error when it is not mandatory', async () => {
  await using vhost = await createVhost();
  await using rabbitmq = await open(vhost.url);
  await expect(rabbitmq.publish(message('id-1', { mandatory: false }))).resolves.toBeUndefined();
});

test('a return is held against its own message and no other', async () => {
  await using vhost = await createVhost();
  await bindQueue(vhost.url, EXCHANGE, 'taken');
  await using rabbitmq = await open(vhost.url);
  const results = await Promise.allSettled(
    Array.from({ length: 40 }, (_, index) =>
      rabbitmq.publish(message(`id-${index}`, { routingKey: index % 2 ? 'taken' : 'nobody' })),
    ),
  );
  expect(results.map(({ status }) => status)).toEqual(
    results.map((_, index) => (index % 2 ? 'fulfilled' : 'rejected')),
  );
});

test('a missing exchange (404) is an error of the message sent there, and the others are confirmed', async () => {
  await using vhost = await createVhost();
  await bindQueue(vhost.url, EXCHANGE);
  await using rabbitmq = await open(vhost.url);
  const [missing, good] = await Promise.allSettled([
    rabbitmq.publish(message('id-1', { exchange: 'nowhere' })),
    rabbitmq.publish(message('id-2')),
  ]);
  expect(good).toMatchObject({ status: 'fulfilled' });
  const { reason } = missing as PromiseRejectedResult;
  expect(reason).toBeInstanceOf(PermanentError);
  expect(reason.message).toMatch(
    /^Exchange 'nowhere' at .* doesn't exist \(404 NOT_FOUND, routing key 'report\.weekly\.generated'\): declare it/,
  );
  await expect(rabbitmq.publish(message('id-3'))).resolves.toBeUndefined();
});

test('the configured exchange is declared, durable and topic, when it is missing', async () => {
  await using vhost = await createVhost();
  await using rabbitmq = await open(vhost.url);
  await rabbitmq.publish(message('id-1', { mandatory: false }));
  const check = await connect(vhost.url);
  const channel = await check.createChannel();
  // An equal declaration passes, any other closes the channel.
  await channel.assertExchange(EXCHANGE, 'topic', { durable: true });
  await check.close();
});

test('an exchange that its owner declared otherwise is used as it is', async () => {
  await using vhost = await createVhost();
  const owner = await connect(vhost.url);
  const channel = await owner.createChannel();
  const unrouted = `${EXCHANGE}.unrouted`;
  await bindQueue(vhost.url, unrouted);
  await channel.assertExchange(EXCHANGE, 'headers', { alternateExchange: unrouted });
  await owner.close();
  await using rabbitmq = await open(vhost.url);
  await expect(rabbitmq.publish(message('id-1'))).resolves.toBeUndefined();
});

test('a user who may write but not configure can publish; who may do neither gets a 403 that says which permission is missing', async ({
  skip,
}) => {
  skip(await isGiven(), NOT_OURS);
  await using vhost = await createVhost();
  await bindQueue(vhost.url, EXCHANGE);
  const address = await rabbitMq();
  const userWith = async (name: string, write: string) => {
    await manage(address, 'PUT', `users/${vhost.name}_${name}`, { password: 'secret', tags: '' });
    await manage(address, 'PUT', `permissions/${vhost.name}/${vhost.name}_${name}`, {
      configure: '^$',
      write,
      read: '^$',
    });
    return Object.assign(new URL(vhost.url), { username: `${vhost.name}_${name}`, password: 'secret' }).href;
  };
  await using writer = await open(await userWith('writer', '.*'));
  await expect(writer.publish(message('id-1'))).resolves.toBeUndefined();

  await using reader = await open(await userWith('reader', '^$'));
  const refused = await reader.publish(message('id-2')).catch((thrown) => thrown);
  expect(refused).toBeInstanceOf(PermanentError);
  expect(refused.message).toMatch(
    /^Exchange 'run_job\.events[^']*' at .* may not be published to \(403 ACCESS_REFUSED.*write permission/,
  );

  await using stranger = await open(await userWith('stranger', '.*'), { exchange: 'not.there' });
  const undeclared = await stranger.publish(message('id-3')).catch((thrown) => thrown);
  expect(undeclared).toBeInstanceOf(PermanentError);
  expect(undeclared.message).toMatch(
    /^Exchange 'not\.there' at .* doesn't exist, and the user of AMQP_URL may not declare it/,
  );
});

test('a nack is tried again, and is an error of its own when it stays', async () => {
  await using vhost = await createVhost();
  const queue = await bindQueue(vhost.url, EXCHANGE, '#', {
    arguments: { 'x-max-length': 1, 'x-overflow': 'reject-publish' },
  });
  const log = recordedLog();
  await using rabbitmq = await open(vhost.url, { log });
  await rabbitmq.publish(message('id-1'));
  await using impatient = await open(vhost.url, { giveUpAfterMs: 300 });
  const error = await impatient.publish(message('id-2')).catch((thrown) => thrown);
  expect(error).toBeInstanceOf(UnavailableError);
  expect(error.message).toMatch(
    /exchange 'run_job\.events[^']*'.*not confirmed.*basic\.nack.*x-overflow reject-publish/,
  );

  const published = rabbitmq.publish(message('id-3'));
  await log.seen('basic.nack');
  await using consumer = await consume(vhost.url, queue);
  await published;
  await consumer.reached(2);
  expect(consumer.ids()).toEqual(['id-1', 'id-3']);
});

test('a message that AMQP cannot carry is a permanent error', async () => {
  await using vhost = await createVhost();
  await using rabbitmq = await open(vhost.url);
  const error = await rabbitmq
    .publish(message('id-1', { headers: { big: 'x'.repeat(70_000) } }))
    .catch((thrown) => thrown);
  expect(error).toBeInstanceOf(PermanentError);
  expect(error.message).toMatch(/can't be encoded/);
});
