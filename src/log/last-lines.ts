// The last lines of a run: the evidence that is kept when it didn't succeed and its pod is gone.

export const MOST_LINES = 100;
const MOST_BYTES = 64 * 1024;

/** A line, or how it is written: most are never read. */
export type Remembered = string | (() => string);

/** Keeps the last 100 lines, and of these no more than 64 KiB. */
export class LastLines {
  #lines: Remembered[] = [];

  /** Takes lines; whoever gives many at once doesn't pay for those that don't stay. */
  push(lines: readonly Remembered[]): void {
    if (lines.length >= MOST_LINES) this.#lines = lines.slice(-MOST_LINES);
    else {
      for (const line of lines) this.#lines.push(line);
      // Not at every line: cutting costs as much as what stays.
      if (this.#lines.length > 4 * MOST_LINES) this.#lines = this.#lines.slice(-MOST_LINES);
    }
  }

  /** The lines, oldest first; a single one that is larger than all may be loses its end. */
  read(): string[] {
    const kept: string[] = [];
    let room = MOST_BYTES;
    for (let at = this.#lines.length - 1; at >= 0 && kept.length < MOST_LINES; at -= 1) {
      const remembered = this.#lines[at] as Remembered;
      const line = typeof remembered === 'string' ? remembered : remembered();
      const bytes = Buffer.byteLength(line) + 1;
      if (bytes > room) {
        if (kept.length === 0) kept.push(`${line.slice(0, MOST_BYTES / 4)}…`);
        break;
      }
      room -= bytes;
      kept.push(line);
    }
    return kept.reverse();
  }
}
