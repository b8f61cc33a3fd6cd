// The watchdog's thread: waits for the end of the time it was given, then speaks for the run and kills the process.
import { closeSync, constants, openSync, write, writeSync } from 'node:fs';
import type { MessagePort } from 'node:worker_threads';
import { EXIT, type Summary } from '../runner/outcome.ts';
import { terminationMessage, writeTermination } from '../runner/termination.ts';
import { measure } from './measures.ts';
import type { Arm, LastWords } from './watchdog.ts';

/** How long closing the record may hold up the kill. */
const RECORD_LIMIT_MS = 2_000;

/** How long a line that may block the writer may hold up the kill. */
const LINE_LIMIT_MS = 500;

/** Closes the record of a run that the watchdog is about to kill, within `limitMs`. */
export type CloseRecord = (databaseUrl: string, summary: Summary, limitMs: number) => Promise<void>;

/** Listens to the main thread, for as long as that lives. */
export function guard(port: MessagePort, closeRecord: CloseRecord): void {
  let timer: NodeJS.Timeout | undefined;
  port.on('message', ({ inMs, lastWords }: Arm) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      bark(lastWords, closeRecord)
        .catch(() => undefined)
        .finally(() => process.kill(process.pid, 'SIGKILL'));
    }, inMs);
  });
}

async function bark(lastWords: LastWords, closeRecord: CloseRecord): Promise<void> {
  const summary: Summary = {
    ...lastWords.account,
    exitCode: EXIT.killed,
    ...measure(lastWords.startedAt),
    error: lastWords.account.error ?? {
      name: 'RunJobError',
      code: 'ERR_RUN_JOB_TIMEOUT',
      message:
        `The event loop was blocked while ${lastWords.doing}, past the deadline and the grace period, so the watchdog killed ` +
        'the process: look for a loop or a synchronous call that never yields',
    },
  };
  writeTermination(lastWords.termination, terminationMessage(summary));
  if (lastWords.databaseUrl) {
    // Whatever goes wrong here, the record stays open and the next run finds it dead: that is all that is lost.
    const closing = closeRecord(lastWords.databaseUrl, summary, RECORD_LIMIT_MS).catch(() => undefined);
    await Promise.race([closing, new Promise((done) => setTimeout(done, RECORD_LIMIT_MS))]);
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
    await Promise.race([written, new Promise((passed) => setTimeout(passed, LINE_LIMIT_MS))]);
  }
}
