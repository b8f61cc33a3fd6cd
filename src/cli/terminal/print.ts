// How commands print what they found: for people, and as JSON.
import { formatDuration } from '../../duration.ts';
import { columnsOf } from '../../log/columns.ts';
import { wrap } from '../../log/wrap.ts';
import { table, tableWithNotes, wrapHanging } from './layout.ts';
import { isTerminal, printAll } from './stdio.ts';

const NARROWEST = 40;

/** A last column that has less room than this is left to the terminal to wrap. */
const NARROWEST_COLUMN = 20;

/** Prints one JSON document. */
export function printJson(value: unknown): void {
  printAll(`${JSON.stringify(value, null, 2)}\n`);
}

/** Prints text. Characters that would command a terminal are left out: what is printed may come from anywhere. */
export function print(text: string): void {
  printAll(clean(text));
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
    Math.max(columnsOf(title), ...rows.map((row) => columnsOf(row[column] ?? ''))),
  );
  const left = widths.reduce((sum, width) => sum + width + 2, 0);
  const room = Math.max(NARROWEST_COLUMN, terminalWidth() - left);
  const wrapped = rows.flatMap((row) => {
    const lines = wrap(clean(row.at(-1) ?? ''), room);
    return lines.map((line, index) => [...before.map((_, column) => (index === 0 ? (row[column] ?? '') : '')), line]);
  });
  print(table(head, wrapped));
}

/** On a terminal the text goes on below its own beginning; elsewhere a line is a line. */
export function hang(head: string, text: string): string[] {
  if (!isTerminal(1)) return [head + text];
  const lines = wrap(text, Math.max(NARROWEST_COLUMN, terminalWidth() - columnsOf(head)));
  return lines.map((line, index) => (index === 0 ? head : ' '.repeat(columnsOf(head))) + line);
}

/** The rows of a table with names in one column and notes in the last, as they fit the terminal: the text of each, the head being row 0. */
export function fitRows(rows: readonly (readonly string[])[], names: number): string[] {
  const cleaned = rows.map((row) => row.map((cell) => clean(cell).replaceAll('\n', ' ')));
  return tableWithNotes(cleaned, names, columns());
}

/** Prints sentences; on a terminal they are broken between words, and what is below the first line is indented. */
export function printSentences(text: string): void {
  printAll(sentences(text));
}

/** The text of such sentences. */
export function sentences(text: string): string {
  const width = columns();
  const cleaned = clean(text);
  return width === undefined ? cleaned : wrapHanging(cleaned, width);
}

/** How wide what is printed may be: as wide as it likes where that is no terminal. */
export function columns(): number | undefined {
  return isTerminal(1) ? terminalWidth() : undefined;
}

/** How many columns the terminal has. */
function terminalWidth(): number {
  return Math.max(NARROWEST, process.stdout.columns || 80);
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
