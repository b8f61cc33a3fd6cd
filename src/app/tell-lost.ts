// Tells services that runs were found dead by somebody who is no run: `run-job notify`, the console, or a person who cancels one.
import { closeDead } from '../postgres/cancellations.ts';
import { settleUntold } from '../postgres/check-ins.ts';
import type { Connection } from '../postgres/connect.ts';
import type { Queries } from '../postgres/queries.ts';
import { openQueues } from './check-in-queue.ts';
import type { Config } from './config.ts';
import { lostEvents } from './lost-events.ts';

export interface TellOptions {
  readonly config: Config;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Closes the record of a run whose lock nobody holds as lost, and tells so; whether it was such a run, and what went wrong while telling.
 */
export async function closeAndTell(
  connection: Connection,
  id: string,
  options: TellOptions,
): Promise<{ readonly dead: boolean; readonly problems: readonly string[] }> {
  if (!(await closeDead(connection, id))) return { dead: false, problems: [] };
  const signal = AbortSignal.timeout(options.config.notifyTimeoutMs);
  return { dead: true, problems: await tellLost({ ...options, queries: connection }, [id], signal) };
}

/**
 * Tells of them. A run whose Job has pods left isn't told as failed: Kubernetes starts the next one, which tells how it ends.
 * @param ids those whose records were closed as lost
 * @param left those among them that somebody else has closed, and didn't live to tell of
 * @returns what went wrong, one sentence each
 */
export async function tellLost(
  { config, env, queries }: TellOptions & { readonly queries: Queries },
  ids: readonly string[],
  signal: AbortSignal,
  left: readonly string[] = [],
): Promise<readonly string[]> {
  if (ids.length === 0 || config.checkIns.length === 0) return [];
  const problems: string[] = [];
  const queues = openQueues(config, env, (problem) => problems.push(problem));
  const events = await lostEvents(queries, ids, config.environment, ({ retried }) => retried, left);
  for (const event of events) for (const queue of queues) queue.push(event, signal);
  await Promise.all(queues.map((queue) => queue.idle));
  await settleUntold(queries, ids);
  return [...problems, ...queues.flatMap((queue) => queue.untold())];
}
