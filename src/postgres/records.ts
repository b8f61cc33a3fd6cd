// Reads the records of runs for people: what a command shows, with dead runs told as lost.
import type { ErrorInfo, ProgramExit, SkipReason, Status } from '../runner/outcome.ts';
import type { Place } from '../runner/ports.ts';
import type { Connection } from './connect.ts';
import { placeOf, type RunRow } from './rows.ts';
import { ALIVE } from './run-sql.ts';

/** A run as its record tells it. */
export interface RunRecord {
  readonly id: string;
  readonly job: string;
  /** What the run is known by: the job's own name unless another was given. */
  readonly name: string;
  readonly scheduledAt: Date;
  readonly shard: { readonly index: number; readonly count: number };
  /** A record that says running and whose run is dead is shown as `lost`. */
  readonly status: Status | 'running';
  readonly exitCode?: number;
  readonly reason?: SkipReason;
  readonly attempts: number;
  readonly startedAt: Date;
  readonly deadline?: Date;
  readonly endedAt?: Date;
  readonly durationMs?: number;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: ErrorInfo;
  readonly dryRun: boolean;
  readonly forced: boolean;
  readonly traceId?: string;
  readonly version: string;
  readonly place: Place;
  readonly peakRssBytes?: number;
  readonly cpuMs?: number;
  /** How the program of a command ended. */
  readonly program?: ProgramExit;
  /** The last lines of a run that didn't succeed; read by `findRuns` only. */
  readonly output?: readonly string[];
}

/** Which runs to read, the newest first. */
export interface RunFilter {
  readonly name?: string;
  readonly status?: string;
  readonly since?: Date;
  readonly limit: number;
}

type Row = RunRow & { readonly dead: boolean };

/** What is read of a run `r`. node-postgres gives a bigint as text, so that the counts are read as double precision. */
export const RUN_COLUMNS = `
  r.id, r.job, r.name, r.params_digest, r.scheduled_at, r.shard_index, r.shard_count, r.exit_code, r.reason, r.attempts, r.started_at, r.deadline,
  r.ended_at, r.duration_ms::float8, r.params, r.result, r.error, r.dry_run, r.forced, r.trace_id, r.version, r.host, r.pid,
  r.pod_name, r.job_name, r.job_uid, r.cronjob_name, r.namespace, r.node_name, r.peak_rss_bytes::float8, r.cpu_ms::float8, r.program, r.status,
  r.status = 'running' AND NOT ${ALIVE} AS dead`;

const LIST = `
SELECT * FROM (SELECT ${RUN_COLUMNS} FROM run_job.runs r) r
WHERE ($1::text IS NULL OR name = $1)
  AND ($2::text IS NULL OR CASE WHEN dead THEN 'lost' ELSE status END = $2)
  AND ($3::timestamptz IS NULL OR started_at >= $3)
ORDER BY started_at DESC, id DESC
LIMIT $4`;

/** Ids begin with the time, so that people tell runs apart by how they end: either end is enough to name one. */
const FIND = `
SELECT ${RUN_COLUMNS}, r.output FROM run_job.runs r
WHERE r.id::text LIKE $1 || '%' OR r.id::text LIKE '%' || $1
ORDER BY r.started_at DESC
LIMIT 10`;

/** The runs that fit, the newest first. */
export function listRuns(connection: Connection, filter: RunFilter): Promise<RunRecord[]> {
  return read(connection, LIST, [filter.name, filter.status, filter.since, filter.limit]);
}

/** The runs whose id begins or ends like this, ten at most. */
export function findRuns(connection: Connection, id: string): Promise<RunRecord[]> {
  return read(connection, FIND, [id.toLowerCase()]);
}

/**
 * Runs a query that gives rows with RUN_COLUMNS, and looks twice at what seems dead: a run that ends while we read has closed its
 * record before it frees its lock, and we may have read the record before and the locks after that.
 */
export async function read(
  connection: Connection,
  text: string,
  values: readonly (string | number | Date | undefined)[],
): Promise<RunRecord[]> {
  const look = async () => (await connection.query<Row>(text, [...values])).rows;
  const first = await look();
  const suspects = new Set(first.filter(({ dead }) => dead).map(({ id }) => id));
  const rows = suspects.size === 0 ? first : await look();
  return rows.map((row) => toRecord(row, row.dead && suspects.has(row.id)));
}

function toRecord(row: Row, dead: boolean): RunRecord {
  return {
    id: row.id,
    job: row.job,
    name: row.name,
    scheduledAt: row.scheduled_at,
    shard: { index: row.shard_index, count: row.shard_count },
    status: dead ? 'lost' : row.status,
    attempts: row.attempts,
    startedAt: row.started_at,
    dryRun: row.dry_run,
    forced: row.forced,
    version: row.version,
    place: placeOf(row),
    ...present({
      exitCode: row.exit_code,
      reason: row.reason,
      deadline: row.deadline,
      endedAt: row.ended_at,
      durationMs: row.duration_ms,
      params: row.params,
      result: row.result,
      error: row.error,
      traceId: row.trace_id,
      peakRssBytes: row.peak_rss_bytes,
      cpuMs: row.cpu_ms,
      program: row.program,
      output: row.output ?? null,
    }),
  };
}

/** Without what is null. */
function present<T extends Record<string, unknown>>(given: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}
