// The errors that steer a run. Each has a stable code, a status it leads to, and says what to do next.

import type { Duration } from './duration.ts';

const BRAND = Symbol.for('run-job.error');

/** The stable names of our errors; each leads to one status. */
export type ErrorCode =
  | 'ERR_RUN_JOB_USAGE'
  | 'ERR_RUN_JOB_CONFIG'
  | 'ERR_RUN_JOB_UNAVAILABLE'
  | 'ERR_RUN_JOB_PERMANENT'
  | 'ERR_RUN_JOB_RETRYABLE'
  | 'ERR_RUN_JOB_CRASH'
  | 'ERR_RUN_JOB_TIMEOUT'
  | 'ERR_RUN_JOB_PROGRAM'
  | 'ERR_RUN_JOB_TEMPORARY'
  | 'ERR_RUN_JOB_CONTINUE'
  | 'ERR_RUN_JOB_INTERRUPTED'
  | 'ERR_RUN_JOB_CANCELLED';

/** What an error can carry. */
export interface RunJobErrorOptions extends ErrorOptions {
  /** What was done all the same: it becomes the run's result, beside the error. */
  readonly result?: unknown;
}

/** The base of our errors. Recognised by a brand, so that copies of this library in one process agree. */
export class RunJobError extends Error {
  readonly code: ErrorCode;
  /** What was done all the same; undefined when there is nothing to tell. */
  declare readonly result: unknown;

  constructor(code: ErrorCode, message: string, options?: RunJobErrorOptions) {
    super(message, options);
    this.code = code;
    // Whoever prints an error prints its properties: the result is told in its own place.
    Object.defineProperty(this, 'result', { value: options?.result });
    Object.defineProperty(this, BRAND, { value: true });
  }

  static {
    RunJobError.prototype.name = 'RunJobError';
  }
}

/** Whether an error is one of ours with this code, from whichever copy of the library. */
export function hasCode(error: unknown, code: ErrorCode): error is RunJobError {
  return (
    typeof error === 'object' && error !== null && BRAND in error && (error as unknown as RunJobError).code === code
  );
}

/** What was done although this error was thrown; undefined unless it is one of ours and says so. */
export const resultOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && BRAND in error ? (error as unknown as RunJobError).result : undefined;

/** The command line can't be understood: status `rejected`, exit 64. */
export class UsageError extends RunJobError {
  override readonly name = 'UsageError';
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_RUN_JOB_USAGE', message, options);
  }
}

/** The environment, a job file or the database's schema isn't as it must be: status `misconfigured`, exit 78. */
export class ConfigError extends RunJobError {
  override readonly name = 'ConfigError';
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_RUN_JOB_CONFIG', message, options);
  }
}

/** Something that the job depends on can't be reached. Worth a retry; status `unavailable`, exit 69, when none is left. */
export class UnavailableError extends RunJobError {
  override readonly name = 'UnavailableError';
  /** Whether it is full, or just starting, so that a run that hasn't begun waits for it as it waits for the lock. */
  readonly passing: boolean;

  constructor(message: string, options?: RunJobErrorOptions & { passing?: boolean }) {
    super('ERR_RUN_JOB_UNAVAILABLE', message, options);
    this.passing = options?.passing ?? false;
  }
}

/** Whether it makes sense to wait for what failed so. */
export const isPassing = (error: unknown): boolean =>
  hasCode(error, 'ERR_RUN_JOB_UNAVAILABLE') && (error as UnavailableError).passing === true;

/** Throw it from a job when no retry can help: no further attempt, status `failed`, exit 65, and Kubernetes fails the Job. */
export class PermanentError extends RunJobError {
  override readonly name = 'PermanentError';
  constructor(message: string, options?: RunJobErrorOptions) {
    super('ERR_RUN_JOB_PERMANENT', message, options);
  }
}

/** Throw it from a job to say when the next attempt makes sense. It is retried even where the job's `when` would say no. */
export class RetryableError extends RunJobError {
  override readonly name = 'RetryableError';
  /** The least wait before the next attempt. */
  readonly retryAfter: Duration | undefined;

  constructor(message: string, options?: RunJobErrorOptions & { retryAfter?: Duration }) {
    super('ERR_RUN_JOB_RETRYABLE', message, options);
    this.retryAfter = options?.retryAfter;
  }
}

/**
 * Throw it from a job that has saved its progress and can't finish in the time that is left: status `continued`, exit 80, and Kubernetes
 * starts a new pod without counting it. Refused (65) when nothing has been saved since this run began.
 */
export class ContinueError extends RunJobError {
  override readonly name = 'ContinueError';
  constructor(message = 'The job has saved its progress, and asks for a new pod', options?: RunJobErrorOptions) {
    super('ERR_RUN_JOB_CONTINUE', message, options);
  }
}

/**
 * A program that `ctx.exec` ran didn't succeed. Its `code` says what that means for the run, by the program's exit code: the same as of
 * the error of that name, `ERR_RUN_JOB_TEMPORARY` for 75 (try again later), and `ERR_RUN_JOB_PROGRAM` for a plain failure.
 */
export class ExecError extends RunJobError {
  override readonly name = 'ExecError';
  /** True for those of other copies of this library too: the runner that throws it has its own. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return (
      typeof value === 'object' &&
      value !== null &&
      BRAND in value &&
      (value as { readonly name?: unknown }).name === 'ExecError'
    );
  }

  /** The program's own exit code; null when a signal ended it. */
  readonly exitCode: number | null;
  /** The signal that ended it, such as `SIGSEGV`. */
  readonly signal: string | null;

  constructor(
    code: ErrorCode,
    message: string,
    end: { readonly exitCode: number | null; readonly signal: string | null },
    options?: ErrorOptions,
  ) {
    super(code, message, options);
    this.exitCode = end.exitCode;
    this.signal = end.signal;
  }
}
