// Starts what the suite needs from the world, once: PostgreSQL before the first test, RabbitMQ when the first test asks for it.
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { withConnection } from '../../src/postgres/connect.ts';
import { readFacts } from '../../src/postgres/inspect.ts';
import { parseServer } from '../../src/postgres/server.ts';
import { ensureBuilt } from './built.ts';
import { startDebianPostgres } from './debian-postgres.ts';
import { serveOnDemand } from './on-demand.ts';
import { findPgBouncer } from './pgbouncer.ts';
import { startPostgres } from './postgres-server.ts';
import { findRabbitMq } from './rabbitmq-server.ts';
import { createScratchFolder } from './scratch-folder.ts';
import { createTemplate } from './template-database.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The URL of the suite's PostgreSQL server, as its superuser. */
    postgresUrl: string;
    /** Its major version, such as 18, for tests of what older versions lack. */
    postgresMajor: number;
    /** The database that tests clone: `run_job` is migrated in it. */
    postgresTemplate: string;
    /** The Unix socket that starts Debian's PostgreSQL and tells its URL. */
    debianPostgresSocket: string;
    /** The Unix socket that starts RabbitMQ and tells its address. */
    rabbitMqSocket: string;
    /** A folder for temporary files, removed after the suite, however it ends. */
    scratchFolder: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await using opened = new AsyncDisposableStack();
  const scratch = opened.use(createScratchFolder());
  project.provide('scratchFolder', scratch.path);

  ensureBuilt();
  // What has to be downloaded is downloaded before the tests' clocks run; what can't be had is told by the tests that need it.
  const [rabbitMq] = await Promise.allSettled([findRabbitMq(), findPgBouncer()]);
  const socket = join(scratch.path, 'rabbitmq.sock');
  opened.use(
    await serveOnDemand(socket, async () => {
      if (rabbitMq.status === 'rejected') throw rabbitMq.reason;
      const server = await rabbitMq.value();
      return { answer: server.address, close: async () => server[Symbol.asyncDispose]() };
    }),
  );
  const debianSocket = join(scratch.path, 'postgres-15.sock');
  opened.use(
    await serveOnDemand(debianSocket, async () => {
      const server = await startDebianPostgres();
      await createTemplate(server.url);
      return { answer: { url: server.url }, close: async () => server[Symbol.asyncDispose]() };
    }),
  );
  project.provide('debianPostgresSocket', debianSocket);
  const postgres = opened.use(await startPostgres());
  project.provide('postgresUrl', postgres.url);
  const { major } = await withConnection(parseServer(postgres.url, { name: 'tests' }, 10_000), readFacts);
  project.provide('postgresMajor', major);
  project.provide('postgresTemplate', await createTemplate(postgres.url));
  project.provide('rabbitMqSocket', socket);

  const started = opened.move();
  return () => started.disposeAsync();
}
