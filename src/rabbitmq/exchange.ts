// The configured exchange: used as it is where it exists, declared where it doesn't.
import type { ChannelModel } from 'amqplib';
import { undeclarable } from './publish-errors.ts';

/**
 * Makes sure that the exchange exists.
 *
 * Looks first and declares only what is missing: a declaration of an exchange that exists fails (406) when its owner gave it an
 * alternate exchange or another type, and needs the configure permission, which a publisher often lacks.
 * @throws {PermanentError} it is missing, and the broker's user may not declare it
 */
export async function ensureExchange(model: ChannelModel, exchange: string, address: string): Promise<void> {
  if (!(await isMissing(model, exchange))) return;
  try {
    await onOwnChannel(model, (channel) => channel.assertExchange(exchange, 'topic', { durable: true }));
  } catch (cause) {
    throw undeclarable(cause as Error, { exchange, address });
  }
}

/** Whether the broker says that there is no such exchange. */
export async function isMissing(model: ChannelModel, exchange: string): Promise<boolean> {
  // The default exchange always exists, and can't be asked for.
  if (exchange === '') return false;
  try {
    await onOwnChannel(model, (channel) => channel.checkExchange(exchange));
    return false;
  } catch (error) {
    // Whatever else is wrong (403) the publish itself will tell better.
    return (error as { code?: unknown }).code === 404;
  }
}

/** A failed check closes its channel, so it gets one of its own. */
async function onOwnChannel(
  model: ChannelModel,
  step: (channel: Awaited<ReturnType<ChannelModel['createChannel']>>) => Promise<unknown>,
): Promise<void> {
  const channel = await model.createChannel();
  // The failed call is rejected with the same error; without a listener the event would end the process.
  channel.on('error', () => {});
  await step(channel);
  await channel.close();
}
