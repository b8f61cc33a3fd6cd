// The terminal that a progress bar and log lines share: a line first wipes the bar away, which the next progress draws again.
import type { Terminal } from '../../runner/progress.ts';
import { writeAll } from './stdio.ts';

const WIPE = '\r\u001b[K';

/** Where the bar is drawn (standard error), and how a log line is written (standard output) without running into it. */
export interface Screen {
  readonly terminal: Terminal;
  writeLine(text: string): void;
}

/** Standard error must be a terminal. */
export function openScreen(write = writeAll): Screen {
  let drawn = false;
  return {
    terminal: {
      get columns() {
        return process.stderr.columns;
      },
      write(text) {
        drawn = text !== WIPE;
        write(2, text);
      },
    },
    writeLine(text) {
      if (drawn) write(2, WIPE);
      drawn = false;
      write(1, text);
    },
  };
}
