// What the watchdog's thread says for a run that can't say it itself: the termination message, the record and the last log line.
import { spawn } from 'node:child_process';
import { write, writeSync } from 'node:fs';
import { type Cancellation, tellCancellation } from '../runner/decisions.ts';
import { limited } from '../runner/limited.ts';
import { type ErrorInfo, EXIT, type Summary } from '../runner/outcome.ts';
import type { LastWords, OutgoingRequest } from '../runner/ports.ts';
import { terminationMessage } from '../runner/termination.ts';
import { systemClock } from './clock.ts';
import { openTerminationLog } from './termination-log.ts';
import { usage } from './usage.ts';
import type { WatchdogOptions } from './watchdog.ts';
import { writeWithin } from './write-within.ts';

/** How long closing the record may hold up the end: here, and in a process that has to be started for it. */
const RECORD_LIMIT_MS = 2_000;
export const OTHERS_RECORD_LIMIT_MS = 5_000;

/** How long a line that may block the writer may hold up the kill. */
const LINE_LIMIT_MS = 500;

/** Where it is said. */
export interface Speech extends Pick<WatchdogOptions, 'terminationFile' | 'databaseUrl' | 'closeRecordScript'> {
  /** Closes the record of a run that is about to be killed, within `limitMs`. */
  readonly closeRecord: (databaseUrl: string, summary: Summary, limitMs: number) => Promise<void>;
  /** Sends what is to be told of such a run, within `limitMs`. Never rejects. */
  readonly sendAll: (requests: readonly OutgoingRequest[], limitMs: number) => Promise<void>;
}

/** What the thread knows of the main one. */
export interface Findings {
  readonly blocked: boolean;
  readonly lockLost: boolean;
  /** Why the run is cancelled, where that was found. */
  readonly cancelled: Cancellation | undefined;
}

/** Speaks for a run whose time is up, and which is killed then. */
export async function speakFor(lastWords: LastWords, findings: Findings, speech: Speech): Promise<void> {
  const { account } = lastWords;
  const lost = findings.lockLost && !lastWords.decided;
  const cancellation = lastWords.decided ? undefined : findings.cancelled;
  const summary: Summary = {
    ...account,
    ...measures(lastWords),
    ...(cancellation && { status: 'cancelled' }),
    ...(lost && { status: 'unavailable' }),
    exitCode: EXIT.killed,
    error: account.error ?? errorOf(lastWords, findings, { lost, cancellation }),
  };
  openTerminationLog(speech.terminationFile).write(terminationMessage(summary));
  const { requests } = lastWords;
  const tasks: Promise<void>[] = requests.length > 0 ? [speech.sendAll(requests, RECORD_LIMIT_MS)] : [];
  // Whatever goes wrong here, the record stays open and the next run finds it dead: that is all that is lost.
  if (lastWords.recorded && speech.databaseUrl)
    tasks.push(speech.closeRecord(speech.databaseUrl, summary, RECORD_LIMIT_MS));
  if (tasks.length > 0)
    await limited('closing the record', RECORD_LIMIT_MS, Promise.allSettled(tasks)).catch(() => undefined);
  await writeLine(lineOf(summary));
}

/**
 * Speaks for a run whose heap is exhausted: the process is about to be aborted, so that nothing here may wait. The record is closed by
 * another process, for which this one is stopped in the middle of its abort; where it is the first of its container, all would end with it.
 */
export function speakOfExhaustion(lastWords: LastWords, speech: Speech): void {
  const { account } = lastWords;
  const summary: Summary = {
    ...account,
    ...measures(lastWords),
    status: lastWords.ended ? account.status : 'crashed',
    exitCode: EXIT.aborted,
    error: account.error ?? exhausted(lastWords),
  };
  openTerminationLog(speech.terminationFile).write(terminationMessage(summary));
  const closing = leaveToAnother(lastWords, summary, speech);
  const line = lineOf(summary);
  try {
    writeWithin(1, line, 0);
  } catch {
    // Whether it has to wait can't be known: the abort doesn't wait for it.
    writeSync(1, line);
  }
  if (closing) process.kill(process.pid, 'SIGSTOP');
}

/** Starts another process that closes the record, and then lets this one go on. Returns whether there is one. */
function leaveToAnother(lastWords: LastWords, summary: Summary, speech: Speech): boolean {
  const databaseUrl = lastWords.recorded ? speech.databaseUrl : undefined;
  const { requests } = lastWords;
  if (databaseUrl === undefined && requests.length === 0) return false;
  const order: ClosingOrder = { databaseUrl, summary, requests, pid: process.pid };
  // By the environment, where the URL is at home: what is written to a pipe may wait for a thread that is stopped.
  const child = spawn(process.execPath, [speech.closeRecordScript], {
    stdio: 'ignore',
    cwd: '/',
    detached: true,
    env: { ...process.env, [CLOSING_ORDER]: JSON.stringify(order) },
  });
  child.on('error', () => undefined);
  if (child.pid === undefined) return false;
  return true;
}

/** The variable that tells the program that closes the record what to do. */
export const CLOSING_ORDER = 'RUN_JOB_CLOSING_ORDER';

/** What is in it, as JSON. */
export interface ClosingOrder {
  /** Where the record is, if there is one. */
  readonly databaseUrl: string | undefined;
  readonly requests: readonly OutgoingRequest[];
  readonly summary: Summary;
  /** The process that is stopped meanwhile. */
  readonly pid: number;
}

const measures = ({ startedAtMs }: LastWords) => ({
  durationMs: Math.round(systemClock.monotonicMs() - startedAtMs),
  ...usage(),
});

function errorOf(
  lastWords: LastWords,
  findings: Findings,
  { lost, cancellation }: { readonly lost: boolean; readonly cancellation: Cancellation | undefined },
): ErrorInfo {
  if (lost) return lockLost(lastWords);
  return cancellation ? cancelled(lastWords, cancellation) : overdue(lastWords, findings);
}

function cancelled({ doing }: LastWords, cancellation: Cancellation): ErrorInfo {
  return {
    name: 'RunJobError',
    code: 'ERR_RUN_JOB_CANCELLED',
    message: `${tellCancellation(cancellation)}. The event loop was blocked while ${doing}, so that nothing but the watchdog could stop it: it killed the process after the grace period`,
  };
}

function overdue({ doing }: LastWords, { blocked }: Findings): ErrorInfo {
  return {
    name: 'RunJobError',
    code: 'ERR_RUN_JOB_TIMEOUT',
    message: blocked
      ? `The event loop was blocked while ${doing}, past the deadline and the grace period, so the watchdog killed the process: look for a loop or a synchronous call that never yields`
      : `The run was still ${doing} when its deadline and the grace period had passed, so the watchdog killed the process`,
  };
}

function lockLost({ doing }: LastWords): ErrorInfo {
  return {
    name: 'UnavailableError',
    code: 'ERR_RUN_JOB_UNAVAILABLE',
    message: `This run's lock was lost, so that another run could start, and the event loop was blocked while ${doing}, so that nothing but the watchdog could stop it: it killed the process`,
  };
}

function exhausted({ doing }: LastWords): ErrorInfo {
  return {
    name: 'RunJobError',
    code: 'ERR_RUN_JOB_CRASH',
    message: `heap exhausted: raise the memory limit, or keep less in memory at once. V8 gave up while ${doing}, and the process was aborted`,
  };
}

function lineOf(summary: Summary): string {
  const head = { time: new Date().toISOString(), level: 'error', msg: `run ${summary.status.replace('_', ' ')}` };
  return `${JSON.stringify({ ...head, ...summary })}\n`;
}

/** Writes to standard output, but rather loses the line than waits for a reader who has stopped reading. */
async function writeLine(line: string): Promise<void> {
  try {
    writeWithin(1, line, LINE_LIMIT_MS);
  } catch {
    // By a thread of libuv's pool: where nobody reads, that thread is blocked, and this one still kills.
    const written = new Promise((done) => write(1, line, done));
    await limited('the last line', LINE_LIMIT_MS, written).catch(() => undefined);
  }
}
