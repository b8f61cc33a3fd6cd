// The database that locks and records runs, put together from PostgreSQL's adapter, which is loaded only where there is one.

import type { QueryResultRow } from 'pg';
import type { Queries } from '../postgres/queries.ts';
import type { Server } from '../postgres/server.ts';
import type { Session } from '../postgres/session.ts';
import type { KnownSchedule } from '../runner/ports.ts';
import type { Database, Ports } from '../runner/request.ts';
import type { Config } from './config.ts';
import type { BroughtSchedule } from './tend-schedule.ts';

/** A database that has begun to connect, or what is wrong with its URL. What goes wrong later shows when it is first used. */
export interface OpenedDatabase {
  readonly server?: Server;
  readonly database?: Database;
  readonly openCheckpoints?: NonNullable<Ports['openCheckpoints']>;
  /** Statements beside the run's own, on the connection that it has anyway while it holds no lock. */
  readonly queries?: Queries;
  readonly problem?: unknown;
}

/**
 * Where the database is.
 * @throws {ConfigError} the URL can't be read
 */
export async function locate(
  databaseUrl: string,
  config: Config,
  run: { name: string; runId: string },
): Promise<Server> {
  const { parseServer } = await import('../postgres/postgres.ts');
  return parseServer(databaseUrl, run, config.connectTimeoutMs);
}

/** What the database is told of the run. */
export interface RunOfDatabase {
  readonly job: string;
  readonly name: string;
  readonly runId: string;
  /** Whether it judges slots that have passed: one that is told which slot to do may be one of those that others are about to do. */
  readonly looksBack: boolean;
}

/** How long ago the slots of a schedule must have been judged for a run to look again. */
const LOOK_AFTER_MS = 3_600_000;

/** Begins to connect. Never throws. */
export async function openDatabase(databaseUrl: string, config: Config, run: RunOfDatabase): Promise<OpenedDatabase> {
  const { createLocks, openHistory, SCHEMA_VERSION, Session: OpenSession } = await import('../postgres/postgres.ts');
  let server: Server;
  try {
    server = await locate(databaseUrl, config, run);
  } catch (problem) {
    return { problem };
  }
  // One connection from the start to the end: what locks lends it to what records, and gets it back.
  const session = new OpenSession(server);
  const history = openHistory(server, { endWithinMs: config.recordMs }, session);
  const locks = createLocks(server, { checkMs: config.lockCheckMs, session, schemaVersion: SCHEMA_VERSION });
  const { host, port, database } = server.config;
  const queries = queriesOf(session);
  return {
    server,
    openCheckpoints: async () => (await import('../postgres/checkpoints.ts')).openCheckpoints(session),
    queries,
    database: {
      attributes: {
        'db.system.name': 'postgresql',
        'db.namespace': database,
        'server.address': host,
        'server.port': port,
      },
      locks,
      history,
      tendSchedule: (known) => tendSchedule(queries, config, run, known),
      rest: () => session.rest(),
      close: () => session.close(),
    },
  };
}

const queriesOf = (session: Session): Queries => ({
  query: <Row extends QueryResultRow>(text: string, values: unknown[] = []) => session.ask<Row>(text, values),
});

/** Most runs find nothing to do here, and load nothing for it. */
async function tendSchedule(
  queries: Queries,
  { schedule, place, shard }: Config,
  { name, job, looksBack }: RunOfDatabase,
  known: KnownSchedule | undefined,
): Promise<void> {
  const { cronJobName, namespace } = place;
  const brought = schedule && { job, ...schedule, shards: shard.count, cronJobName, namespace };
  const brings = brought !== undefined && (known === undefined || (known.source === 'run' && differs(brought, known)));
  const looks = looksBack && known !== undefined && known.settledTo.getTime() < Date.now() - LOOK_AFTER_MS;
  if (!brings && !looks) return;
  const { bring, notice } = await import('./tend-schedule.ts');
  if (brings) await bring(queries, { name, ...brought });
  if (looks) await notice(queries, name);
}

/** Whether a run's schedule is another than what is known of it. */
function differs(brought: Omit<BroughtSchedule, 'name'>, known: KnownSchedule): boolean {
  const of = ({ job, cron, timeZone, shards, cronJobName, namespace }: typeof brought | KnownSchedule) =>
    JSON.stringify([job, cron, timeZone, shards, cronJobName, namespace]);
  return of(brought) !== of(known);
}
