// The attempts of a run: call the job, and call it again while that can help and there is time.

import { formatDuration, parseDuration } from '../duration.ts';
import { hasCode, type RetryableError } from '../errors.ts';
import type { Logger, RetryPolicy } from '../job.ts';
import { backoffDelay } from './backoff.ts';
import { pause } from './limited.ts';
import type { ErrorInfo } from './outcome.ts';
import type { Clock } from './ports.ts';
import type { Stop } from './stop.ts';

/** How the attempts ended: with what the job returned, or with the error of the last one. */
export type AttemptsResult =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: unknown };

/** What the attempts need from the run that makes them. */
export interface AttemptsContext {
  readonly policy: RetryPolicy | undefined;
  readonly stop: Stop;
  readonly clock: Clock;
  /** Milliseconds that are left before the deadline. */
  readonly remainingMs: () => number;
  readonly random: () => number;
  readonly describe: (error: unknown) => ErrorInfo;
  readonly log: (attempt: number) => Logger;
  /** Called as each attempt begins. */
  readonly onAttempt: (attempt: number) => void;
  /** Called as each attempt fails, with how long the next one is waited for, where there will be one. */
  readonly onFailure: (error: ErrorInfo, retryInMs: number | undefined) => void;
}

/** Makes attempts until one succeeds, none is left, the next can't help, or the run is asked to stop. Never throws. */
export async function makeAttempts(
  run: (attempt: number) => Promise<unknown>,
  context: AttemptsContext,
): Promise<AttemptsResult> {
  const most = context.policy?.attempts ?? 1;
  for (let attempt = 1; ; attempt += 1) {
    context.onAttempt(attempt);
    const log = context.log(attempt);
    log.debug('attempt started', { attempts: most });
    try {
      return { ok: true, value: await run(attempt) };
    } catch (error) {
      const result = { ok: false, error } as const;
      if (context.stop.cause || hasCode(error, 'ERR_RUN_JOB_CONTINUE')) return result;
      const told = context.describe(error);
      const delayMs =
        attempt < most && worthRetrying(error, attempt, context.policy)
          ? delayBefore(error, attempt, context)
          : undefined;
      const tooLate = delayMs !== undefined && delayMs >= context.remainingMs();
      const retry = delayMs !== undefined && !tooLate;
      // Of the only one, an error that says all in its message is told by the last line, a moment later.
      if (most > 1 || told.stack !== undefined) {
        log.warn(tellFailure(attempt, most, retry ? delayMs : undefined, tooLate), {
          attempts: most,
          ...(retry && { retryInMs: delayMs }),
          error: told,
        });
      }
      context.onFailure(told, retry ? delayMs : undefined);
      if (!retry) return result;
      await pause(context.clock, delayMs, context.stop.signal);
      if (context.stop.cause) return result;
    }
  }
}

/** What no other attempt can mend: it says the same of the same arguments and environment. */
const NEVER_RETRIED = ['ERR_RUN_JOB_PERMANENT', 'ERR_RUN_JOB_USAGE', 'ERR_RUN_JOB_CONFIG'] as const;

function worthRetrying(error: unknown, attempt: number, policy: RetryPolicy | undefined): boolean {
  if (NEVER_RETRIED.some((code) => hasCode(error, code))) return false;
  if (hasCode(error, 'ERR_RUN_JOB_RETRYABLE')) return true;
  try {
    return policy?.when?.(error, attempt) ?? true;
  } catch {
    // A predicate that throws has no opinion; the attempt's own error is what gets told.
    return true;
  }
}

function delayBefore(error: unknown, attempt: number, { policy, random }: AttemptsContext): number {
  const backoff = {
    baseDelayMs: parseDuration(policy?.baseDelay ?? '1s') ?? 1_000,
    maxDelayMs: parseDuration(policy?.maxDelay ?? '1m') ?? 60_000,
  };
  const least = hasCode(error, 'ERR_RUN_JOB_RETRYABLE')
    ? parseDuration((error as RetryableError).retryAfter ?? '0s')
    : 0;
  return Math.max(least ?? 0, backoffDelay(backoff, attempt, random()));
}

function tellFailure(attempt: number, most: number, delayMs: number | undefined, tooLate: boolean): string {
  const failed = `attempt ${attempt} of ${most} failed`;
  if (delayMs !== undefined) return `${failed}; the next one begins in ${formatDuration(delayMs)}`;
  if (tooLate) return `${failed}; the deadline leaves no time for another`;
  return attempt < most ? `${failed}; another can't help` : failed;
}
