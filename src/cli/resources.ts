// Connects what a job needs, and only that.
import type { Config } from '../config.ts';
import type { Job, Need } from '../job.ts';
import type { Server } from '../postgres/server.ts';
import type { OpenResources } from '../runner/request.ts';

/** The needs that must be there for this run: a dry run sends nothing, so it needs no broker. */
export function neededBy(job: Job, dryRun: boolean): readonly Need[] {
  return dryRun ? job.needs.filter((need) => need !== 'rabbitmq') : job.needs;
}

/**
 * Connects them.
 * @throws {UnavailableError} one can't be reached; those that could are closed again
 */
export async function openResources(
  needs: readonly Need[],
  config: Config,
  server: Server | undefined,
): Promise<OpenResources> {
  const resources: { -readonly [N in Need]?: OpenResources['resources'][N] } = {};
  const close: OpenResources['close'][number][] = [];
  if (needs.includes('postgres') && server) {
    const { openPool } = await import('../postgres/index.ts');
    const { pool, close: closePool } = openPool(server, { max: config.databasePoolSize });
    resources.postgres = pool;
    close.push({ what: "the job's PostgreSQL pool", close: closePool });
  }
  return { resources, close };
}
