// Reads what a program has left in a file, whatever it has made of that.
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

/** What is in a file, or what is wrong with it; neither where there is none. */
export interface FileText {
  readonly text?: string;
  readonly problem?: string;
}

/** Reads a file of no more than `most` bytes of UTF-8. Never throws, and never waits: a pipe would be waited for, and a device has no end. */
export function readFileText(path: string, most: number): FileText {
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stats = fstatSync(file);
      if (!stats.isFile()) return { problem: 'it is no file' };
      if (stats.size > most) return { problem: `it has ${stats.size} bytes, and may have ${most}` };
      const bytes = Buffer.alloc(stats.size);
      return textOf(bytes.subarray(0, readSync(file, bytes, 0, bytes.length, 0)));
    } finally {
      closeSync(file);
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? {} : { problem: `it can't be read (${code})` };
  }
}

function textOf(bytes: Buffer): FileText {
  const text = bytes.toString('utf8');
  return Buffer.from(text, 'utf8').equals(bytes) ? { text } : { problem: "it isn't UTF-8" };
}
