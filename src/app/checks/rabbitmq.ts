// Is RabbitMQ there, may we in, and is there the exchange that jobs publish to?

import { parseBroker } from '../../rabbitmq/broker.ts';
import { connectToAny } from '../../rabbitmq/connection.ts';
import { isMissing } from '../../rabbitmq/exchange.ts';
import { readBrokerTls } from '../../rabbitmq/tls.ts';
import type { Config } from '../config.ts';
import { type Finding, find } from './check.ts';

/** Asks each broker that AMQP_URL names; jobs try them in turn, so that one that answers is enough. */
export async function checkRabbitMq({ amqp, connectTimeoutMs }: Config): Promise<Finding[]> {
  if (amqp.urls.length === 0) {
    const message = 'AMQP_URL is not set: jobs that need RabbitMQ fail';
    return [{ check: 'rabbitmq', verdict: 'skipped', message }];
  }
  const findings = (
    await Promise.all(amqp.urls.map((url) => find('rabbitmq', () => ask(url, amqp, connectTimeoutMs))))
  ).flat();
  const oneAnswers = findings.some(({ verdict }) => verdict === 'ok');
  return findings.map((finding) =>
    oneAnswers && finding.verdict === 'unavailable' ? { ...finding, verdict: 'warning' } : finding,
  );
}

async function ask(url: string, amqp: Config['amqp'], connectTimeoutMs: number): Promise<Finding[]> {
  const check = 'rabbitmq';
  const broker = parseBroker(url);
  let blocked: string | undefined;
  const connection = await connectToAny(
    [broker],
    {
      tls: readBrokerTls(amqp),
      connectTimeoutMs,
      clientName: 'run-job doctor',
      onBlocked: (_, reason) => {
        blocked = reason;
      },
    },
    AbortSignal.timeout(2 * connectTimeoutMs),
  );
  const missing = await isMissing(connection.model, amqp.exchange);
  await connection.close();
  const where = `RabbitMQ at ${broker.address}, virtual host ${broker.vhost}`;
  if (blocked !== undefined) {
    return [{ check, verdict: 'warning', message: `${where}, takes no messages now: ${blocked}` }];
  }
  if (missing) {
    const message = `${where}, has no exchange ${amqp.exchange}: the first run declares it (durable, topic) where it may; else create it, or name another in AMQP_EXCHANGE`;
    return [{ check, verdict: 'warning', message }];
  }
  return [{ check, verdict: 'ok', message: `${where}, has the exchange ${amqp.exchange}` }];
}
