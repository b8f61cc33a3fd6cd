// Text for people, laid out in plain tables.
import { beginningOf, columnsOf, padTo } from '../../log/columns.ts';
import { wrap } from '../../log/wrap.ts';

/** Each line of `text` that is too long, broken between words; what is below its beginning is indented by two more than that. */
export function wrapHanging(text: string, width: number): string {
  const lines = text.split('\n').map((line) => {
    const indent = ' '.repeat(line.length - line.trimStart().length);
    const [first = '', ...others] = wrap(line.trimStart(), width - indent.length - 2);
    return [indent + first, ...others.map((other) => `${indent}  ${other}`)].join('\n');
  });
  return lines.join('\n');
}

/** A column that is made narrower than this says nothing any more. */
const NARROWEST_COLUMN = 12;

/**
 * A table whose last cells are notes, the text of each row, the head being row 0: fitted to `width`, if there is one. A note that has no room
 * beside its row is below it, in whole words. Where the rest is too wide, long cells of one column, that of names, stay whole, and what
 * follows them is below.
 */
export function tableWithNotes(
  rows: readonly (readonly string[])[],
  names: number,
  width: number | undefined,
): string[] {
  const cells = rows.map((row) => row.slice(0, -1));
  const widths = columnWidths(cells);
  const rest = sum(widths) + 2 * widths.length;
  const room = width === undefined ? Number.POSITIVE_INFINITY : width - rest;
  const longestName = widths[names] ?? 0;
  const column = Math.max(NARROWEST_COLUMN, longestName + Math.min(0, room + 2));
  const fitted = widths.with(names, Math.min(column, longestName));
  return cells.map((row, index) => {
    const note = rows[index]?.at(-1) ?? '';
    if (width === undefined || columnsOf(note) <= room) return padded([...row, note], widths);
    // The head needs no line that says that a note is a note, and what has none needs no empty one.
    const below = index === 0 || note === '' ? [] : wrap(note, width - 2).map((line) => `  ${line}`.trimEnd());
    return [...broken(row, fitted, names), ...below].map((line) => cut(line, width)).join('\n');
  });
}

/** A row as one line; as two where the cell of this column is wider than the column. */
function broken(row: readonly string[], widths: readonly number[], column: number): string[] {
  if (columnsOf(row[column] ?? '') <= (widths[column] ?? 0)) return [padded(row, widths)];
  const rest = row.map((cell, index) => (index > column ? cell : ''));
  return [padded(row.slice(0, column + 1), widths), padded(rest, widths)];
}

/** Cuts a line to `width` columns; an ellipsis stands for what is missing. */
function cut(line: string, width: number | undefined): string {
  return width === undefined || columnsOf(line) <= width ? line : `${beginningOf(line, width - 1)}…`;
}

/** Rows under a heading, each column as wide as its widest cell; the last one isn't padded. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = columnWidths(all);
  return `${all.map((row) => padded(row, widths)).join('\n')}\n`;
}

/** How wide a table of these rows is. */
export function widthOf(rows: readonly (readonly string[])[]): number {
  const widths = columnWidths(rows);
  return sum(widths) + 2 * (widths.length - 1);
}

const columnWidths = ([head = [], ...rows]: readonly (readonly string[])[]): number[] =>
  head.map((title, column) => Math.max(columnsOf(title), ...rows.map((row) => columnsOf(row[column] ?? ''))));

const padded = (cells: readonly string[], widths: readonly number[]): string =>
  cells
    .map((cell, column) => padTo(cell, widths[column] ?? 0))
    .join('  ')
    .trimEnd();

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);
