// Why a message was not confirmed, in one sentence with its remedy, as the error that says whether to try again.
import { PermanentError, type RunJobError, UnavailableError } from '../errors.ts';
import type { OutgoingMessage } from '../job.ts';

/** A message on its way: what every error about it names. */
export interface Route {
  readonly exchange: string;
  readonly routingKey: string;
  readonly address: string;
}

/** The route of a message through one broker. */
export function routeOf(message: OutgoingMessage, exchange: string, address: string): Route {
  return { exchange, routingKey: message.routingKey, address };
}

const REPLIES: Record<number, { name: string; says: string; remedy: string }> = {
  403: {
    name: 'ACCESS_REFUSED',
    says: 'may not be published to',
    remedy: 'give the user of AMQP_URL write permission on it',
  },
  404: { name: 'NOT_FOUND', says: "doesn't exist", remedy: 'declare it (durable, topic), or correct AMQP_EXCHANGE' },
  406: {
    name: 'PRECONDITION_FAILED',
    says: 'refused the message',
    remedy: "compare the message with the broker's limits (max_message_size) and the exchange with its declaration",
  },
};

/** The broker closed the channel that carried the message. */
export function explainChannelClose(cause: Error & { code?: unknown }, route: Route): RunJobError {
  const reply = REPLIES[Number(cause.code)];
  if (!reply)
    return new UnavailableError(`${notConfirmed(route)}: the channel was closed (${cause.message})`, { cause });
  return new PermanentError(
    `Exchange '${route.exchange}' at ${route.address} ${reply.says} (${cause.code} ${reply.name}, routing key '${route.routingKey}'): ${reply.remedy}. ${serverText(cause)}`,
    { cause },
  );
}

/** No queue takes the message. */
export function unroutable({ exchange, routingKey, address }: Route, reply: string): PermanentError {
  return new PermanentError(
    `No queue takes a message of exchange '${exchange}' with routing key '${routingKey}' at ${address} (${reply}): bind a queue to the exchange with that key, or allow messages that nobody takes`,
  );
}

/** AMQP can't carry it: a name over 255 bytes, headers over 64 KiB. */
export function unencodable({ exchange, routingKey }: Route, cause: Error): PermanentError {
  return new PermanentError(
    `A message to exchange '${exchange}' with routing key '${routingKey}' can't be encoded (${cause.message}): shorten its properties`,
    { cause },
  );
}

/** The broker said that it did not take the message. */
export function nacked(route: Route): UnavailableError {
  return new UnavailableError(
    `${notConfirmed(route)}: the broker refused it (basic.nack): a queue may be full (x-overflow reject-publish) or its node down; see the broker's log`,
  );
}

/** The broker is under an alarm and reads nothing from those who publish. */
export function blocked(route: Route, reason: string): UnavailableError {
  return new UnavailableError(
    `${notConfirmed(route)}: the broker has blocked its publishers (${reason}): free its memory or disk; rabbitmqctl status shows the alarm`,
  );
}

/** No answer of any kind. */
export function silent(route: Route, ms: number): UnavailableError {
  return new UnavailableError(
    `${notConfirmed(route)} within ${ms / 1000} s: the broker or the network is overloaded; see the broker's log`,
  );
}

/** The time for all tries is up, and no try has failed for a reason of its own. */
export function outOfTime({ exchange, routingKey }: Omit<Route, 'address'>, ms: number): UnavailableError {
  return new UnavailableError(
    `A message to exchange '${exchange}' with routing key '${routingKey}' was not confirmed within ${ms / 1000} s: the broker or the network is overloaded; see the broker's log`,
  );
}

/** The connection went away before the confirm came. */
export function lost(route: Route, cause: Error): UnavailableError {
  return new UnavailableError(`${notConfirmed(route)}: ${lowerFirst(cause.message)}`, { cause });
}

/** The exchange that the configuration names is missing, and could not be declared. */
export function undeclarable(
  cause: Error & { code?: unknown },
  { exchange, address }: Omit<Route, 'routingKey'>,
): RunJobError {
  if (cause.code !== 403) {
    return new UnavailableError(`Exchange '${exchange}' at ${address} could not be declared (${cause.message})`, {
      cause,
    });
  }
  return new PermanentError(
    `Exchange '${exchange}' at ${address} doesn't exist, and the user of AMQP_URL may not declare it (403 ACCESS_REFUSED): declare it (durable, topic), or give the user configure permission on it`,
    { cause },
  );
}

const notConfirmed = ({ exchange, routingKey, address }: Route): string =>
  `A message to exchange '${exchange}' with routing key '${routingKey}' was not confirmed by RabbitMQ at ${address}`;

/** What the broker itself said, without amqplib's wrapping. */
const serverText = ({ message }: Error): string => /with message "(.*)"/s.exec(message)?.[1] ?? message;

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);
