// Where a run speaks to: a terminal that it shares with a progress bar and its programs, or a stream that a machine reads.
import type { Surroundings } from '../../app/execute-run.ts';
import { openScreen } from './screen.ts';
import { isTerminal, type Output } from './stdio.ts';

const LF = 10;

/** What the flags say of the log. */
export type LogFlags = Pick<Surroundings['log'], 'level' | 'format'>;

/** Opens standard output and standard error for a run. */
export function openTerminal(
  flags: LogFlags,
  output: Output,
): Pick<Surroundings, 'log' | 'progressBar' | 'programs' | 'beforeWaiting' | 'flushOutput' | 'endOutput'> {
  const screen = isTerminal(2) ? openScreen(output.write) : undefined;
  const toTerminal = isTerminal(1);
  /** Whether bytes that were passed on to a machine have left a line without its end, in which a line of ours would be none. */
  let open = false;
  return {
    log: {
      ...flags,
      usualFormat: toTerminal ? 'pretty' : 'json',
      write(line) {
        const whole = open ? `\n${line}` : line;
        open = false;
        if (screen) screen.writeLine(whole);
        else output.write(1, whole);
      },
    },
    beforeWaiting: output.beforeWaiting,
    flushOutput: output.flush,
    endOutput: output.end,
    progressBar: screen?.progressBar,
    programs: {
      pass(stream, bytes) {
        if (screen && toTerminal) screen.makeRoomFor(bytes);
        else if (stream === 'stdout') open = bytes.at(-1) !== LF;
        return output.pass(stream === 'stdout' ? 1 : 2, bytes);
      },
      ...(screen && toTerminal && { show: (stream, text) => screen.show(stream === 'stdout' ? 1 : 2, text) }),
    },
  };
}
