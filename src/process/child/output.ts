// What becomes of a program's output: lines for the log, bytes passed through, or text for whoever started it.
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { LineSplitter } from './lines.ts';

export type StreamName = 'stdout' | 'stderr';

/** Takes one stream of a program. */
export interface OutputTaker {
  /**
   * Takes the next bytes; when it returns they have been dealt with, which is what keeps a fast program back. Their memory is gone then: what is
   * kept of them is a copy.
   */
  push(chunk: Buffer): void;
  /** The stream has ended, or nobody waits for its end any more. */
  end(): void;
  /** Why what comes can't be taken any more, where it can't. */
  readonly lost?: NodeJS.ErrnoException | undefined;
}

/** Takes whole lines of one stream, without their ends. */
export type LinesTaker = (lines: string[]) => void;

/** Each line of the stream. What is longer than a line may be is redacted before it is cut. */
export function linesOf(take: LinesTaker, redact?: (text: string) => string): OutputTaker {
  return new LineSplitter(take, redact);
}

/** How many bytes are remembered of a stream of which nobody looks at every line; the last lines come out of them. */
const REMEMBERED_BYTES = 64 * 1024;

/**
 * Passes the bytes on as they are, and tells at the end what the last lines were.
 * @param write returns why they can't be written, where they can't
 */
export function passedThrough(
  write: (bytes: Buffer) => NodeJS.ErrnoException | undefined,
  tellLast: LinesTaker,
  redact?: (text: string) => string,
): OutputTaker {
  // A ring: the newest bytes end before `at`, the oldest begin there once it is full. Larger than what is kept of them, for the line whose
  // beginning is lost, and with it perhaps that of a secret: it isn't told.
  const ring = Buffer.alloc(2 * REMEMBERED_BYTES);
  let at = 0;
  let full = false;
  let lost: NodeJS.ErrnoException | undefined;
  return {
    get lost() {
      return lost;
    },
    push(chunk) {
      lost ??= write(chunk);
      const kept = chunk.subarray(-ring.length);
      const beforeEnd = kept.copy(ring, at);
      kept.copy(ring, 0, beforeEnd);
      full ||= at + kept.length >= ring.length;
      at = (at + kept.length) % ring.length;
    },
    end() {
      const kept = full ? Buffer.concat([ring.subarray(at), ring.subarray(0, at)]) : ring.subarray(0, at);
      const whole = full ? kept.subarray(kept.indexOf('\n') + 1 || kept.length) : kept;
      if (full && whole.length === 0) tellLast([`… (a line of more than ${ring.length} bytes)`]);
      const splitter = new LineSplitter(tellLast, redact);
      splitter.push(whole);
      splitter.end();
    },
  };
}

/** How long a beginning of a line waits for its end before it is shown: a prompt never gets one. */
const PARTIAL_MS = 50;

/** Shows the stream on a terminal as the program means it, progress that it draws with carriage returns included. */
export function shownLive(write: (text: string) => void): OutputTaker {
  const decoder = new StringDecoder('utf8');
  let held = '';
  let timer: NodeJS.Timeout | undefined;
  const show = () => {
    if (held) write(held);
    held = '';
  };
  return {
    push(chunk) {
      clearTimeout(timer);
      const text = held + decoder.write(chunk);
      const whole = Math.max(text.lastIndexOf('\n'), text.lastIndexOf('\r')) + 1;
      if (whole > 0) write(text.slice(0, whole));
      held = text.slice(whole);
      if (held.length > chunk.length + REMEMBERED_BYTES) show();
      else if (held) timer = setTimeout(show, PARTIAL_MS).unref();
    },
    end() {
      clearTimeout(timer);
      held += decoder.end();
      show();
    },
  };
}

/** Hands the stream to all of them. */
export function each(...takers: readonly OutputTaker[]): OutputTaker {
  return {
    push(chunk) {
      for (const taker of takers) taker.push(chunk);
    },
    end() {
      for (const taker of takers) taker.end();
    },
  };
}

/** Collects the stream as text, up to `most` bytes; what is more is dropped, and `cut` says so. */
export class Collector implements OutputTaker {
  readonly #most: number;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  cut = false;

  constructor(most: number) {
    this.#most = most;
  }

  push(chunk: Buffer): void {
    const kept = chunk.subarray(0, this.#most - this.#bytes);
    if (kept.length < chunk.length) this.cut = true;
    if (kept.length > 0) this.#chunks.push(Buffer.from(kept));
    this.#bytes += kept.length;
  }

  end(): void {}

  text(): string {
    return Buffer.concat(this.#chunks).toString('utf8');
  }
}

/**
 * Gives the memory of bytes back at once. Left to the garbage collector, which doesn't see how large they are, 50 MiB and more of them wait
 * while a program writes much.
 */
function release({ buffer, length }: Buffer): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === length) buffer.transfer(0);
}

/** Reads a stream to its end. */
export class Reading {
  /** Resolves when the stream has ended; never rejects. */
  readonly done: Promise<void>;
  readonly #stream: Readable;
  readonly #taker: OutputTaker;
  #over = false;

  constructor(stream: Readable, taker: OutputTaker) {
    this.#stream = stream;
    this.#taker = taker;
    stream.on('data', (chunk: Buffer) => {
      if (this.#over) return;
      taker.push(chunk);
      release(chunk);
      // As if it wrote there itself: the program learns that nobody takes what it writes.
      if (taker.lost) this.stop();
    });
    this.done = new Promise((resolve) => {
      // A pipe that breaks has ended as well.
      stream.on('error', () => resolve());
      stream.on('close', () => resolve());
      stream.on('end', () => resolve());
    });
  }

  /** Nobody waits any longer for what a process that got away may still write. */
  stop(): void {
    if (this.#over) return;
    this.#over = true;
    this.#stream.destroy();
    this.#taker.end();
  }
}
