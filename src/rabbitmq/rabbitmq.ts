// The adapter to RabbitMQ: a publisher that returns only after the broker has confirmed the message.
import { ConfigError } from '../errors.ts';
import type { Logger } from '../job.ts';
import { parseBroker } from './broker.ts';
import { Publisher } from './publisher.ts';
import { readBrokerTls, type TlsFiles } from './tls.ts';

/** What `openRabbitMq` takes. */
export interface RabbitMqOptions {
  /** `AMQP_URL`, split: brokers that are tried in turn. */
  readonly urls: readonly string[];
  /** `AMQP_EXCHANGE`: where a message goes that names no exchange. Declared (durable, topic) when it is missing. */
  readonly exchange: string;
  /** For `amqps://`. */
  readonly tls?: TlsFiles;
  /** How long each broker has to answer. */
  readonly connectTimeoutMs: number;
  /** The connection's name in the broker's lists, such as the job and the run's id. */
  readonly clientName: string;
  readonly log: Logger;
  /** How long the broker may be silent about a message before it is sent again on a new connection. Default 20 s. */
  readonly confirmTimeoutMs?: number;
  /** How long `publish` keeps trying one message, however short the job's own signal. Default 60 s. */
  readonly giveUpAfterMs?: number;
}

/**
 * Connects to the first broker that answers. Close it when it is no longer needed; closing takes 2 s at most.
 * @throws {ConfigError} a URL, a TLS file, the login, the virtual host or the certificate is wrong
 * @throws {UnavailableError} no broker could be reached
 */
export async function openRabbitMq(options: RabbitMqOptions): Promise<Publisher> {
  const { urls, tls = {}, confirmTimeoutMs = 20_000, giveUpAfterMs = 60_000, ...rest } = options;
  if (urls.length === 0)
    throw new ConfigError('AMQP_URL names no broker: set it to amqp://user:password@host:5672/vhost');
  const publisher = new Publisher({
    ...rest,
    brokers: urls.map(parseBroker),
    tls: readBrokerTls(tls),
    confirmTimeoutMs,
    giveUpAfterMs,
  });
  await publisher.connect();
  return publisher;
}
