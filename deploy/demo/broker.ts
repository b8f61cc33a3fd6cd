// A RabbitMQ for the demo's report, where one can be had without installing anything.
import { findProgram } from '../../test/support/install.ts';
import { startNode } from '../../test/support/rabbitmq-node.ts';

/** A broker, and where it comes from. */
export interface Broker extends AsyncDisposable {
  readonly url: string;
  readonly origin: string;
}

/** The broker that AMQP_URL names, else a private node of this machine's rabbitmq-server; undefined when there is neither. */
export async function startReportBroker(): Promise<Broker | undefined> {
  const given = process.env.AMQP_URL;
  if (given) return { url: given, origin: 'from AMQP_URL', [Symbol.asyncDispose]: async () => {} };
  const program = findProgram('/usr/lib/rabbitmq/bin/rabbitmq-server', 'rabbitmq-server');
  if (!program) return undefined;
  const node = await startNode(program);
  return { url: node.url, origin: 'a private node', [Symbol.asyncDispose]: () => node[Symbol.asyncDispose]() };
}
