// A PostgreSQL server of its own for each that plays schedules, since they restart it.
import { startPostgres } from '../support/postgres-server.ts';
import { runToEnd } from '../support/run-job.ts';
import { query, type Stage } from './play.ts';

const TEMPLATE = 'run_job_template';

/** Starts a server with a migrated template. Its settings keep what was committed when it is ended as by a crash. */
export async function openStage(scratchFolder: string): Promise<Stage & AsyncDisposable> {
  const server = await startPostgres({ settings: { synchronous_commit: 'on' } });
  await query(server.url, `create database ${TEMPLATE}`);
  const migrated = await runToEnd(['migrate'], { database: { url: server.urlOf(TEMPLATE) }, scratchFolder });
  if (migrated.exitCode !== 0) throw new Error(`run-job migrate: ${migrated.stdout}${migrated.stderr}`);
  return {
    server,
    template: TEMPLATE,
    scratchFolder,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/**
 * Calls `use` for each seed, on so many stages at once, each with one schedule at a time.
 * @param take tells the next seed, or undefined when there are no more
 */
export async function onStages(
  scratchFolder: string,
  stages: number,
  take: () => number | undefined,
  use: (stage: Stage, seed: number) => Promise<void>,
): Promise<void> {
  await Promise.all(
    Array.from({ length: stages }, async () => {
      await using stage = await openStage(scratchFolder);
      for (let seed = take(); seed !== undefined; seed = take()) await use(stage, seed);
    }),
  );
}
