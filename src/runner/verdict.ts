// From what happened to how the run ended: the pure table from causes and errors to statuses and exit codes.
import { hasCode, resultOf } from '../errors.ts';
import type { AttemptsResult } from './attempts.ts';
import { type ErrorInfo, EXIT, type Outcome, signalExitCode } from './outcome.ts';
import { causeError, type StopCause } from './stop.ts';

type Describe = (error: unknown) => ErrorInfo;

/** The outcome of an error before the job's first attempt: one of ours says what it is, and any other is a bug of the runner's. */
export function verdictOfRunner(error: unknown, describe: Describe): Outcome {
  const verdict = verdictOfError(error, describe);
  return verdict.status === 'failed' ? { ...verdict, status: 'crashed', exitCode: EXIT.crashed } : verdict;
}

/** The outcome of an error that the job threw. */
function verdictOfError(error: unknown, describe: Describe): Outcome {
  const result = resultOf(error);
  const status = statusOfError(error);
  // To ask for a new pod is no failure.
  const told = status.status === 'continued' ? {} : { error: describe(error) };
  return { ...status, ...(result !== undefined && { result }), ...told };
}

/** What one of our errors means by itself; any other is the job's. */
export function statusOfError(error: unknown): Pick<Outcome, 'status' | 'exitCode' | 'reason'> {
  if (hasCode(error, 'ERR_RUN_JOB_PERMANENT')) return { status: 'failed', exitCode: EXIT.permanent };
  if (hasCode(error, 'ERR_RUN_JOB_UNAVAILABLE')) return { status: 'unavailable', exitCode: EXIT.unavailable };
  if (hasCode(error, 'ERR_RUN_JOB_CONFIG')) return { status: 'misconfigured', exitCode: EXIT.misconfigured };
  if (hasCode(error, 'ERR_RUN_JOB_USAGE')) return { status: 'rejected', exitCode: EXIT.rejected };
  if (hasCode(error, 'ERR_RUN_JOB_TEMPORARY')) return { status: 'skipped', exitCode: EXIT.locked, reason: 'program' };
  if (hasCode(error, 'ERR_RUN_JOB_CONTINUE')) return { status: 'continued', exitCode: EXIT.continued };
  if (hasCode(error, 'ERR_RUN_JOB_CRASH')) return { status: 'crashed', exitCode: EXIT.crashed };
  return { status: 'failed', exitCode: EXIT.failed };
}

/** The outcome of attempts that ended by themselves. */
export function verdictOfAttempts(attempts: AttemptsResult, describe: Describe): Outcome {
  if (!attempts.ok) return verdictOfError(attempts.error, describe);
  return { status: 'succeeded', exitCode: EXIT.ok, result: attempts.value };
}

/**
 * The outcome of a run that was stopped. What the job made of it is told too, as the result or as a cause, but doesn't change the
 * status: a job that returns after it was asked to stop may have done only a part. One that says within its grace that it has saved its
 * progress is `continued`.
 */
export function verdictOfCause(cause: StopCause, attempts: AttemptsResult | undefined, describe: Describe): Outcome {
  if (attempts && asksToContinue(attempts) && mayContinue(cause)) return verdictOfAttempts(attempts, describe);
  const error = causeError(cause);
  const told = describe(error);
  const own = attempts && !attempts.ok && !isEcho(attempts.error, cause) ? describe(attempts.error) : undefined;
  return {
    ...statusOfCause(cause),
    ...(attempts && resultOfAttempts(attempts)),
    error: own ? { ...told, causes: [...(told.causes ?? []), own] } : told,
  };
}

/** Whether the job has asked for a new pod. */
export const asksToContinue = (attempts: AttemptsResult): boolean =>
  !attempts.ok && hasCode(attempts.error, 'ERR_RUN_JOB_CONTINUE');

/** Whether a run that was stopped for this may end as `continued`: its lock and its process are as they should be. */
const mayContinue = ({ kind }: StopCause): boolean => kind === 'signal' || kind === 'deadline';

function resultOfAttempts(attempts: AttemptsResult): Pick<Outcome, 'result'> {
  const result = attempts.ok ? attempts.value : resultOf(attempts.error);
  return result === undefined ? {} : { result };
}

function statusOfCause(cause: StopCause): Pick<Outcome, 'status' | 'exitCode'> {
  switch (cause.kind) {
    case 'deadline':
      return { status: 'timed_out', exitCode: EXIT.timedOut };
    case 'signal':
      return { status: 'interrupted', exitCode: signalExitCode(cause.signal) };
    case 'lock_lost':
      return { status: 'unavailable', exitCode: EXIT.unavailable };
    case 'cancelled':
      return { status: 'cancelled', exitCode: EXIT.cancelled };
    case 'crash':
    case 'drained':
      return { status: 'crashed', exitCode: EXIT.crashed };
  }
}

/** Whether the job only threw on what the abort signal gave it: that is no news. */
function isEcho(error: unknown, cause: StopCause): boolean {
  if (!(error instanceof Error)) return false;
  if (cause.kind === 'crash' && error === cause.error) return true;
  const reason = causeError(cause).message;
  return (
    error.message === reason ||
    error.name === 'AbortError' ||
    (error.cause instanceof Error && error.cause.message === reason)
  );
}
