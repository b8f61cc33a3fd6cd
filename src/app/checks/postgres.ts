// Is PostgreSQL as a run needs it?

import { formatDuration } from '../../duration.ts';
import { withConnection } from '../../postgres/connect.ts';
import { missingGrants, OLDEST_MAJOR, readFacts, type ServerFacts } from '../../postgres/inspect.ts';
import { MIGRATIONS, type SchemaState, schemaState } from '../../postgres/migrate.ts';
import { countShared, detectPooling } from '../../postgres/pooling.ts';
import { misreading, readTruly } from '../../postgres/reading.ts';
import { parseServer, type Server } from '../../postgres/server.ts';
import type { Config } from '../config.ts';
import { type Finding, find } from './check.ts';

/** A clock that is off by more makes times of records and slots disagree. */
const MOST_SKEW_MS = 2_000;

/** Looks the database over; the first thing that keeps us from going on is the last finding. */
export async function checkPostgres({ databaseUrl, connectTimeoutMs, maxConcurrentJobs }: Config): Promise<Finding[]> {
  if (databaseUrl === undefined) {
    const message = 'DATABASE_URL is not set: runs are neither locked nor recorded, and jobs that need PostgreSQL fail';
    return [{ check: 'postgres', verdict: 'skipped', message }];
  }
  const findings: Finding[] = [];
  const look = async () => {
    const server = parseServer(databaseUrl, { name: 'doctor' }, connectTimeoutMs);
    const [facts, grants, misread] = await withConnection(server, async (connection) => [
      await readFacts(connection),
      await missingGrants(connection),
      await readTruly(connection, connectTimeoutMs),
    ]);
    findings.push(reachable(server, facts), clock(facts), rights(facts, grants));
    findings.push(await pooling(server, maxConcurrentJobs));
    if (misread.length > 0) findings.push({ check: 'settings', verdict: 'warning', message: misreading(misread) });
    // Without the right to look, nothing can be said of the schema.
    if (grants.length === 0) findings.push(schema(await schemaState(server)));
    return findings;
  };
  const all = await find('postgres', look);
  return all === findings ? all : [...findings, ...all];
}

function reachable(server: Server, { version, major, role, standby, readOnly }: ServerFacts): Finding {
  const check = 'postgres';
  const where = `PostgreSQL ${version} at ${server.label}, as ${role}`;
  if (standby) {
    return { check, verdict: 'unavailable', message: `${where}, is a standby: DATABASE_URL must lead to the primary` };
  }
  if (readOnly) {
    const message = `${where}, takes no writes: take default_transaction_read_only from the role, the database or the server`;
    return { check, verdict: 'unavailable', message };
  }
  if (major < OLDEST_MAJOR) {
    return {
      check,
      verdict: 'warning',
      message: `${where}, is older than ${OLDEST_MAJOR}, with which we are tested: upgrade it`,
    };
  }
  return { check, verdict: 'ok', message: where };
}

function clock({ clockAheadMs }: ServerFacts): Finding {
  const check = 'clock';
  const seconds = Math.abs(clockAheadMs) / 1_000;
  const by = seconds < 60 ? `${seconds.toFixed(1)} s` : formatDuration(Math.abs(clockAheadMs));
  const off = `${by} ${clockAheadMs < 0 ? 'behind' : 'ahead of'} ours`;
  if (Math.abs(clockAheadMs) > MOST_SKEW_MS) {
    return { check, verdict: 'warning', message: `the database's clock is ${off}: synchronise both (NTP, chrony)` };
  }
  return { check, verdict: 'ok', message: `the database's clock is ${off}` };
}

function rights({ role }: ServerFacts, grants: readonly string[]): Finding {
  const check = 'rights';
  if (grants.length === 0)
    return { check, verdict: 'ok', message: `${role} has the rights that runs need on the schema run_job` };
  return { check, verdict: 'misconfigured', message: `${role} lacks rights: ${grants.join('; ')}` };
}

function schema({ version, pending, tooNew }: SchemaState): Finding {
  const check = 'schema';
  const known = MIGRATIONS.at(-1)?.version;
  if (pending.length > 0) {
    const message =
      version === 0
        ? 'there is no schema run_job'
        : `the schema run_job has version ${version}, and ${known} is needed`;
    return { check, verdict: 'misconfigured', message: `${message}: run \`run-job migrate\`` };
  }
  if (tooNew) {
    const message = `the schema run_job has version ${version}, which this version of run-job can't work with: deploy a newer one`;
    return { check, verdict: 'misconfigured', message };
  }
  return { check, verdict: 'ok', message: `the schema run_job has version ${version}` };
}

/** As many connections are tried, at most: whoever has a pool larger than this knows its size. */
const MOST_TRIED = 101;

/** Each run holds one of a pooler's connections for its lock; one more is needed for whoever else comes. */
async function sharing(server: Server, holders: number): Promise<Finding> {
  const check = 'pooler';
  const what = 'a pooler in transaction mode';
  const shared = await countShared(server, Math.min(holders + 1, MOST_TRIED));
  if (shared > Math.min(holders, MOST_TRIED - 1)) {
    return {
      check,
      verdict: 'ok',
      message: `${what}: fine for us; each run holds one of its connections for its lock`,
    };
  }
  const message = `${what} that gives ${shared} connections at once, and each of ${holders} runs at once (WORKER_MAX_CONCURRENT_JOBS) holds one for its lock: raise its pool size (default_pool_size) above that, and by what jobs need themselves, or lower WORKER_MAX_CONCURRENT_JOBS`;
  return { check, verdict: 'warning', message };
}

async function pooling(server: Server, holders: number): Promise<Finding> {
  const check = 'pooler';
  switch (await detectPooling(server)) {
    case 'none':
      return { check, verdict: 'ok', message: 'no pooler: connections lead to the server itself' };
    case 'session':
      return { check, verdict: 'ok', message: 'a pooler in session mode' };
    case 'transaction':
      return sharing(server, holders);
    case 'statement':
      return {
        check,
        verdict: 'misconfigured',
        message: 'a pooler in statement mode, which can hold no lock: set pool_mode to transaction or session',
      };
  }
}
