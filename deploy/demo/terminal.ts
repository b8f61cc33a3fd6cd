// How the demo talks: sentences, commands and a bar. Colours only where somebody looks.
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { styleText } from 'node:util';

const BAR_WIDTH = 28;

/** A sentence that says what comes next. */
export function say(sentence: string): void {
  console.log(`\n${styleText('bold', sentence, { stream: process.stdout })}`);
}

/** The command that is about to run, as somebody would type it. */
export function showCommand(command: string): void {
  console.log(styleText('cyan', `$ ${command}`, { stream: process.stdout }));
}

/** As many lines of a JSON document are shown; the rest is counted. */
const SHOWN = 12;

/** Passes lines on, and of a JSON document only its beginning. */
export async function showFolded(output: Readable): Promise<void> {
  let inside = 0;
  for await (const line of createInterface({ input: output })) {
    if (line === '{') inside = 1;
    else if (inside > 0) inside += 1;
    if (inside <= SHOWN) console.log(line);
    if (line !== '}') continue;
    if (inside > SHOWN) console.log(styleText('dim', `  … ${inside - SHOWN} more lines`, { stream: process.stdout }));
    inside = 0;
  }
}

/** Draws how far the work is over the bar before; off a terminal only the end is told. */
export function drawBar(done: number, total: number, what: string): void {
  const complete = done >= total;
  if (!process.stdout.isTTY && !complete) return;
  const filled = Math.round((done / total) * BAR_WIDTH);
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
  const text = `${bar} ${done.toLocaleString('en')} of ${total.toLocaleString('en')} rows${complete ? '' : ` (${what})`}`;
  process.stdout.write(`${process.stdout.isTTY ? '\r\u001b[K' : ''}${text}${complete ? '\n' : ''}`);
}
