// The main thread's side of the watchdog: a thread that ends the process when a blocked event loop can't do so itself.
import { Worker } from 'node:worker_threads';
import type { LastWords, Watchdog } from '../runner/ports.ts';
import type { TerminationFile } from './termination-log.ts';

/** What the thread knows from its start. */
export interface WatchdogOptions {
  readonly terminationFile: TerminationFile;
  /** Where the run's record is, if there is one. */
  readonly databaseUrl: string | undefined;
}

/** To the thread: kill the process in `inMs` unless another of these arrives before that. */
export interface Arm {
  readonly inMs: number;
  readonly lastWords: LastWords;
}

/** A watchdog that can be made ready ahead of its first use, where there is something else to wait for meanwhile. */
export interface WarmableWatchdog extends Watchdog {
  warm(): void;
}

/**
 * A watchdog whose thread starts when it is first armed or warmed. It has its own event loop, and neither keeps the process alive nor delays
 * its exit.
 */
export function createWatchdog(script: URL, options: WatchdogOptions): WarmableWatchdog {
  let worker: Worker | undefined;
  return {
    warm() {
      worker ??= start(script, options);
    },
    arm(inMs, lastWords) {
      worker ??= start(script, options);
      worker.postMessage({ inMs, lastWords } satisfies Arm);
    },
  };
}

function start(script: URL, workerData: WatchdogOptions): Worker {
  const worker = new Worker(script, {
    workerData,
    // Piping its output through ours would open streams that nobody needs; it writes to the descriptor itself.
    stdout: true,
    stderr: true,
    env: {},
    execArgv: [],
    // Far above what it uses; without limits V8 lets it grow like the main thread.
    resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 2, stackSizeMb: 1 },
  });
  // Without a listener an error in the thread would be the run's; a run without a watchdog is still a run.
  worker.on('error', () => undefined);
  worker.unref();
  return worker;
}
