// Why a run is asked to stop. Many things may ask; the first cause wins, so that a timeout is never told as an interrupt.

import { formatDuration } from '../duration.ts';
import { RunJobError } from '../errors.ts';
import { type Cancellation, tellCancellation } from './decisions.ts';
import type { StopSignal } from './outcome.ts';

/** What made the run stop before its job had ended by itself. */
export type StopCause =
  | { readonly kind: 'deadline'; readonly timeoutMs: number }
  | { readonly kind: 'signal'; readonly signal: StopSignal }
  | { readonly kind: 'lock_lost'; readonly error: Error }
  | { readonly kind: 'cancelled'; readonly cancellation: Cancellation }
  | { readonly kind: 'crash'; readonly error: unknown; readonly origin: string }
  | { readonly kind: 'drained' };

/** The error that a cause is told as: the abort signal's reason, and the head of the run's error. */
export function causeError(cause: StopCause): Error {
  switch (cause.kind) {
    case 'deadline':
      return new RunJobError(
        'ERR_RUN_JOB_TIMEOUT',
        `The run passed its deadline: its timeout is ${formatDuration(cause.timeoutMs)}`,
      );
    case 'signal':
      return new RunJobError('ERR_RUN_JOB_INTERRUPTED', `${cause.signal} arrived`);
    case 'lock_lost':
      return cause.error;
    case 'cancelled':
      return new RunJobError('ERR_RUN_JOB_CANCELLED', tellCancellation(cause.cancellation));
    case 'crash':
      return new RunJobError('ERR_RUN_JOB_CRASH', `${cause.origin} outside the job's own promise`, {
        cause: cause.error,
      });
    case 'drained':
      return new RunJobError(
        'ERR_RUN_JOB_CRASH',
        "The event loop ran empty while the job's promise was still pending: what it awaits can never come",
      );
  }
}

/** The one place that knows whether, and why, this process is to stop. */
export class Stop {
  readonly #asked = new AbortController();
  readonly #abandoned = new AbortController();
  readonly #lockLost = new AbortController();
  /** Says the last words of a run that a second signal ends at once, and knows the exit code that is true by then. */
  lastWords: ((signal: StopSignal) => number) | undefined;
  /** Hears of what crashed when the outcome was decided already, or the run asked to stop for another cause. */
  onLateError: ((error: unknown, origin: string) => void) | undefined;
  /** Hears of a signal that changes nothing. */
  onIgnoredSignal: ((signal: string) => void) | undefined;
  #cause: StopCause | undefined;
  #settled = false;

  /** The first cause, once there is one. */
  get cause(): StopCause | undefined {
    return this.#cause;
  }

  /** Aborts when the run is asked to stop. */
  get signal(): AbortSignal {
    return this.#asked.signal;
  }

  /** Aborts when waiting for the job to stop makes no sense any more: it crashed, or nothing is left that could wake it. */
  get abandoned(): AbortSignal {
    return this.#abandoned.signal;
  }

  /** Aborts when the lock is lost, also where that isn't the cause, or the outcome is decided: another run may begin at any moment. */
  get lockLost(): AbortSignal {
    return this.#lockLost.signal;
  }

  /** Whether the outcome is decided, so that nothing that comes later can change it. */
  get settled(): boolean {
    return this.#settled;
  }

  /** Asks the run to stop. Returns whether this was the first cause. */
  request(cause: StopCause): boolean {
    const first = !this.#settled && this.#cause === undefined;
    if (first) this.#cause = cause;
    if (cause.kind === 'lock_lost') this.#lockLost.abort(cause.error);
    if (first) this.#asked.abort(causeError(cause));
    if (this.#settled) return false;
    if (cause.kind === 'crash' || cause.kind === 'drained') this.#abandoned.abort(causeError(cause));
    return first;
  }

  /** The outcome is decided. */
  settle(): void {
    this.#settled = true;
  }

  /**
   * The promise's own end, or a rejection with the cause as soon as the run is asked to stop.
   * @throws the cause's error
   */
  async race<T>(promise: Promise<T>): Promise<T> {
    this.signal.throwIfAborted();
    const { promise: stopped, reject } = Promise.withResolvers<never>();
    const onAbort = () => reject(this.signal.reason);
    this.signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await Promise.race([promise, stopped]);
    } finally {
      this.signal.removeEventListener('abort', onAbort);
    }
  }
}
