// How the demo talks: sentences, commands and a bar. Colours only where somebody looks.
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

/** Draws how far the work is over the bar before; off a terminal only the end is told. */
export function drawBar(done: number, total: number, what: string): void {
  const complete = done >= total;
  if (!process.stdout.isTTY && !complete) return;
  const filled = Math.round((done / total) * BAR_WIDTH);
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
  const text = `${bar} ${done.toLocaleString('en')} of ${total.toLocaleString('en')} rows${complete ? '' : ` (${what})`}`;
  process.stdout.write(`${process.stdout.isTTY ? '\r\u001b[K' : ''}${text}${complete ? '\n' : ''}`);
}
