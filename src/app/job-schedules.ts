// The schedules of each job, for a list that can also be told without a database.
import { withConnection } from '../postgres/connect.ts';
import { type Schedule, schedulesInForce } from '../postgres/schedules.ts';
import { parseServer } from '../postgres/server.ts';

/** The longest wait for the database. */
const CONNECT_LIMIT_MS = 3_000;

/**
 * The schedules in force, by the job that they run.
 * @throws {UnavailableError | ConfigError} the database doesn't tell
 */
export async function schedulesByJob(
  databaseUrl: string,
  connectTimeoutMs: number,
): Promise<ReadonlyMap<string, readonly Schedule[]>> {
  const server = parseServer(databaseUrl, { name: 'list' }, Math.min(connectTimeoutMs, CONNECT_LIMIT_MS));
  const schedules = await withConnection(server, (connection) => schedulesInForce(connection));
  return Map.groupBy(schedules, ({ job }) => job);
}
