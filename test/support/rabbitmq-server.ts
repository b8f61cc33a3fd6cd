// A private RabbitMQ node in a temporary folder, on free ports, gone when its owner is gone. No vitest in here.
// AMQP_URL when it is set; else a rabbitmq-server of this machine; else Docker; else Debian's package, as root on Debian.
import { canInstall, findProgram, installPackage } from './install.ts';
import { pullImage, startContainer, startNode } from './rabbitmq-node.ts';
import { type RabbitMqServer, rabbitmqctl } from './rabbitmqctl.ts';

const CANDIDATES = ['/usr/lib/rabbitmq/bin/rabbitmq-server', 'rabbitmq-server'] as const;

/**
 * Starts a RabbitMQ node of its own, or takes the one that AMQP_URL names. Some ten seconds.
 * @throws {Error} one sentence with the remedy when there is no way to have one
 */
export async function startRabbitMq(): Promise<RabbitMqServer> {
  return (await findRabbitMq())();
}

/**
 * Finds a way to have RabbitMQ, and downloads what that takes; resolves with what starts it.
 * @throws {Error} as startRabbitMq
 */
export async function findRabbitMq(): Promise<() => Promise<RabbitMqServer>> {
  // Of several brokers, which are one cluster's, the tests take the first.
  const given = process.env.AMQP_URL?.split(',')[0]?.trim();
  if (given) return async () => givenServer(given);
  const installed = findProgram(...CANDIDATES);
  if (installed) return () => startNode(installed);
  if (await pullImage()) return startContainer;
  if (canInstall()) {
    await installPackage('rabbitmq-server');
    const now = findProgram(...CANDIDATES);
    if (now) return () => startNode(now);
  }
  throw new Error(
    'No RabbitMQ for the tests: set AMQP_URL, or install rabbitmq-server or Docker (as root on Debian it is installed for you)',
  );
}

function givenServer(url: string): RabbitMqServer {
  const refuse = () => Promise.reject(new Error('The server that AMQP_URL names is not ours to stop or start'));
  const address = { url };
  return {
    address,
    url,
    ctl: (...args) => rabbitmqctl(address, ...args),
    stop: refuse,
    start: refuse,
    async [Symbol.asyncDispose]() {},
  };
}
