// What escapes the job's own promise: uncaught exceptions, unhandled rejections, an event loop that runs empty, and what would end the process
// or turn it into another behind the run's back.
import type { Stop } from '../runner/stop.ts';
import type { Listen } from './own-listeners.ts';

/** The ways to end a process, which nobody else has any more. */
export interface Exits {
  /** Ends the process with this code, whatever those who listen to its exit make of it. */
  exit(code: number): never;
  /** Becomes another program, which exits with this code. Returns where a process can't be replaced. */
  becomeExit(code: number): void;
}

/** Turns each of them into the run's cause; what comes when there is one already, or the outcome is decided, is only told. */
export function guardAgainstCrashes(stop: Stop, listen: Listen): Exits {
  const onError = (error: unknown, origin: string) => {
    if (!stop.request({ kind: 'crash', error, origin })) stop.onLateError?.(error, origin);
  };
  listen('uncaughtException', (error: Error) => onError(error, 'uncaughtException'));
  listen('unhandledRejection', (reason: unknown) => onError(reason, 'unhandledRejection'));
  // Node would exit here, with 0 or 13, as if all were well; work that this starts keeps the process alive.
  listen('beforeExit', () => stop.request({ kind: 'drained' }));

  let leaving = false;
  const refuse = (what: string, call: string): never => {
    const error = new Error(`${call} was called; to end the run, return from the job or throw`);
    if (!leaving) onError(error, what);
    throw error;
  };
  const { exit, execve, kill } = process;
  const { reallyExit } = process as unknown as { reallyExit: (code: number) => never };
  Object.assign(process, {
    // Whoever called the real ones would decide the exit code, and the run would end without a word.
    exit: (code?: number | string) => refuse('process.exit', `process.exit(${code ?? ''})`),
    reallyExit: (code?: number) => refuse('process.reallyExit', `process.reallyExit(${code ?? ''})`),
    abort: () => refuse('process.abort', 'process.abort()'),
    ...(execve && { execve: (file: string) => refuse('process.execve', `process.execve(${file})`) }),
    kill: (pid: number, signal: string | number = 'SIGTERM') => {
      // What can be listened to comes back as a signal.
      const deadly = typeof signal === 'number' ? [6, 9, 19].includes(signal) : /^SIG(ABRT|KILL|STOP)$/.test(signal);
      if (pid === process.pid && deadly) refuse('process.kill', `process.kill(process.pid, ${signal})`);
      return kill.call(process, pid, signal);
    },
  });

  return {
    exit(code) {
      leaving = true;
      try {
        process.emit('exit', code);
      } catch {
        // The last word has been said.
      }
      // As process.exit does, but for the listeners, who could have set another code by now.
      Object.assign(process, { _exiting: true, reallyExit });
      return exit.call(process, code);
    },
    becomeExit(code) {
      execve?.call(process, process.execPath, ['node', '-e', `process.exit(${code})`], {});
    },
  };
}
