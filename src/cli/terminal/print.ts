// How commands print what they found: for people, and as JSON.
import { formatDuration } from '../../duration.ts';
import { table } from './layout.ts';
import { isTerminal, writeAll } from './stdio.ts';

const NARROWEST = 40;

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

/** Prints a table; on a terminal it is cut to the terminal's width, elsewhere everything is there. */
export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  printLines([head, ...rows], (line) => line);
}

/** Prints such a table, each line painted: of row `index`, the head being row 0. */
export function printLines(rows: readonly (readonly string[])[], paint: (line: string, index: number) => string): void {
  const [head = [], ...others] = rows;
  const text = cut(clean(table(head, others)), isTerminal(1) ? terminalWidth() : undefined);
  writeAll(1, `${text.trimEnd().split('\n').map(paint).join('\n')}\n`);
}

/** How many columns the terminal has. */
export function terminalWidth(): number {
  return Math.max(NARROWEST, process.stdout.columns || 80);
}

/** Cuts each line to `width` characters; an ellipsis stands for what is missing. */
export function cut(text: string, width: number | undefined): string {
  if (width === undefined) return text;
  return text
    .split('\n')
    .map((line) => (line.length > width ? `${line.slice(0, width - 1)}…` : line))
    .join('\n');
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
