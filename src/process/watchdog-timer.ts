// Inside the watchdog's thread: waits for the end of the time it was given, then speaks for the run and kills the process.
import { closeSync, constants, openSync, write, writeSync } from 'node:fs';
import type { MessagePort } from 'node:worker_threads';
import { limited } from '../runner/limited.ts';
import { EXIT, type Summary } from '../runner/outcome.ts';
import type { LastWords } from '../runner/ports.ts';
import { terminationMessage } from '../runner/termination.ts';
import { systemClock } from './clock.ts';
import { openTerminationLog } from './termination-log.ts';
import { usage } from './usage.ts';
import type { Arm, WatchdogOptions } from './watchdog.ts';

/** How long closing the record may hold up the kill. */
const RECORD_LIMIT_MS = 2_000;

/** How long a line that may block the writer may hold up the kill. */
const LINE_LIMIT_MS = 500;

/** Closes the record of a run that the watchdog is about to kill, within `limitMs`. */
export type CloseRecord = (databaseUrl: string, summary: Summary, limitMs: number) => Promise<void>;

/** Listens to the main thread, for as long as that lives. */
export function watch(port: MessagePort, options: WatchdogOptions, closeRecord: CloseRecord): void {
  let timer: NodeJS.Timeout | undefined;
  port.on('message', ({ inMs, lastWords }: Arm) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      speakFor(lastWords, options, closeRecord)
        .catch(() => undefined)
        .finally(() => process.kill(process.pid, 'SIGKILL'));
    }, inMs);
  });
}

/** Leaves the termination message, the record and the last log line of a run that can't do so itself. */
async function speakFor(lastWords: LastWords, options: WatchdogOptions, closeRecord: CloseRecord): Promise<void> {
  const summary: Summary = {
    ...lastWords.account,
    exitCode: EXIT.killed,
    durationMs: Math.round(systemClock.monotonicMs() - lastWords.startedAtMs),
    ...usage(),
    error: lastWords.account.error ?? {
      name: 'RunJobError',
      code: 'ERR_RUN_JOB_TIMEOUT',
      message:
        `The event loop was blocked while ${lastWords.doing}, past the deadline and the grace period, so the watchdog killed ` +
        'the process: look for a loop or a synchronous call that never yields',
    },
  };
  openTerminationLog(options.terminationFile).write(terminationMessage(summary));
  if (lastWords.recorded && options.databaseUrl) {
    // Whatever goes wrong here, the record stays open and the next run finds it dead: that is all that is lost.
    const closing = closeRecord(options.databaseUrl, summary, RECORD_LIMIT_MS);
    await limited('closing the record', RECORD_LIMIT_MS, closing).catch(() => undefined);
  }
  await writeLine(
    JSON.stringify({
      time: new Date().toISOString(),
      level: 'error',
      msg: `run ${summary.status.replace('_', ' ')}`,
      ...summary,
    }),
  );
}

/** Writes to stdout, but rather loses the line than waits for a reader who has stopped reading. */
async function writeLine(line: string): Promise<void> {
  try {
    // A file description of our own: making the process's stdout itself non-blocking would change it for everybody who shares it.
    const file = openSync('/proc/self/fd/1', constants.O_WRONLY | constants.O_NONBLOCK | constants.O_APPEND);
    try {
      writeSync(file, `${line}\n`);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    // EAGAIN: the pipe is full. Anything else: stdout can't be opened anew (a socket, no /proc), so it is written to directly, by a
    // thread of libuv's pool: where nobody reads, that thread is blocked, and this one still kills.
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return;
    const written = new Promise((done) => write(1, `${line}\n`, done));
    await limited('the last line', LINE_LIMIT_MS, written).catch(() => undefined);
  }
}
