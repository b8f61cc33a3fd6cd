// Sends what the outbox holds, one message at a time, each in a transaction that keeps it locked until the broker has confirmed it.
import { hasCode, PermanentError } from '../../errors.ts';
import type { Context, OutgoingMessage } from '../../job.ts';
import { lockNext, lockOwn, markConfirmed } from './outbox.ts';
import type { Params } from './params.ts';
import { inTransaction, type Query } from './transaction.ts';

export type JobContext = Context<Params, 'postgres' | 'rabbitmq'>;

/**
 * Sends one message of this run, unless it has been confirmed before.
 * @returns whether it was sent now
 */
export async function deliverOwn(context: JobContext, messageId: string): Promise<boolean> {
  return (await deliver(context, (query) => lockOwn(query, messageId))) !== undefined;
}

/**
 * Sends what earlier runs left unconfirmed. A message that can't be delivered whatever is tried doesn't hold up the others.
 * @returns the ids of those that were confirmed
 * @throws {PermanentError} at the end, when there were such messages
 */
export async function deliverEarlier(context: JobContext): Promise<string[]> {
  const confirmed: string[] = [];
  const failed: string[] = [];
  let lastError: unknown;
  for (;;) {
    let tried: string | undefined;
    try {
      const sent = await deliver(context, async (query) => {
        const next = await lockNext(query, context.job, failed);
        tried = next?.messageId;
        return next;
      });
      if (sent === undefined) break;
      confirmed.push(sent);
    } catch (error) {
      if (tried === undefined || !hasCode(error, 'ERR_RUN_JOB_PERMANENT')) throw error;
      context.log.error('An earlier message can not be delivered', { messageId: tried, error: error.message });
      failed.push(tried);
      lastError = error;
    }
  }
  if (failed.length === 0) return confirmed;
  throw new PermanentError(
    `This run's report is confirmed, but earlier messages (${failed.join(', ')}) can't be delivered: ${(lastError as Error).message}. Or delete them from run_job.outbox`,
    { cause: lastError },
  );
}

/** The limit of a whole transaction came with version 17. */
const WITHOUT_TIMEOUT =
  "SELECT set_config(name, '0', true) FROM (VALUES ('transaction_timeout')) AS s (name) WHERE current_setting(name, true) IS NOT NULL";

async function deliver(
  context: JobContext,
  lock: (query: Query) => Promise<OutgoingMessage | undefined>,
): Promise<string | undefined> {
  const { params } = context;
  // The connection is idle while the broker is waited for, and must keep the row's lock.
  const settings = { idle_in_transaction_session_timeout: 0 };
  return inTransaction(context, { settings }, async (query) => {
    await query(WITHOUT_TIMEOUT);
    const message = await lock(query);
    if (!message) return undefined;
    await publish(context, { ...message, mandatory: !params.allowUnroutable });
    await markConfirmed(query, message.messageId);
    return message.messageId;
  });
}

async function publish({ rabbitmq, span, signal, count, log }: JobContext, message: OutgoingMessage): Promise<void> {
  const exchange = message.exchange ?? rabbitmq.exchange;
  const attributes = {
    'messaging.system': 'rabbitmq',
    'messaging.operation.name': 'publish',
    'messaging.operation.type': 'send',
    'messaging.destination.name': `${exchange}:${message.routingKey}`,
    'messaging.rabbitmq.destination.routing_key': message.routingKey,
    'messaging.message.id': message.messageId,
    'messaging.message.body.size': message.body.length,
  };
  await span(`send ${exchange}:${message.routingKey}`, { kind: 'client', attributes }, () =>
    rabbitmq.publish(message, { signal }),
  );
  count('messages_confirmed', 1);
  log.info('The broker has confirmed the report', {
    messageId: message.messageId,
    exchange,
    routingKey: message.routingKey,
  });
}
