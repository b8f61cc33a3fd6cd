// One slot's run, as a child process of the real executable: it has its own deadline, lock and record.
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Shard } from '../../job.ts';
import { EXIT } from '../../runner/outcome.ts';
import type { Stop } from '../../runner/stop.ts';

/** Where children write to: standard error alone, where standard output is for what the command itself says. */
const OUTPUT = { own: 'inherit', stderr: ['ignore', 2, 2] } as const satisfies Record<string, StdioOptions>;

/** What runs the children. */
export interface Children {
  /** Runs one to its end, and returns its exit code; that of a killed one when a signal ended it. */
  run(argv: readonly string[], shard: Shard): Promise<number>;
  /** Passes a signal on to those that run. */
  kill(signal: NodeJS.Signals): void;
}

/** @param home the folder that holds the executable */
export function openChildren(
  env: NodeJS.ProcessEnv,
  home: URL,
  stop: Stop,
  output: keyof typeof OUTPUT = 'stderr',
): Children {
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
    async run(argv, shard) {
      const child = spawn(process.execPath, [...process.execArgv, executable, ...argv], {
        // In a session of its own: what a terminal sends to all of its programs would come twice, and the second ends a run at once.
        detached: true,
        stdio: OUTPUT[output] as StdioOptions,
        env: { ...env, ...variablesOf(shard) },
      });
      running.add(child);
      const [exitCode] = (await once(child, 'close')) as [number | null];
      running.delete(child);
      return exitCode ?? EXIT.killed;
    },
  };
}

const variablesOf = ({ index, count }: Shard): NodeJS.ProcessEnv => ({
  RUN_JOB_CATCH_UP: 'latest',
  RUN_JOB_SLOTS: undefined,
  RUN_JOB_SHARDS: count > 1 ? String(count) : undefined,
  JOB_COMPLETION_INDEX: count > 1 ? String(index) : undefined,
  // The sidecars go on until all slots are done.
  RUN_JOB_SHUTDOWN_URLS: undefined,
});
