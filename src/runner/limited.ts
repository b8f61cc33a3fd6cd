// Waiting with an end: for one step within its time limit, and not past a signal, so that nothing can hold up the end of a run.
import type { Clock } from './ports.ts';

type Timers = Pick<Clock, 'startTimer'>;

/** Node's own timers, as the port of the clock has them. */
export const NODE_TIMERS: Timers = {
  startTimer(ms, callback, { keepAlive = false } = {}) {
    const timer = setTimeout(callback, ms);
    if (!keepAlive) timer.unref();
    return () => clearTimeout(timer);
  },
};

/** The longest that each step of a run's end may take, in milliseconds. */
export const STEP_LIMITS = {
  programs: 3_000,
  record: 10_000,
  unlock: 2_000,
  close: 3_000,
  shutdownUrls: 2_000,
  output: 3_000,
  lastLine: 2_000,
} as const;

/** Thrown when a step took longer than it may. */
export class StepTimeout extends Error {
  override readonly name = 'StepTimeout';
  readonly code = 'ERR_RUN_JOB_STEP_TIMEOUT';
}

/**
 * The step's own end, or a rejection once `limitMs` have passed. The timer keeps the process alive while it runs, unless
 * `keepAlive` is false.
 * @param timers Node's own unless given
 * @throws {StepTimeout} `what` took longer
 */
export async function limited<T>(
  what: string,
  limitMs: number,
  step: Promise<T>,
  { timers = NODE_TIMERS, keepAlive = true }: { timers?: Timers; keepAlive?: boolean } = {},
): Promise<T> {
  const { promise: expired, reject } = Promise.withResolvers<never>();
  const cancel = timers.startTimer(limitMs, () => reject(new StepTimeout(`${what} took longer than ${limitMs} ms`)), {
    keepAlive,
  });
  try {
    return await Promise.race([step, expired]);
  } finally {
    cancel();
  }
}

/**
 * Waits for the step, `limitMs` at most. Returns whether it has ended by then.
 * @throws what the step rejects with
 */
export async function inTime(
  limitMs: number,
  step: Promise<unknown>,
  options: { keepAlive?: boolean } = {},
): Promise<boolean> {
  try {
    await limited('the step', limitMs, step, options);
    return true;
  } catch (error) {
    if (error instanceof StepTimeout) return false;
    throw error;
  }
}

/** Waits, and keeps the process alive meanwhile; ends early, without an error, when `signal` aborts. */
export function pause(timers: Timers, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = timers.startTimer(ms, resolve, { keepAlive: true });
  const onAbort = () => resolve();
  signal.addEventListener('abort', onAbort, { once: true });
  return promise.finally(() => {
    cancel();
    signal.removeEventListener('abort', onAbort);
  });
}

/**
 * Settles as `promise` does, or rejects with the signal's reason when it aborts first. What `promise` does later is ignored.
 */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
