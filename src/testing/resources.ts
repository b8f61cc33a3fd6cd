// What a test puts in the place of PostgreSQL and RabbitMQ; what it gives as a URL is connected as in a real run.

import type { Config } from '../app/config.ts';
import { locate } from '../app/database.ts';
import { openResources, recordingRabbitMq } from '../app/resources.ts';
import type { Job, Logger, Need, OutgoingMessage } from '../job.ts';
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

/** What a real run would know from DATABASE_URL, as variables: the password of a pool that the test brought. */
export function secretsOfPool(postgres: RunJobOptions['postgres']): Record<string, string> {
  if (typeof postgres !== 'object') return {};
  const { options } = postgres as { options?: { connectionString?: unknown; password?: unknown } };
  const { connectionString, password } = options ?? {};
  return {
    ...(typeof connectionString === 'string' && { DATABASE_URL: connectionString }),
    ...(typeof password === 'string' && { PGPASSWORD: password }),
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
  const recording =
    fakes.rabbitmq === undefined && config.amqp.urls.length === 0 && !dryRun
      ? recordingRabbitMq(config.amqp.exchange, published)
      : undefined;
  if (recording) fakes.rabbitmq = recording;
  const needs = job.needs.filter((need) => !(need in fakes));
  const server =
    needs.includes('postgres') && config.databaseUrl
      ? await locate(config.databaseUrl, config, { name, runId })
      : undefined;
  const opened = await openResources({ ...job, needs }, { config, server, dryRun, log, name, runId });
  const wanted = Object.fromEntries(Object.entries(fakes).filter(([need]) => job.needs.includes(need as Need)));
  const close = recording ? [{ what: 'the recording of messages', close: recording.close }] : [];
  return { resources: { ...opened.resources, ...wanted }, close: [...opened.close, ...close] };
}
