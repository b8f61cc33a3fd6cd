// `run-job status --watch`: draws what is seen anew every two seconds, as much of it as the terminal has room for.
import { setTimeout as sleep } from 'node:timers/promises';
import { writeAll } from '../terminal/stdio.ts';

/** How often it looks. */
export const WATCH_MS = 2_000;

const HOME = '\u001b[H';
const CLEAR = '\u001b[2J';
const TO_END_OF_LINE = '\u001b[K';
const BELOW = '\u001b[J';

/** A line that is too long ends at the edge: one that went on below would push the first ones out. */
const NO_WRAP = '\u001b[?7l';
const WRAP = '\u001b[?7h';

/** What was seen, and when. */
export interface View {
  readonly text: string;
  /** By the database's clock, in words. */
  readonly at: string;
}

/**
 * Draws until the process is interrupted. A look that fails is told above what was seen last.
 * @param look looks once, with a connection of its own, since the server may restart meanwhile
 * @throws whatever the first look does
 */
export async function watch(look: () => Promise<View>): Promise<never> {
  let view = await look();
  let trouble = '';
  writeAll(1, CLEAR);
  for (;;) {
    draw([
      `${view.at} UTC${trouble || `, and every ${WATCH_MS / 1_000}s; Ctrl-C ends it`}`,
      ...view.text.trimEnd().split('\n'),
    ]);
    await sleep(WATCH_MS);
    try {
      view = await look();
      trouble = '';
    } catch (error) {
      trouble = `; since then: ${(error as Error).message.split('\n')[0]}`;
    }
  }
}

function draw(lines: readonly string[]): void {
  // The cursor stays below.
  const room = (process.stdout.rows || 24) - 1;
  const left = lines.length - room;
  const shown = left > 0 ? [...lines.slice(0, room - 1), `… ${left + 1} more lines`] : lines;
  writeAll(1, HOME + NO_WRAP + shown.map((line) => `${TO_END_OF_LINE}${line}\n`).join('') + BELOW + WRAP);
}
