// What escapes the job's own promise: uncaught exceptions, unhandled rejections, an event loop that runs empty, `process.exit`.
import type { Stop } from '../runner/stop.ts';

/** Turns each of them into the run's cause; what comes when there is one already, or the outcome is decided, is only told. */
export function guardAgainstCrashes(stop: Stop): void {
  const onError = (error: unknown, origin: string) => {
    if (!stop.request({ kind: 'crash', error, origin })) stop.onLateError?.(error, origin);
  };
  process.on('uncaughtException', (error) => onError(error, 'uncaughtException'));
  process.on('unhandledRejection', (reason) => onError(reason, 'unhandledRejection'));
  // Whoever called the real one would decide the exit code, and the run would end without a word.
  process.exit = (code) => {
    const error = new Error(`process.exit(${code ?? ''}) was called; to end the run, return from the job or throw`);
    onError(error, 'process.exit');
    throw error;
  };
  // Node would exit here, with 0 or 13, as if all were well; work that this starts keeps the process alive.
  process.on('beforeExit', () => stop.request({ kind: 'drained' }));
}
