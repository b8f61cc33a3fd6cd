// RabbitMQ as a dry run has it: without a broker.
import { PermanentError } from '../errors.ts';
import type { RabbitMq } from '../job.ts';

/** What a job gets in a dry run: it knows the exchange, needs no broker, and refuses to publish. */
export function unconnectedRabbitMq(exchange: string): RabbitMq {
  return {
    exchange,
    publish: async () => {
      throw new PermanentError('A dry run publishes nothing: a job must look at ctx.dryRun before it does');
    },
  };
}
