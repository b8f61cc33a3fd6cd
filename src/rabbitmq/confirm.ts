// One message on one channel, from basic.publish to the broker's verdict.
import { type ConfirmChannel, IllegalOperationError, type Options } from 'amqplib';
import type { OutgoingMessage } from '../job.ts';
import { explainChannelClose, nacked, type Route, unencodable, unroutable } from './publish-errors.ts';

/** Who sends, in the message's `appId`. */
const APP_ID = 'run-job';

/**
 * Publishes and settles with the broker's answer: ack, nack, return, or the end of the channel.
 *
 * The channel must carry nothing else meanwhile: then whatever happens to it happened to this message, and a `return` (which comes
 * before the ack that amqplib reports as a success) can't be another's. Its messageId is compared all the same.
 */
export function publishAndConfirm(channel: ConfirmChannel, message: OutgoingMessage, route: Route): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    let returned: string | undefined;
    let closedBecause: Error | undefined;
    const onReturn = ({ properties, fields }: { properties: { messageId?: string }; fields: object }) => {
      const reply = fields as { replyCode: number; replyText: string };
      if (properties.messageId === message.messageId) returned = `${reply.replyCode} ${reply.replyText}`;
    };
    const onError = (error: Error) => {
      closedBecause = error;
    };
    const settle = (error: Error | null) => {
      channel.off('return', onReturn);
      channel.off('error', onError);
      if (closedBecause) reject(explainChannelClose(closedBecause, route));
      else if (error?.message === 'message nacked') reject(nacked(route));
      else if (error) reject(explainChannelClose(error, route));
      else if (returned) reject(unroutable(route, returned));
      else resolve();
    };
    channel.on('return', onReturn);
    channel.on('error', onError);
    try {
      channel.publish(route.exchange, message.routingKey, asBuffer(message.body), properties(message), settle);
    } catch (error) {
      // amqplib throws when the channel was already closed, and when it can't encode the message.
      if (error instanceof IllegalOperationError) settle(error);
      else reject(unencodable(route, error as Error));
    }
  });
}

function properties(message: OutgoingMessage): Options.Publish {
  return {
    persistent: true,
    mandatory: message.mandatory ?? true,
    appId: APP_ID,
    messageId: message.messageId,
    contentType: message.contentType,
    headers: message.headers ?? {},
    ...(message.type !== undefined && { type: message.type }),
    // AMQP counts whole seconds.
    ...(message.timestamp && { timestamp: Math.floor(message.timestamp.getTime() / 1000) }),
  };
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
