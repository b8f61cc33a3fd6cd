// Opens the adapter for a test, with limits that keep it fast, and a message to send.
import type { Logger, OutgoingMessage, RabbitMq } from '../../src/job.ts';
import { openRabbitMq, type RabbitMqOptions } from '../../src/rabbitmq/rabbitmq.ts';
import { EXCHANGE } from '../support/amqp.ts';
import { recordedLog } from '../support/recorded-log.ts';

/** A publisher that closes with its scope. */
export async function open(
  url: string | string[],
  options: Partial<RabbitMqOptions> = {},
): Promise<RabbitMq & AsyncDisposable & { close(): Promise<void> }> {
  const log: Logger = options.log ?? recordedLog();
  const publisher = await openRabbitMq({
    urls: [url].flat(),
    exchange: EXCHANGE,
    connectTimeoutMs: 5000,
    clientName: 'test',
    giveUpAfterMs: 20_000,
    ...options,
    log,
  });
  return Object.assign(publisher, { [Symbol.asyncDispose]: () => publisher.close() });
}

/** A message with this id, and whatever else is said. */
export function message(messageId: string, rest: Partial<OutgoingMessage> = {}): OutgoingMessage {
  return {
    messageId,
    routingKey: 'report.weekly.generated',
    contentType: 'application/json',
    body: Buffer.from('{}'),
    ...rest,
  };
}

/** The error that a promise is rejected with. */
export async function failure(promise: Promise<unknown>): Promise<Error> {
  const failed = Symbol('failed');
  const error = await promise.then(
    () => failed,
    (thrown) => thrown,
  );
  if (error === failed) throw new Error('It succeeded, and should have failed');
  return error;
}
