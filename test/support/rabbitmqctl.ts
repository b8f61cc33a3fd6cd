// What a RabbitMQ node of the tests is, and how it is steered.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Where a node is, and how it is steered: plain data, so that it can be handed to another process. */
export interface RabbitMqAddress {
  /** AMQP, user `guest`, default virtual host. */
  readonly url: string;
  /** The management plugin's HTTP API; absent when the server was given to us by AMQP_URL. */
  readonly managementUrl?: string;
  /** How to call rabbitmqctl; absent likewise. */
  readonly control?: {
    readonly command: string;
    readonly args: readonly string[];
    readonly env: Record<string, string>;
  };
}

/** A running node. */
export interface RabbitMqServer extends AsyncDisposable {
  readonly address: RabbitMqAddress;
  readonly url: string;
  /** Runs rabbitmqctl on the node; resolves with its output. About a second. */
  ctl(...args: string[]): Promise<string>;
  /** Kills the node as a crash does; its data stay. */
  stop(): Promise<void>;
  /** Starts it again, on the same ports, with its data. */
  start(): Promise<void>;
}

/** Runs rabbitmqctl on the node at this address. */
export async function rabbitmqctl({ control }: RabbitMqAddress, ...args: string[]): Promise<string> {
  if (!control)
    throw new Error("rabbitmqctl can't reach a server that was given by AMQP_URL; unset it to get a private one");
  const { stdout } = await run(control.command, [...control.args, ...args], {
    env: { ...process.env, ...control.env },
  });
  return stdout;
}
