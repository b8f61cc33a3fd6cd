// Reads the records of runs for people: what a command shows, with dead runs told as lost.
import type { ErrorInfo, MissReason, ProgramExit, RecordStatus, SkipReason } from '../runner/outcome.ts';
import type { Attempt, Place } from '../runner/ports.ts';
import type { Connection } from './connect.ts';
import { attemptsOf, placeOf, type RunRow } from './rows.ts';
import { ALIVE, LOST } from './run-sql.ts';
import { begin } from './undisturbed.ts';

/** A run as its record tells it. */
export interface RunRecord {
  readonly id: string;
  readonly job: string;
  /** What the run is known by: the job's own name unless another was given. */
  readonly name: string;
  readonly scheduledAt: Date;
  readonly shard: { readonly index: number; readonly count: number };
  /** A record that says running and whose run is dead is shown as `lost`; `missed` is a slot that no run stood for. */
  readonly status: RecordStatus;
  readonly exitCode?: number;
  readonly reason?: SkipReason | MissReason;
  /** Why it was skipped, as a sentence. */
  readonly why?: string;
  readonly attempts: number;
  /** Absent of a run that never began. */
  readonly fence?: number;
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
  /** The last lines of a run that didn't succeed; read by `findRuns` only, as the following are. */
  readonly output?: readonly string[];
  /** When it had all that it waited for. */
  readonly begunAt?: Date;
  /** Its attempts, where there was more than one. */
  readonly tries?: readonly Attempt[];
}

/** Which runs to read, the newest first. */
export interface RunFilter {
  /** Of any of these names; of all unless given. */
  readonly names?: readonly string[];
  /** With any of these; with any at all unless given. */
  readonly statuses?: readonly string[];
  /** Only those that tell of an error. */
  readonly errors?: boolean;
  readonly since?: Date;
  readonly limit: number;
}

type Row = RunRow & { readonly dead: boolean };

/** What is read of a run `r`. node-postgres gives a bigint as text, so that the counts are read as double precision. */
export const RUN_COLUMNS = `
  r.id, r.job, r.name, r.params_digest, r.scheduled_at, r.shard_index, r.shard_count, r.exit_code, r.reason, r.why, r.attempts, r.fence::float8, r.started_at, r.deadline,
  r.ended_at, r.duration_ms::float8, r.params, r.result, r.error, r.dry_run, r.forced, r.trace_id, r.version, r.host, r.pid,
  r.pod_name, r.job_name, r.job_uid, r.cronjob_name, r.namespace, r.node_name, r.peak_rss_bytes::float8, r.cpu_ms::float8, r.program, r.status,
  r.status = 'running' AND NOT ${ALIVE} AS dead`;

/** How long one statement of a reader may take: whoever looks must not burden those who work. */
const STATEMENT_TIMEOUT_MS = 10_000;

/**
 * The ids that begin or end like this. Each branch goes through an index, and stops at ten: four digits of the time that ids begin with are
 * those of all runs of seven weeks.
 */
const FIND = `
SELECT ${RUN_COLUMNS}, r.output, r.begun_at, r.tries FROM run_job.runs r
WHERE r.id IN (
  (SELECT id FROM run_job.runs WHERE id BETWEEN $1 AND $2 ORDER BY id DESC LIMIT 10)
  UNION
  (SELECT id FROM run_job.runs WHERE reverse(id::text) LIKE $3 LIMIT 10)
)
ORDER BY r.started_at DESC
LIMIT 10`;

/** The runs that fit, the newest first. */
export function listRuns(connection: Connection, filter: RunFilter): Promise<RunRecord[]> {
  const values: (string | number | Date)[] = [];
  const value = (given: string | number | Date) => `$${values.push(given)}`;
  const common = [
    ...(filter.since === undefined ? [] : [`r.started_at >= ${value(filter.since)}`]),
    ...(filter.errors ? ['r.error IS NOT NULL'] : []),
  ];
  const names = filter.names?.map((name) => `r.name = ${value(name)}`) ?? [];
  const statuses = (filter.statuses ?? [undefined]).flatMap((status) => statusesOf(status, value));
  const limit = value(filter.limit);
  // By the record's own columns alone, and each name and status by itself, so that each goes through an index.
  const branches = (names.length === 0 ? [[]] : names.map((name) => [name])).flatMap((name) =>
    statuses.map(
      (status) =>
        `(SELECT ${RUN_COLUMNS} FROM run_job.runs r WHERE ${[...name, ...common, status].join(' AND ')} ORDER BY r.started_at DESC, r.id DESC LIMIT ${limit})`,
    ),
  );
  const text = `SELECT * FROM (${branches.join(' UNION ALL ')}) AS r ORDER BY started_at DESC, id DESC LIMIT ${limit}`;
  return readOnly(connection, () => read(connection, text, values));
}

/** Conditions of which a run that is shown with this status fulfils one. */
function statusesOf(status: string | undefined, value: (given: string) => string): string[] {
  switch (status) {
    case undefined:
      return ['true'];
    case 'running':
      return [`r.status = 'running' AND ${ALIVE}`];
    case 'lost':
      return [`r.status = 'lost'`, `r.status = 'running' AND NOT ${ALIVE}`];
    default:
      return [`r.status = ${value(status)}`];
  }
}

/** The runs whose id begins or ends like this, ten at most. */
export function findRuns(connection: Connection, id: string): Promise<RunRecord[]> {
  const part = id.toLowerCase();
  if (!/^[0-9a-f-]{1,36}$/.test(part)) return Promise.resolve([]);
  const [least, most] = ['0', 'f'].map((digit) => toUuid(part.replaceAll('-', '').padEnd(32, digit)));
  // A part with its dashes elsewhere is no beginning of an id.
  const [from, to] = least?.startsWith(part) ? [least, most] : [toUuid('f'.repeat(32)), toUuid('0'.repeat(32))];
  return readOnly(connection, () => read(connection, FIND, [from, to, `${[...part].reverse().join('')}%`]));
}

const toUuid = (digits: string): string =>
  digits.slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

/**
 * Reads, with a limit for each statement.
 * @throws what `work` throws; SQLSTATE 57014 when a statement took too long
 */
export async function readOnly<T>(connection: Connection, work: () => Promise<T>): Promise<T> {
  // To compile a plan takes longer than to look up what it finds.
  await connection.query(begin(STATEMENT_TIMEOUT_MS, { jit: 'off' }));
  try {
    return await work();
  } finally {
    await connection.query('ROLLBACK').catch(() => {});
  }
}

/**
 * Runs a query that gives rows with RUN_COLUMNS, and looks twice at what seems dead: a run that ends while we read has closed its
 * record before it frees its lock, and we may have read the record before and the locks after that.
 */
export async function read(
  connection: Connection,
  text: string,
  values: readonly (string | number | Date | readonly string[] | undefined)[],
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
      exitCode: dead ? LOST.exitCode : row.exit_code,
      fence: row.fence,
      reason: row.reason,
      why: row.why,
      deadline: row.deadline,
      endedAt: row.ended_at,
      durationMs: row.duration_ms,
      params: row.params,
      result: row.result,
      error: dead ? LOST.error : row.error,
      traceId: row.trace_id,
      peakRssBytes: row.peak_rss_bytes,
      cpuMs: row.cpu_ms,
      program: row.program,
      output: row.output ?? null,
      begunAt: row.begun_at ?? null,
      tries: row.tries ? attemptsOf(row.tries) : null,
    }),
  };
}

/** Without what is null. */
function present<T extends Record<string, unknown>>(given: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}
