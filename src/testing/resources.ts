// What a test puts in the place of PostgreSQL and RabbitMQ; what it gives as a URL is connected as in a real run.

import type { Config } from '../app/config.ts';
import { locate } from '../app/database.ts';
import { openResources } from '../app/resources.ts';
import type { Job, Logger, Need, OutgoingMessage, RabbitMq } from '../job.ts';
import type { OpenResources } from '../runner/request.ts';
import { completePostgres } from './fake-postgres.ts';
import type { ResourceSubstitutes, RunJobOptions } from './options.ts';

interface Surroundings {
  readonly config: Config;
  readonly dryRun: boolean;
  readonly log: Logger;
  readonly name: string;
  readonly runId: string;
  /** Where the messages go that nobody else takes. */
  readonly published: OutgoingMessage[];
}

/**
 * The environment of the run: what the test gave, and the URLs among its resources under their own names.
 * @throws {TypeError} the job needs PostgreSQL, and the test has none
 */
export function environmentOf(
  options: Pick<RunJobOptions, 'env'> & ResourceSubstitutes,
): Readonly<Record<string, string | undefined>> {
  const { env = {}, postgres, rabbitmq, needs } = options;
  if (needs.includes('postgres') && postgres === undefined && !env.DATABASE_URL) {
    throw new TypeError('The job needs PostgreSQL: give runJob postgres, as a URL, a pool or a fake of one');
  }
  return {
    ...env,
    ...(typeof postgres === 'string' && { DATABASE_URL: postgres }),
    ...(typeof rabbitmq === 'string' && { AMQP_URL: rabbitmq }),
  };
}

/**
 * The job's resources: fakes as they are, the rest connected.
 * @throws {UnavailableError} one that was given as a URL can't be reached
 */
export async function openSubstitutes(
  job: Job,
  { postgres, rabbitmq }: Pick<RunJobOptions, 'postgres' | 'rabbitmq'>,
  surroundings: Surroundings,
): Promise<OpenResources> {
  const { config, dryRun, log, name, runId, published } = surroundings;
  const fakes: Partial<Record<Need, unknown>> = {};
  if (typeof postgres === 'object') fakes.postgres = await completePostgres(postgres);
  if (typeof rabbitmq === 'object') fakes.rabbitmq = rabbitmq;
  else if (config.amqp.urls.length === 0 && !dryRun) fakes.rabbitmq = recorder(config.amqp.exchange, published);
  const needs = job.needs.filter((need) => !(need in fakes));
  const server =
    needs.includes('postgres') && config.databaseUrl
      ? await locate(config.databaseUrl, config, { name, runId })
      : undefined;
  const opened = await openResources({ ...job, needs }, { config, server, dryRun, log, name, runId });
  const wanted = Object.fromEntries(Object.entries(fakes).filter(([need]) => job.needs.includes(need as Need)));
  return { resources: { ...opened.resources, ...wanted }, close: opened.close };
}

function recorder(exchange: string, published: OutgoingMessage[]): RabbitMq {
  return {
    exchange,
    publish: async (message, { signal } = {}) => {
      signal?.throwIfAborted();
      published.push(message);
    },
  };
}
