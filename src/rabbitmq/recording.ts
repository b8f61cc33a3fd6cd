// RabbitMQ as a test has it: a broker in memory, which has every exchange and a queue for every message.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { UnavailableError } from '../errors.ts';
import type { OutgoingMessage, RabbitMq } from '../job.ts';
import { checkEncodable } from './encodable.ts';

/** Keeps what is published, in order; what is closed takes nothing more. */
export function recordingRabbitMq(
  exchange: string,
  published: OutgoingMessage[],
): RabbitMq & { close(): Promise<void> } {
  let closed = false;
  return {
    exchange,
    async publish(message, { signal } = {}) {
      signal?.throwIfAborted();
      checkEncodable(message, message.exchange ?? exchange);
      const copy = copyOf(message);
      // As a broker's answer does, this one comes later: whoever doesn't wait for it, or aborts meanwhile, sees the same here as there.
      await nextTurn();
      signal?.throwIfAborted();
      if (closed) throw new UnavailableError('The connection to RabbitMQ was closed by this process');
      published.push(copy);
    },
    async close() {
      closed = true;
    },
  };
}

/** What the job does with its message afterwards doesn't change what was published. */
function copyOf(message: OutgoingMessage): OutgoingMessage {
  const { body, headers, timestamp } = message;
  return {
    ...message,
    body: Buffer.from(body),
    ...(headers && { headers: { ...headers } }),
    ...(timestamp && { timestamp: new Date(timestamp) }),
  };
}
