// Runs for slots of the past, as child processes of the real executable: each has its own deadline, lock and record.
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { EXIT } from '../runner/outcome.ts';
import type { Stop } from '../runner/stop.ts';

/** What runs the children. */
export interface Children {
  /** Runs one to its end, with these variables over the others, and returns its exit code; that of a killed one when a signal ended it. */
  run(argv: readonly string[], variables?: NodeJS.ProcessEnv): Promise<number>;
  /** Passes a signal on to those that run. */
  kill(signal: NodeJS.Signals): void;
}

/** What they have in common. */
export interface ChildOptions {
  readonly env: NodeJS.ProcessEnv;
  /** The folder that holds the executable. */
  readonly home: URL;
  /** What stops it stops them. */
  readonly stop: Stop;
  readonly stdio: StdioOptions;
}

export function openChildren({ env, home, stop, stdio }: ChildOptions): Children {
  const executable = fileURLToPath(new URL('run-job.js', home));
  const running = new Set<ChildProcess>();
  const kill = (signal: NodeJS.Signals) => {
    for (const child of running) child.kill(signal);
  };
  stop.signal.addEventListener('abort', () => kill(stop.cause?.kind === 'signal' ? stop.cause.signal : 'SIGTERM'), {
    once: true,
  });
  return {
    kill,
    async run(argv, variables = {}) {
      const child = spawn(process.execPath, [...process.execArgv, executable, ...argv], {
        // In a session of its own: what a terminal sends to all of its programs would come twice, and the second ends a run at once.
        detached: true,
        stdio,
        // The sidecars go on until all slots are done, and none of them catches up with others.
        env: { ...env, RUN_JOB_CATCH_UP: 'latest', RUN_JOB_SHUTDOWN_URLS: undefined, ...variables },
      });
      running.add(child);
      const [exitCode] = (await once(child, 'close')) as [number | null];
      running.delete(child);
      return exitCode ?? EXIT.killed;
    },
  };
}
