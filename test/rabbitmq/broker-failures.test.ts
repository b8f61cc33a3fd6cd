// The broker itself stops, restarts, or raises an alarm: on a node of this file's own, for it concerns everybody on it.
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { PermanentError, UnavailableError } from '../../src/errors.ts';
import { bindQueue, consume, EXCHANGE } from '../support/amqp.ts';
import { startRabbitMq } from '../support/rabbitmq-server.ts';
import type { RabbitMqServer } from '../support/rabbitmqctl.ts';
import { recordedLog } from '../support/recorded-log.ts';
import { NOT_OURS } from '../support/vhost.ts';
import { failure, message, open } from './open.ts';

// rabbitmqctl and a node's start take many times longer on a busy machine.
vi.setConfig({ testTimeout: 180_000 });

let server: RabbitMqServer;
let queue: string;

beforeAll(async () => {
  server = await startRabbitMq();
  if (!server.address.control) return;
  queue = await bindQueue(server.url, EXCHANGE);
});

beforeEach(({ skip }) => skip(!server.address.control, NOT_OURS));

afterAll(() => server?.[Symbol.asyncDispose]());

test('a message that is refused as too large (406) is a permanent error', async () => {
  // Newer servers keep it as a persistent term, older ones in the application's environment.
  await server.ctl(
    'eval',
    'application:set_env(rabbit, max_message_size, 100), persistent_term:put(max_message_size, 100).',
  );
  await using rabbitmq = await open(server.url);
  const error = await failure(rabbitmq.publish(message('large', { body: Buffer.alloc(200) })));
  expect(error).toBeInstanceOf(PermanentError);
  expect(error.message).toMatch(
    /^Exchange 'run_job\.events[^']*' at .* refused the message \(406 PRECONDITION_FAILED, routing key 'report\.weekly\.generated'\)/,
  );
});

test('an alarm blocks publishers: that is an error of its own, and the message goes out when the alarm is over', async () => {
  await using consumer = await consume(server.url, queue);
  const log = recordedLog();
  await using rabbitmq = await open(server.url, { log, confirmTimeoutMs: 500, giveUpAfterMs: 120_000 });
  await using impatient = await open(server.url, { giveUpAfterMs: 1500 });
  await server.ctl('set_vm_memory_high_watermark', '0.00001');
  const error = await failure(impatient.publish(message('never')));
  expect(error).toBeInstanceOf(UnavailableError);
  expect(error.message).toMatch(
    /exchange 'run_job\.events[^']*' with routing key .* was not confirmed .*: the broker has blocked its publishers \(low on memory\): free its memory/,
  );
  const published = rabbitmq.publish(message('late'));
  expect((await log.seen('RabbitMQ has blocked its publishers')).fields.reason).toBe('low on memory');
  await server.ctl('set_vm_memory_high_watermark', '0.6');
  await published;
  await log.seen('RabbitMQ takes messages again');
  await consumer.reached(1);
  while (!consumer.ids().includes('late')) await consumer.reached(consumer.received.length + 1);
  expect(log.lines.some(({ message: text }) => text.includes('publishing it again'))).toBe(false);
});

test('a broker that stops in mid-run is waited for, and confirmed messages survive its restart', async () => {
  const log = recordedLog();
  await using rabbitmq = await open(server.url, { log, giveUpAfterMs: 120_000 });
  await using impatient = await open(server.url, { giveUpAfterMs: 300 });
  await rabbitmq.publish(message('before'));
  await server.stop();
  await log.seen('RabbitMQ is gone');
  const error = await failure(impatient.publish(message('never')));
  expect(error).toBeInstanceOf(UnavailableError);
  expect(error.message).toMatch(/^RabbitMQ at 127\.0\.0\.1:\d+ can't be reached \(ECONNREFUSED\)/);
  const published = rabbitmq.publish(message('after'));
  await log.seen('publishing it again');
  await server.start();
  await published;
  await using consumer = await consume(server.url, queue);
  await consumer.reached(2);
  expect(consumer.ids()).toEqual(['before', 'after']);
});
