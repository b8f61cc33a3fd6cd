// Writes to descriptors that can only be written to by waiting, such as sockets: in a thread of libuv's, where waiting holds up nobody.
import { write } from 'node:fs';

/** How long to wait before a full descriptor that somebody has made non-blocking is tried again, in milliseconds. */
const AGAIN_MS = 5;

export class BackgroundWriter {
  #turn: Promise<void> = Promise.resolve();
  #unwritten = 0;

  /** Bytes that wait for a reader. */
  get unwritten(): number {
    return this.#unwritten;
  }

  /** Resolves when all that was given so far is written, or can't be written any more. */
  get done(): Promise<void> {
    return this.#turn;
  }

  /** Writes it behind all that was given before. What a reader doesn't want who is gone is dropped. */
  write(fd: number, text: string): void {
    const bytes = Buffer.from(text);
    this.#unwritten += bytes.length;
    this.#turn = this.#turn.then(() => this.#write(fd, bytes));
  }

  async #write(fd: number, bytes: Uint8Array): Promise<void> {
    let rest = bytes;
    while (rest.length > 0) {
      const written = await attempt(fd, rest);
      if (written === undefined) {
        this.#unwritten -= rest.length;
        return;
      }
      this.#unwritten -= written;
      rest = rest.subarray(written);
      if (written === 0) await new Promise((passed) => setTimeout(passed, AGAIN_MS));
    }
  }
}

/** How many bytes were taken; undefined when none ever will be. */
function attempt(fd: number, bytes: Uint8Array): Promise<number | undefined> {
  return new Promise((resolve) => {
    write(fd, bytes, (error, written) => {
      const taken = error === null ? written : error.code === 'EAGAIN' ? 0 : undefined;
      // In the next turn: until this callback returns, Node counts the write as under way.
      setImmediate(resolve, taken);
    });
  });
}
