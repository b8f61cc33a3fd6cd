// Is RabbitMQ there, may we in, and is there the exchange that jobs publish to?
import { readFileSync } from 'node:fs';
import { type ChannelModel, connect } from 'amqplib';
import type { Config } from '../../config.ts';
import { ConfigError, UnavailableError } from '../../errors.ts';
import { type Finding, find } from './check.ts';

/** Asks each broker that AMQP_URL names; publishing tries them in turn, so that one that answers is enough. */
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

async function ask(url: string, amqp: Config['amqp'], timeoutMs: number): Promise<Finding[]> {
  const { host } = new URL(url);
  const model = await open(url, host, amqp, timeoutMs);
  try {
    const channel = await model.createChannel();
    // A refused check is told by the error that is thrown, and by an event that nobody else listens to.
    channel.on('error', () => {});
    await channel.checkExchange(amqp.exchange).catch((error) => explainExchange(error, host, amqp.exchange));
  } finally {
    await model.close().catch(() => {});
  }
  return [{ check: 'rabbitmq', verdict: 'ok', message: `RabbitMQ at ${host}, with the exchange ${amqp.exchange}` }];
}

async function open(url: string, host: string, amqp: Config['amqp'], timeoutMs: number): Promise<ChannelModel> {
  const file = (path: string | undefined) => (path === undefined ? undefined : readFileSync(path));
  try {
    const tls = { ca: file(amqp.caFile), cert: file(amqp.certFile), key: file(amqp.keyFile) };
    const known = Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined));
    const model = await connect(url, {
      ...known,
      timeout: timeoutMs,
      clientProperties: { connection_name: 'run-job doctor' },
    });
    model.on('error', () => {});
    return model;
  } catch (error) {
    throw explainConnection(error as NodeJS.ErrnoException, host, timeoutMs);
  }
}

function explainConnection(error: NodeJS.ErrnoException, host: string, timeoutMs: number): Error {
  if (error.syscall === 'open') {
    return new ConfigError(
      `AMQP_CA_FILE, AMQP_CERT_FILE or AMQP_KEY_FILE names ${error.path}, which can't be read (${error.code})`,
    );
  }
  if (/ACCESS[-_]REFUSED|NOT_ALLOWED|access to vhost/i.test(error.message)) {
    return new ConfigError(`RabbitMQ at ${host} refused the login: check user, password and virtual host in AMQP_URL`);
  }
  if (/timed?[ -]?out/i.test(error.message)) {
    return new UnavailableError(
      `RabbitMQ at ${host} didn't answer within ${timeoutMs / 1_000} s: check the host, the port and the firewall`,
    );
  }
  return new UnavailableError(
    `RabbitMQ at ${host} can't be reached (${error.code ?? error.message}): check that it runs and that AMQP_URL has the right host, port and scheme`,
  );
}

function explainExchange(error: Error & { code?: number }, host: string, exchange: string): never {
  if (error.code === 404) {
    throw new ConfigError(
      `RabbitMQ at ${host} has no exchange ${exchange}: create it, or name another in AMQP_EXCHANGE`,
    );
  }
  if (error.code === 403) {
    throw new ConfigError(
      `RabbitMQ at ${host} lets this user not look at the exchange ${exchange}: give it permissions`,
    );
  }
  throw new UnavailableError(
    `RabbitMQ at ${host} failed while it was asked for the exchange ${exchange}: ${error.message}`,
  );
}
