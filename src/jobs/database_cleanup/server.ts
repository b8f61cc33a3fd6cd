// What the run must know of the server before it looks at any table.
import { ConfigError, PermanentError } from '../../errors.ts';
import { isInvalidValue, isPermanent } from './database-errors.ts';
import type { Ctx, Server } from './model.ts';
import serverSql from './server.sql';
import { type Limits, REPLICA_ROLE, transaction } from './transaction.ts';

/** How soon the server notices that our process is gone. */
const CLIENT_CHECK_MS = 5_000;

/**
 * Reads it.
 * @throws {PermanentError} PostgreSQL doesn't know the time zone
 * @throws {ConfigError} foreign keys and triggers are off for the session
 */
export async function readServer(ctx: Ctx): Promise<Server> {
  const { params, scheduledAt, log } = ctx;
  const limits: Limits = {
    lockTimeoutMs: params.lockTimeout,
    statementTimeoutMs: params.statementTimeout,
    rowSecurity: params.enableRowSecurity,
  };
  try {
    const server = await transaction(ctx, limits, async (client) => {
      const { rows } = await client.query<Server & { replicaRole: boolean }>(serverSql, [scheduledAt, params.timeZone]);
      return rows[0] as Server & { replicaRole: boolean };
    });
    if (server.replicaRole) throw new ConfigError(REPLICA_ROLE);
    if (server.base < scheduledAt) {
      log.warn("the scheduled time is in the future of the database's clock, which is used instead", {
        scheduledAt,
        databaseTime: server.base,
      });
    }
    return { ...server, clientCheckMs: await clientCheckOf(ctx, server, limits) };
  } catch (error) {
    if (!isInvalidValue(ctx, error)) throw error;
    throw new PermanentError(`PostgreSQL knows no time zone ${params.timeZone}; correct the parameter timeZone`, {
      cause: error,
    });
  }
}

/** The interval, where the server has the setting (version 14) and its platform can do it, which only trying tells. */
async function clientCheckOf(ctx: Ctx, { version }: Server, limits: Limits): Promise<number | undefined> {
  if (version < 140_000) return undefined;
  try {
    await transaction(ctx, { ...limits, clientCheckMs: CLIENT_CHECK_MS }, async () => undefined);
    return CLIENT_CHECK_MS;
  } catch (error) {
    if (!isPermanent(ctx, error)) throw error;
    return undefined;
  }
}
