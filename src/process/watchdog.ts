// The main thread's side of the watchdog: a thread that ends the process when a blocked event loop can't do so itself.
import { Worker } from 'node:worker_threads';
import type { Measures, Summary } from '../runner/outcome.ts';
import type { TerminationLog } from '../runner/termination.ts';

/** What the watchdog needs to speak for a run whose own thread can't. */
export interface LastWords {
  /** What the run is doing, to follow 'while'. */
  readonly doing: string;
  /** The run's summary as it will be true: `timed_out`, or the outcome once that is decided. The thread itself measures what it took. */
  readonly account: Omit<Summary, keyof Measures>;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly termination: TerminationLog;
  /** Where the run's record is, as long as it says running. */
  readonly databaseUrl?: string;
}

/** Kill the process in `inMs` unless another of these arrives before that. */
export interface Arm {
  readonly inMs: number;
  readonly lastWords: LastWords;
}

/** Ends the process when the time it was given has passed and nobody has given it more. */
export interface Watchdog {
  /** From now on the process has `inMs` milliseconds, in place of what it had before. */
  arm(inMs: number, lastWords: LastWords): void;
  /** Starts the thread ahead of its first use, where there is something else to wait for meanwhile. */
  warm(): void;
}

/**
 * A watchdog whose thread starts when it is first armed or warmed. It has its own event loop, and neither keeps the process alive nor delays
 * its exit.
 */
export function createWatchdog(script: URL): Watchdog {
  let worker: Worker | undefined;
  return {
    warm() {
      worker ??= start(script);
    },
    arm(inMs, lastWords) {
      worker ??= start(script);
      worker.postMessage({ inMs, lastWords } satisfies Arm);
    },
  };
}

function start(script: URL): Worker {
  const worker = new Worker(script, {
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
