// The main thread's side of the watchdog: a thread that ends the process when a blocked event loop can't do so itself.
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import type { LastWords, Watchdog } from '../runner/ports.ts';
import { systemClock } from './clock.ts';
import { EndClaim } from './end-claim.ts';
import type { TerminationFile } from './termination-log.ts';

/** What the thread knows from its start. */
export interface WatchdogOptions {
  readonly terminationFile: TerminationFile;
  /** Where the run's record and its lock are, if there are any. */
  readonly databaseUrl: string | undefined;
  /** How often the lock is to be proved, in milliseconds. */
  readonly lockCheckMs: number;
  /** How long a job may take to stop, in milliseconds. */
  readonly graceMs: number;
  /** The program that closes the record of a process that is about to be aborted. */
  readonly closeRecordScript: string;
}

/** What the thread is given at its start. */
export interface WatchdogData extends WatchdogOptions {
  /** The file that Node writes when the heap is exhausted; undefined when somebody else has a use for it. */
  readonly fatalReport: { readonly folder: string; readonly name: string } | undefined;
  /** What an `EndClaim` is made of. */
  readonly endClaim: SharedArrayBuffer;
}

/** To the thread: kill the process in `inMs` unless another of these arrives before that. */
export interface Arm {
  readonly inMs: number;
  readonly lastWords: LastWords;
}

/** From the thread, which gets the same back from an event loop that turns. */
export const PULSE = 'pulse';

/** How the thread is started. */
export interface WatchdogStart {
  /**
   * How long after it is first armed, in milliseconds: nothing but our own code may run on the event loop until then, since nobody watches
   * over it, and whoever is about to wait there calls `begin` before.
   */
  readonly afterMs: number;
}

/**
 * A watchdog whose thread starts when it is first armed, and no sooner: the thread takes longer to start than Node itself, and a process that
 * ends meanwhile is held up by it. It has its own event loop, and doesn't keep the process alive.
 */
export function createWatchdog(
  script: URL,
  options: WatchdogOptions,
  { afterMs }: WatchdogStart,
): Watchdog & {
  /** Starts the thread now, unless it is there. */
  begin(): void;
} {
  const endClaim = new EndClaim();
  const { monotonicMs } = systemClock;
  let worker: Worker | undefined;
  /** What it was last armed with, until the thread is there to hear it. */
  let armed: { readonly at: number; readonly lastWords: LastWords } | undefined;

  const begin = () => {
    if (worker) return;
    worker = start(script, options, endClaim);
    if (armed) worker.postMessage({ inMs: armed.at - monotonicMs(), lastWords: armed.lastWords } satisfies Arm);
    armed = undefined;
  };
  return {
    arm(inMs, lastWords) {
      if (worker) return worker.postMessage({ inMs, lastWords } satisfies Arm);
      const first = armed === undefined;
      armed = { at: monotonicMs() + inMs, lastWords };
      if (afterMs === 0) begin();
      else if (first) setTimeout(begin, afterMs).unref();
    },
    claim: (stage) => endClaim.advance(stage),
    begin,
  };
}

/** What TLS, PostgreSQL's client and HTTP read of the environment, besides the client's own variables, which begin with PG. */
const FOR_LAST_WORDS = new Set([
  'HOME',
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'HTTP_PROXY',
  'http_proxy',
  'HTTPS_PROXY',
  'https_proxy',
  'NO_PROXY',
  'no_proxy',
]);

function environmentForLastWords(): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {};
  // Each value is a call into C++: only what is needed is read.
  for (const name of Object.keys(process.env)) {
    if (name.startsWith('PG') || FOR_LAST_WORDS.has(name)) env[name] = process.env[name];
  }
  return env;
}

function start(script: URL, options: WatchdogOptions, endClaim: EndClaim): Worker {
  // Loaded by the first who needs it: a short program ends before that.
  const { Worker } = process.getBuiltinModule('node:worker_threads');
  const worker = new Worker(script, {
    workerData: { ...options, fatalReport: reportFatalErrors(), endClaim: endClaim.shared } satisfies WatchdogData,
    // Piping its output through ours would open streams that nobody needs; it writes to the descriptor itself.
    stdout: true,
    stderr: true,
    env: environmentForLastWords(),
    execArgv: [],
    // Far above what it uses; without limits V8 lets it grow like the main thread.
    resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 2, stackSizeMb: 1 },
  });
  // Without a listener an error in the thread would be the run's; a run without a watchdog is still a run.
  worker.on('error', () => undefined);
  worker.on('message', (message) => {
    if (message === PULSE) worker.postMessage(PULSE);
  });
  worker.unref();
  return worker;
}

/**
 * Lets Node write a report when V8 gives up, before it aborts: the only sign of it that the thread can see. Nothing of the environment is in
 * it, and the thread removes it.
 */
function reportFatalErrors(): WatchdogData['fatalReport'] {
  const { report } = process;
  // Whoever asked for such reports by a flag of Node's gets them.
  if (report.reportOnFatalError) return undefined;
  const folder = process.env.TMPDIR || '/tmp';
  const name = `run-job-${process.pid}-fatal.json`;
  Object.assign(report, {
    reportOnFatalError: true,
    filename: join(folder, name),
    compact: true,
    excludeEnv: true,
    excludeNetwork: true,
  });
  return { folder, name };
}
