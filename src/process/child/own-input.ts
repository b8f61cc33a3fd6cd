// Our own standard input, for programs that read it: each attempt reads all of it, or there is no other attempt.
import { closeSync, constants, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { ConfigError } from '../../errors.ts';

/** Standard input as the first attempt finds it. */
export class OwnInput {
  readonly #position = positionOfFile();

  /**
   * What another attempt reads: the same as the first one, by a descriptor that whoever starts it closes, or what was never read.
   * @throws {ConfigError} it has been read, and can't be again: an attempt that reads nothing may well succeed, and do none of the work
   */
  again(): 'inherit' | number {
    const anew = this.#position === 0 ? openAnew() : undefined;
    if (anew !== undefined) return anew;
    if (this.#position === positionOfFile() && !hasBeenRead()) return 'inherit';
    throw new ConfigError(
      'An attempt before this one has read standard input, which can be read only once: give the run a file (< file), or one attempt',
    );
  }
}

/** From its beginning; undefined where it may not be opened, as the file of another user. */
function openAnew(): number | undefined {
  try {
    return openSync('/proc/self/fd/0', 'r');
  } catch {
    return undefined;
  }
}

/** Where the file that is standard input is read next; undefined where it is none, or nothing tells. */
function positionOfFile(): number | undefined {
  try {
    if (!fstatSync(0).isFile()) return undefined;
    const position = /^pos:\s*(\d+)$/m.exec(readFileSync('/proc/self/fdinfo/0', 'latin1'))?.[1];
    return position === undefined ? undefined : Number(position);
  } catch {
    return undefined;
  }
}

/** Whether it is a pipe whose writer has gone, or that holds what is left of something. One in which nothing has come may be idle, as that of a service. */
function hasBeenRead(): boolean {
  try {
    if (!fstatSync(0).isFIFO()) return false;
    const own = openSync('/proc/self/fd/0', constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      readSync(own, Buffer.alloc(1));
      return true;
    } finally {
      closeSync(own);
    }
  } catch {
    return false;
  }
}
