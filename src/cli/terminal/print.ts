// How commands print what they found: for people, and as JSON.
import { formatDuration } from '../../duration.ts';
import { table, wrap } from './layout.ts';
import { isTerminal, writeAll } from './stdio.ts';

const NARROWEST = 40;

/** A last column that has less room than this is left to the terminal to wrap. */
const NARROWEST_COLUMN = 20;

/** Prints one JSON document. */
export function printJson(value: unknown): void {
  writeAll(1, `${JSON.stringify(value, null, 2)}\n`);
}

/** Prints text. Characters that would command a terminal are left out: what is printed may come from anywhere. */
export function print(text: string): void {
  writeAll(1, clean(text));
}

/** Text without the characters that would command a terminal. */
export function clean(text: string): string {
  return text.replace(/(?!\n)\p{Cc}/gu, '');
}

/** Prints a table whose last column is wrapped on a terminal, so that nothing of it is lost. */
export function printWrapped(head: readonly string[], rows: readonly (readonly string[])[]): void {
  if (!isTerminal(1)) {
    print(table(head, rows));
    return;
  }
  const before = head.slice(0, -1);
  const widths = before.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const left = widths.reduce((sum, width) => sum + width + 2, 0);
  const room = Math.max(NARROWEST_COLUMN, terminalWidth() - left);
  const wrapped = rows.flatMap((row) => {
    const lines = wrap(clean(row.at(-1) ?? ''), room);
    return lines.map((line, index) => [...before.map((_, column) => (index === 0 ? (row[column] ?? '') : '')), line]);
  });
  print(table(head, wrapped));
}

/**
 * Prints rows whose last cell is a note, the head being row 0. On a terminal a note that has no room beside its row stands below it, in
 * whole words: it says why. Each row is painted, with its note where that stands beside it.
 */
export function printNoted(
  rows: readonly (readonly string[])[],
  paint: (line: string, index: number) => string = (line) => line,
): void {
  const [head = [], ...others] = rows.map((row) => row.slice(0, -1));
  const width = isTerminal(1) ? terminalWidth() : Number.POSITIVE_INFINITY;
  const lines = table(head, others).trimEnd().split('\n').map(clean);
  const left = Math.max(...lines.map((line) => line.length)) + 2;
  const printed = lines.map((line, index) => {
    const note = clean(rows[index]?.at(-1) ?? '');
    if (left + note.length <= width) return paint(`${line.padEnd(left)}${note}`.trimEnd(), index);
    const row = paint(cut(line, width), index);
    return index === 0 ? row : [row, ...wrap(note, width - 2).map((each) => `  ${each}`)].join('\n');
  });
  writeAll(1, `${printed.join('\n')}\n`);
}

/** On a terminal the text goes on below its own beginning; elsewhere a line is a line. */
export function hang(head: string, text: string): string[] {
  if (!isTerminal(1)) return [head + text];
  const lines = wrap(text, Math.max(NARROWEST_COLUMN, terminalWidth() - head.length));
  return lines.map((line, index) => (index === 0 ? head : ' '.repeat(head.length)) + line);
}

/** How many columns the terminal has. */
export function terminalWidth(): number {
  return Math.max(NARROWEST, process.stdout.columns || 80);
}

/** Cuts a line to `width` characters; an ellipsis stands for what is missing. */
function cut(line: string, width: number): string {
  return line.length > width ? `${line.slice(0, width - 1)}…` : line;
}

/** `2026-02-03 04:05:06`, in UTC. */
export function tellTime(date: Date): string {
  return date.toISOString().slice(0, 19).replace('T', ' ');
}

/** `5m ago`, in one unit. */
export function tellAgo(date: Date, now: Date): string {
  return `${tellSpan(now.getTime() - date.getTime())} ago`;
}

/** `5m`, in the largest unit that fits. */
export function tellSpan(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  return seconds === 0 ? '0s' : (formatDuration(seconds * 1_000).split(' ')[0] ?? '');
}

/** People tell runs apart by how their ids end, since they begin with the time. `run-job show` takes it. */
export function shortId(id: string): string {
  return id.slice(-8);
}
