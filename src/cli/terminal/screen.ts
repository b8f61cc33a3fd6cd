// The terminal that a progress bar and log lines share: a line first wipes the bar away, which the next progress draws again.

import { formatDuration } from '../../duration.ts';
import type { ProgressBar } from '../../runner/ports.ts';
import { writeAll } from './stdio.ts';

const WIPE = '\r\u001b[K';
const BAR_WIDTH = 24;

/** LF, and CR, behind which a program writes the line anew. */
const LINE_ENDS: readonly (number | undefined)[] = [10, 13];

/** Where the bar is drawn (standard error), and how a log line is written (standard output) without running into it. */
export interface Screen {
  readonly progressBar: ProgressBar;
  writeLine(text: string): void;
  /** What a program shows, on the stream that it wrote it to. */
  show(fd: 1 | 2, text: string): void;
  /** A program's bytes are about to be written here as they are. */
  makeRoomFor(bytes: Uint8Array): void;
}

/**
 * Standard error must be a terminal.
 * @param columns how wide it is; asked each time, since it may change
 */
export function openScreen(
  write: (fd: 1 | 2, text: string) => void = writeAll,
  columns = () => process.stderr.columns || 80,
): Screen {
  let drawn = false;
  /** Whether a program has left its line without an end, such as a question: what comes behind it gets a line of its own. */
  let open = false;
  const wipe = () => {
    if (drawn) write(2, WIPE);
    drawn = false;
  };
  const show = (fd: 1 | 2, text: string) => {
    wipe();
    open = !/[\n\r]$/.test(text);
    write(fd, text);
  };
  const endLine = () => {
    if (open) show(1, '\n');
  };
  return {
    progressBar: {
      draw(done, total, elapsedMs) {
        endLine();
        drawn = true;
        write(2, `${WIPE}${bar(done, total, elapsedMs).slice(0, columns() - 1)}`);
      },
      wipe,
    },
    writeLine(text) {
      endLine();
      show(1, text);
    },
    show,
    makeRoomFor(bytes) {
      wipe();
      open = !LINE_ENDS.includes(bytes.at(-1));
    },
  };
}

function bar(done: number, total: number | undefined, elapsedMs: number): string {
  const count = done.toLocaleString('en');
  if (!total) return `${count} done in ${formatDuration(elapsedMs)}`;
  const share = Math.min(1, done / total);
  const filled = Math.round(share * BAR_WIDTH);
  const left = share > 0 && share < 1 ? `, ${formatDuration((elapsedMs / share) * (1 - share))} left` : '';
  const picture = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
  return `${picture} ${Math.floor(share * 100)}%  ${count} of ${total.toLocaleString('en')}${left}`;
}
