// Standard output without streams: Node's `process.stdout` takes 4 ms and 3 MB to open, and a run only ever writes lines.
import { fstatSync, writeSync } from 'node:fs';
import { BackgroundWriter } from '../../process/background-writer.ts';
import { systemClock } from '../../process/clock.ts';
import { isSocket, writeAtOnce, writeWithin } from '../../process/write-within.ts';
import { inTime, STEP_LIMITS } from '../../runner/limited.ts';

/** Device number of /dev/null on Linux: major 1, minor 3. */
const DEV_NULL = 0x103;

/** Whether a file descriptor is a terminal. `node:tty` is loaded only where it may be one. */
export function isTerminal(fd: 1 | 2): boolean {
  try {
    const stats = fstatSync(fd);
    if (!stats.isCharacterDevice() || stats.rdev === DEV_NULL) return false;
  } catch {
    // Closed by whoever started us.
    return false;
  }
  return process.getBuiltinModule('node:tty').isatty(fd);
}

/** Where the first loss is kept: on the process, since each bundle has a copy of this module. */
const LOST = Symbol.for('run-job.lost-output');
const losses: { [LOST]?: NodeJS.ErrnoException } = process as object;

/** What a reader who is gone (`run-job … | head -1`) leaves behind: nobody misses what it didn't want. */
const UNWANTED = ['EPIPE', 'ECONNRESET'];

/**
 * Writes all of `output`, waiting for a reader that is slow. That it can't be written is no reason to stop: what is left is dropped.
 * @returns why not all of it is written
 */
export function writeAll(fd: 1 | 2, output: string | Uint8Array): NodeJS.ErrnoException | undefined {
  let rest = typeof output === 'string' ? Buffer.from(output) : output;
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return error as NodeJS.ErrnoException;
      // Somebody who shares the pipe has made it non-blocking, and it is full.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
  return undefined;
}

/** Writes to standard output what a command was asked for. The command goes on also where it can't, since printing may not be all that it does; `lostOutput` tells of it. */
export function printAll(text: string): void {
  const error = writeAll(1, text);
  if (error !== undefined && !UNWANTED.includes(error.code ?? '')) losses[LOST] ??= error;
}

/** Why something that was to be printed is lost, which is the command's failure; undefined where nothing is, or nobody wanted it. */
export const lostOutput = (): NodeJS.ErrnoException | undefined => losses[LOST];

/** What a socket is trusted to have room for, of which nobody can tell: it was made for whoever was started, and has some 200 kB. */
const SOCKET_BYTES = 16 * 1024;

/** From when on waiting has taken so much longer than it should that the event loop must have been blocked, and what it is given for that, in milliseconds. */
const LATE_MS = 100;
const MAKE_UP_MS = 250;

/** What the process prints: our own lines, and what a job prints by itself. */
export interface Output {
  /**
   * Writes all of `text` behind what the job has printed with `console.log` and what still waits for its reader: a line in the middle of
   * another would spoil both.
   */
  write(fd: 1 | 2, text: string): void;
  /** Writes to standard output in the same order what a command was asked for, such as help: what is lost of it, `lostOutput` tells. */
  print(text: string): void;
  /** Writes the bytes of a program as `write` does; returns why they can't be written, where they can't. */
  pass(fd: 1 | 2, bytes: Uint8Array): NodeJS.ErrnoException | undefined;
  /** `call` is called once, before a reader is waited for: from then on nobody but another thread can do anything. */
  beforeWaiting(call: () => void): void;
  /** Waits until what was printed is written, `limitMs` at most; returns how many bytes are not. Never rejects. */
  flush(limitMs: number): Promise<number>;
  /** The last line has been written: what still comes for standard output is dropped, be it logged or printed. */
  end(): void;
}

/**
 * Watches over `process.stdout` and `process.stderr` without opening either: an EPIPE of theirs is no uncaught exception, and what is
 * written to them is known. Called once in a process.
 * @param mayBlock whether a reader may still hold us up for as long as it likes: not any more once the run is ending, since then nothing but
 *   the watchdog would end the process, and with another code than has been told
 */
export function openOutput(mayBlock: () => boolean = () => true): Output {
  // Of all that is written at the end of a run, together.
  let patienceMs: number = STEP_LIMITS.lastLine;
  const background = new BackgroundWriter();
  const opened = new Map<1 | 2, NodeJS.WriteStream>();
  let ended = false;
  for (const [name, fd] of [
    ['stdout', 1],
    ['stderr', 2],
  ] as const) {
    const { get } = Object.getOwnPropertyDescriptor(process, name) ?? {};
    if (!get) continue;
    Object.defineProperty(process, name, {
      configurable: true,
      enumerable: true,
      get: () => {
        const known = opened.get(fd);
        if (known !== undefined) return known;
        const stream = (get.call(process) as NodeJS.WriteStream).on('error', () => undefined);
        if (fd === 1) dropWhen(() => ended, stream);
        opened.set(fd, stream);
        return stream;
      },
    });
  }
  /** Whether it was written behind what the job has printed and still waits. */
  const writeBehind = (fd: 1 | 2, text: string): boolean => {
    const stream = opened.get(fd);
    if (stream === undefined || unwritten(stream) === 0) return false;
    stream.write(text);
    return true;
  };
  let beforeWaiting: (() => void) | undefined;
  let room = SOCKET_BYTES;
  const writeWaiting = (fd: 1 | 2, output: string | Uint8Array): NodeJS.ErrnoException | undefined => {
    let rest = typeof output === 'string' ? Buffer.from(output) : output;
    if (beforeWaiting !== undefined) {
      try {
        if (isSocket(fd) && room >= rest.length) {
          room -= rest.length;
          return writeAll(fd, rest);
        }
        rest = writeAtOnce(fd, rest);
      } catch {
        // What is wrong shows again, if it isn't just that nobody can tell.
      }
      if (rest.length === 0) return undefined;
      beforeWaiting();
      beforeWaiting = undefined;
    }
    return writeAll(fd, rest);
  };
  return {
    write(fd, text) {
      if ((ended && fd === 1) || writeBehind(fd, text)) return;
      if (mayBlock()) writeWaiting(fd, text);
      else {
        try {
          patienceMs -= writeWithin(fd, text, patienceMs);
        } catch {
          background.write(fd, text);
        }
      }
    },
    pass: writeWaiting,
    beforeWaiting(call) {
      beforeWaiting = call;
    },
    print(text) {
      if (writeBehind(1, text)) return;
      if (mayBlock()) printAll(text);
      else this.write(1, text);
    },
    async flush(limitMs) {
      const waiting = [...opened.values()].filter((stream) => unwritten(stream) > 0);
      if (waiting.length === 0 && background.unwritten === 0) return 0;
      // An empty write is done when all before it are, or can't be done any more.
      const written = waiting.map((stream) => new Promise<void>((done) => stream.write('', () => done())));
      const all = Promise.all([...written, background.done]);
      // The job may have left behind what blocks the event loop meanwhile: of such a time nothing was there to write in.
      if ((await lateness(all, limitMs)) > LATE_MS) await lateness(all, MAKE_UP_MS);
      return waiting.reduce((sum, stream) => sum + unwritten(stream), background.unwritten);
    },
    end() {
      ended = true;
    },
  };
}

/** From when on `ended` says so, takes what is written and writes none of it. An empty text is how what was written before is waited for. */
function dropWhen(ended: () => boolean, stream: NodeJS.WriteStream): void {
  const write = stream.write.bind(stream) as (...given: unknown[]) => boolean;
  stream.write = (...given: unknown[]) => {
    if (!ended() || given[0] === '') return write(...given);
    for (const done of given) if (typeof done === 'function') process.nextTick(done);
    return true;
  };
}

/** Waits for what is being written, `limitMs` at most; returns how much later than that it is, in milliseconds. */
async function lateness(written: Promise<unknown>, limitMs: number): Promise<number> {
  const startedAt = systemClock.monotonicMs();
  await inTime(limitMs, written);
  return systemClock.monotonicMs() - startedAt - limitMs;
}

/** Bytes that wait for a reader; what a reader who is gone would have got isn't waited for. */
function unwritten(stream: NodeJS.WriteStream): number {
  return stream.writable ? stream.writableLength : 0;
}
