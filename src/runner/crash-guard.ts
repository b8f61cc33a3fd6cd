// What escapes the job's own promise: uncaught exceptions, unhandled rejections, and an event loop that runs empty.
import type { Stop } from './stop.ts';

/** Turns each of them into the run's cause; what comes when there is one already, or the outcome is decided, is only told. */
export function guardAgainstCrashes(stop: Stop): void {
  const onError = (error: unknown, origin: string) => {
    if (!stop.request({ kind: 'crash', error, origin })) stop.onLateError?.(error, origin);
  };
  process.on('uncaughtException', (error) => onError(error, 'uncaughtException'));
  process.on('unhandledRejection', (reason) => onError(reason, 'unhandledRejection'));
  // Node would exit here, with 0 or 13, as if all were well; work that this starts keeps the process alive.
  process.on('beforeExit', () => stop.request({ kind: 'drained' }));
}
