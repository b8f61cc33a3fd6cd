// The columns of run_job.runs, and how the runner's words become them and come back.
import type { ErrorInfo, MissReason, ProgramExit, RecordStatus, SkipReason } from '../runner/outcome.ts';
import type { Attempt, Place, RunEnd, RunStart } from '../runner/ports.ts';
import { toJson } from './json.ts';
import { runKey } from './keys.ts';

/** A record as node-postgres reads it. */
export interface RunRow {
  readonly id: string;
  readonly job: string;
  readonly name: string;
  readonly params_digest: string;
  readonly job_uid: string | null;
  readonly scheduled_at: Date;
  readonly shard_index: number;
  readonly shard_count: number;
  readonly status: RecordStatus;
  readonly exit_code: number | null;
  readonly reason: SkipReason | MissReason | null;
  readonly why: string | null;
  readonly attempts: number;
  readonly fence: number | null;
  readonly started_at: Date;
  readonly deadline: Date | null;
  readonly ended_at: Date | null;
  readonly duration_ms: number | null;
  readonly params: unknown;
  readonly result: unknown;
  readonly error: ErrorInfo | null;
  readonly dry_run: boolean;
  readonly forced: boolean;
  readonly trace_id: string | null;
  readonly version: string;
  readonly host: string;
  readonly pid: number;
  readonly pod_name: string | null;
  readonly job_name: string | null;
  readonly cronjob_name: string | null;
  readonly namespace: string | null;
  readonly node_name: string | null;
  readonly peak_rss_bytes: number | null;
  readonly cpu_ms: number | null;
  readonly program: ProgramExit | null;
  /** Read only where one run is looked at. */
  readonly output?: readonly string[] | null;
  readonly begun_at?: Date | null;
  readonly tries?: readonly TriedRow[] | null;
}

/** An attempt as JSON has it. */
export interface TriedRow {
  readonly startedAt: string;
  readonly endedAt?: string;
  readonly error?: { readonly name: string; readonly message: string };
  readonly retryInMs?: number;
}

/** The attempts of a run, from JSON. */
export const attemptsOf = (rows: readonly TriedRow[]): Attempt[] =>
  rows.map(({ startedAt, endedAt, ...rest }) => ({
    ...rest,
    startedAt: new Date(startedAt),
    ...(endedAt !== undefined && { endedAt: new Date(endedAt) }),
  }));

type Value = string | number | boolean | Date | null;

/** The columns that are known when a run begins. */
export function startColumns(run: RunStart): Record<string, Value> {
  const { slot, place } = run;
  return {
    id: run.id,
    job: run.job,
    name: slot.name,
    params_digest: slot.paramsDigest,
    scheduled_at: slot.scheduledAt,
    shard_index: slot.shard.index,
    shard_count: slot.shard.count,
    started_at: run.startedAt,
    begun_at: run.begunAt ?? null,
    deadline: run.deadline ?? null,
    params: toJson(run.params),
    dry_run: run.dryRun,
    forced: run.forced,
    ordered: toJson(run.ordered),
    trace_id: run.traceId ?? null,
    version: run.version,
    host: place.host,
    pid: place.pid,
    pod_name: place.podName ?? null,
    job_name: place.jobName ?? null,
    job_uid: place.jobUid ?? null,
    cronjob_name: place.cronJobName ?? null,
    namespace: place.namespace ?? null,
    node_name: place.nodeName ?? null,
    lock_key: String(runKey(run.id)),
    retries: run.retries,
    // Named already now, so that a schema that lacks it is seen before the job has done its work.
    output: null,
  };
}

/** The columns that are known when it has ended. */
export function endColumns(end: RunEnd): Record<string, Value> {
  return {
    status: end.status,
    exit_code: end.exitCode,
    reason: end.reason ?? null,
    why: end.why ?? null,
    attempts: end.attempts,
    ended_at: end.endedAt,
    duration_ms: Math.round(end.durationMs),
    result: toJson(end.result),
    error: toJson(end.error),
    peak_rss_bytes: Math.round(end.peakRssBytes),
    cpu_ms: Math.round(end.cpuMs),
    program: toJson(end.program),
    output: toJson(end.output),
    tries: toJson(end.tries),
  };
}

/** Where a run takes place, without what isn't known. */
export function placeOf(
  row: Pick<RunRow, 'host' | 'pid' | 'pod_name' | 'job_name' | 'job_uid' | 'cronjob_name' | 'namespace' | 'node_name'>,
): Place {
  return {
    host: row.host,
    pid: row.pid,
    ...(row.pod_name !== null && { podName: row.pod_name }),
    ...(row.job_name !== null && { jobName: row.job_name }),
    ...(row.job_uid !== null && { jobUid: row.job_uid }),
    ...(row.cronjob_name !== null && { cronJobName: row.cronjob_name }),
    ...(row.namespace !== null && { namespace: row.namespace }),
    ...(row.node_name !== null && { nodeName: row.node_name }),
  };
}
