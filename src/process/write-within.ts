// Writing to a descriptor without waiting for its reader for longer than one likes.
import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';

/** How long to sleep before a full pipe is tried again, in milliseconds. */
const SLEEP_MS = 5;

/**
 * Writes what can be written without waiting for a reader.
 * @returns the rest
 * @throws what stands in the way of writing; or nobody can tell whether writing would block: a socket, or no /proc
 */
export function writeAtOnce(fd: 1 | 2, bytes: Uint8Array): Uint8Array {
  if (fstatSync(fd).isFile()) return bytes.subarray(writeSync(fd, bytes));
  const own = openOwn(fd);
  try {
    return bytes.subarray(writeSync(own, bytes));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return bytes;
    throw error;
  } finally {
    closeSync(own);
  }
}

export const isSocket = (fd: 1 | 2): boolean => fstatSync(fd).isSocket();

/** A description of our own: making the process's own non-blocking would change it for everybody who shares it. */
const openOwn = (fd: 1 | 2): number =>
  openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);

/**
 * Writes `text`, waiting `waitMs` at most, in all, for a reader who is slow; what is left by then is dropped, as is what a reader doesn't
 * want who is gone. Blocks the thread meanwhile.
 * @returns how long it has waited, in milliseconds
 * @throws where nobody can tell whether writing would block: a socket, or no /proc
 */
export function writeWithin(fd: 1 | 2, text: string, waitMs: number): number {
  const stats = fstatSync(fd);
  // A file never blocks; and only by the descriptor itself does whoever shares it (`{ run-job …; echo; } > file`) go on behind our line.
  if (stats.isFile()) {
    writeSync(fd, text);
    return 0;
  }
  const own = openOwn(fd);
  let waited = 0;
  try {
    let rest = Buffer.from(text);
    while (rest.length > 0) {
      try {
        rest = rest.subarray(writeSync(own, rest));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || waited >= waitMs) break;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SLEEP_MS);
        waited += SLEEP_MS;
      }
    }
  } finally {
    closeSync(own);
  }
  return waited;
}
