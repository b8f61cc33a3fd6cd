// The accounts that a run leaves of itself, and whether they agree: exit code, last log line, termination message, record.
import { expect } from 'vitest';
import type { ErrorInfo, SkipReason, Status } from '../../src/runner/outcome.ts';
import type { TestDatabase } from './database.ts';
import type { Ended } from './run-job.ts';

/** A row of `run_job.runs`. */
export interface RunRecord {
  readonly id: string;
  readonly job: string;
  readonly scheduled_at: Date;
  readonly shard_index: number;
  readonly shard_count: number;
  readonly status: Status | 'running';
  readonly exit_code: number | null;
  readonly reason: SkipReason | null;
  readonly attempts: number;
  readonly started_at: Date;
  readonly ended_at: Date | null;
  readonly params: unknown;
  readonly result: unknown;
  readonly error: ErrorInfo | null;
  readonly dry_run: boolean;
  readonly forced: boolean;
  readonly pod_name: string | null;
  readonly job_name: string | null;
  readonly cronjob_name: string | null;
  readonly node_name: string | null;
  readonly peak_rss_bytes: string | null;
  readonly cpu_ms: string | null;
}

/** Every record in this database, oldest first. */
export function readRecords(database: TestDatabase): Promise<RunRecord[]> {
  return database.query<RunRecord & Record<string, unknown>>('select * from run_job.runs order by started_at, id');
}

/** The record of one run. */
export async function readRecord(database: TestDatabase, runId: string): Promise<RunRecord | undefined> {
  return (await readRecords(database)).find(({ id }) => id === runId);
}

/** What a run is expected to say of itself, everywhere. */
export interface Expected {
  readonly status: Status;
  readonly exitCode: number;
  readonly reason?: SkipReason;
  /** Part of the error's message; its absence means that no error is told. */
  readonly error?: string | RegExp;
  readonly attempts?: number;
}

/**
 * Expects that the process's exit code, its last log line, its termination message and (unless `database` is undefined) its
 * record tell the same; returns the record.
 */
export async function expectAccounts(
  ended: Ended,
  database: TestDatabase | undefined,
  expected: Expected,
): Promise<RunRecord | undefined> {
  const { status, exitCode, reason, attempts, error } = expected;
  const core = { status, exitCode, ...(reason && { reason }), ...(attempts !== undefined && { attempts }) };
  expect(ended.summary, ended.stdout + ended.stderr).toMatchObject(core);
  expect(ended.termination).toMatchObject({ ...core, job: ended.summary.job, runId: ended.summary.runId });
  // A killed process has no exit code of its own; shells and Kubernetes report 137.
  expect(ended.signal === 'SIGKILL' ? 137 : ended.exitCode).toBe(exitCode);
  expectError(ended.summary.error, error);
  expectError(ended.termination?.error, error);
  if (!database) return undefined;

  const record = await readRecord(database, ended.summary.runId);
  expect(record).toMatchObject({
    status,
    exit_code: exitCode,
    job: ended.summary.job,
    reason: reason ?? null,
    ...(attempts !== undefined && { attempts }),
  });
  expect(record?.ended_at).toBeInstanceOf(Date);
  expectError(record?.error ?? undefined, error);
  return record;
}

function expectError(told: ErrorInfo | undefined, expected: string | RegExp | undefined): void {
  if (expected === undefined) expect(told).toBeUndefined();
  else expect(told?.message).toMatch(expected);
}
