// A RabbitMQ virtual host of a test's own, on the suite's node.
import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { deleteDeclared } from './amqp.ts';
import { askForIt } from './on-demand.ts';
import type { RabbitMqAddress } from './rabbitmqctl.ts';

/** A virtual host, deleted with all its queues when it is disposed of. */
export interface TestVhost extends AsyncDisposable {
  readonly name: string;
  readonly url: string;
}

/** The address of the suite's RabbitMQ; the first call starts it, which takes some ten seconds. */
export function rabbitMq(): Promise<RabbitMqAddress> {
  return askForIt<RabbitMqAddress>(inject('rabbitMqSocket'));
}

/** Why a test is skipped that steers the broker: the second argument of vitest's `skip`. */
export const NOT_OURS = 'the server that AMQP_URL names is not ours to administer';

/** Whether the suite's broker was given to us by AMQP_URL: no rabbitmqctl, no management API, no virtual hosts of our own. */
export async function isGiven(): Promise<boolean> {
  return (await rabbitMq()).control === undefined;
}

/**
 * Creates a virtual host for one test. On a server that AMQP_URL gave us it is the virtual host of that URL, which tests share:
 * there a test file's exchange is its own (EXCHANGE), and what bindQueue declared is deleted when none of its tests is left in it.
 */
export async function createVhost(): Promise<TestVhost> {
  const address = await rabbitMq();
  if (!address.managementUrl) return shareVhost(address.url);
  const name = `test_${randomBytes(6).toString('hex')}`;
  await manage(address, 'PUT', `vhosts/${name}`);
  return {
    name,
    url: `${address.url}/${name}`,
    async [Symbol.asyncDispose]() {
      await manage(address, 'DELETE', `vhosts/${name}`);
    },
  };
}

let sharers = 0;

function shareVhost(url: string): TestVhost {
  sharers += 1;
  return {
    name: decodeURIComponent(new URL(url).pathname.slice(1)) || '/',
    url,
    async [Symbol.asyncDispose]() {
      sharers -= 1;
      if (sharers === 0) await deleteDeclared(url);
    },
  };
}

/** Calls the management plugin's HTTP API (`PUT`, `vhosts/x`); resolves with the parsed answer, if there is one. */
export async function manage(address: RabbitMqAddress, method: string, path: string, body?: unknown): Promise<unknown> {
  if (!address.managementUrl) throw new Error('A server that AMQP_URL gave us has no management API that we know of');
  const { origin, username, password } = new URL(address.managementUrl);
  const answer = await fetch(`${origin}/api/${path}`, {
    method,
    headers: { authorization: `Basic ${btoa(`${username}:${password}`)}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}
