// Connects what a job needs, and only that.

import type { Job, Logger, Need, PostgresPool } from '../job.ts';
import type { Server } from '../postgres/server.ts';
import { recordingRabbitMq } from '../rabbitmq/recording.ts';
import { unconnectedRabbitMq } from '../rabbitmq/unconnected.ts';
import type { OpenResources } from '../runner/request.ts';
import type { Config } from './config.ts';

export { recordingRabbitMq };

/** The needs that must be there for this run: a dry run sends nothing, so it needs no broker. */
export function neededBy(job: Job, dryRun: boolean): readonly Need[] {
  return dryRun ? job.needs.filter((need) => need !== 'rabbitmq') : job.needs;
}

/** What was brought as a pool of node-postgres, with what the contract adds to one. */
export async function pooled(pool: object): Promise<PostgresPool> {
  const { withTransactions } = await import('../postgres/postgres.ts');
  return withTransactions(pool as PostgresPool);
}

/** What the connections are made with, and in whose name. */
export interface ResourceOptions {
  readonly config: Config;
  readonly server: Server | undefined;
  readonly dryRun: boolean;
  readonly log: Logger;
  /** What the run is known by. */
  readonly name: string;
  readonly runId: string;
}

/**
 * Connects what the job needs.
 * @throws {UnavailableError} one can't be reached; those that could are closed again
 */
export async function openResources(job: Job, options: ResourceOptions): Promise<OpenResources> {
  const { config, server, dryRun } = options;
  const resources: { -readonly [N in Need]?: OpenResources['resources'][N] } = {};
  const close: OpenResources['close'][number][] = [];
  if (job.needs.includes('postgres') && server) {
    const { openPool } = await import('../postgres/postgres.ts');
    const { pool, undone, close: closePool } = openPool(server, { max: config.databasePoolSize, log: options.log });
    resources.postgres = pool;
    close.push({ what: "the job's PostgreSQL pool", undone, close: closePool });
  }
  if (job.needs.includes('rabbitmq')) {
    if (dryRun) resources.rabbitmq = unconnectedRabbitMq(config.amqp.exchange);
    else {
      const { openRabbitMq } = await import('../rabbitmq/rabbitmq.ts');
      const { urls, exchange, ...tls } = config.amqp;
      const { connectTimeoutMs } = config;
      const clientName = `run-job ${options.name} ${options.runId}`;
      const rabbitmq = await openRabbitMq({
        urls,
        exchange,
        tls,
        connectTimeoutMs,
        clientName,
        log: options.log,
      }).catch(async (error) => {
        await Promise.allSettled(close.map((each) => each.close()));
        throw error;
      });
      resources.rabbitmq = rabbitmq;
      close.push({
        what: 'the connection to RabbitMQ',
        undone: () => (rabbitmq.publishing > 0 ? 'a message was not confirmed by RabbitMQ' : undefined),
        close: () => rabbitmq.close(),
      });
    }
  }
  return { resources, close };
}
