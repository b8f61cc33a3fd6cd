// Values in few lines, for people: what is read in two seconds, with a mark where something is left out.
import { beginningOf, columnsOf, padTo } from './columns.ts';

const MOST_LINES = 8;
const MARK = '…';

/** A value as lines of at most `width` columns, and whether anything of it is left out. */
export interface Folded {
  readonly lines: readonly string[];
  readonly isWhole: boolean;
}

/** One line an entry for an object, names aligned; one line for all else. */
export function foldValue(value: unknown, width: number): Folded {
  if (!isObject(value)) return foldLine(tellValue(value, width), width);
  const entries = entriesOf(value);
  const shown = entries.slice(0, entries.length > MOST_LINES ? MOST_LINES - 1 : MOST_LINES);
  const names = Math.max(0, ...shown.map(([name]) => columnsOf(name))) + 2;
  const lines = shown.map(([name, each]) => foldLine(`${padTo(name, names)}${tellValue(each, width - names)}`, width));
  const left = entries.length - shown.length;
  return {
    lines: [...lines.flatMap((line) => line.lines), ...(left > 0 ? [`${MARK} and ${left} more`] : [])],
    isWhole:
      left === 0 &&
      lines.every(({ isWhole }) => isWhole) &&
      shown.every(([, each]) => isShort(each) || typeof each === 'string'),
  };
}

/** The entries of an object in one line, `name=value`, as far as there is room. */
export function foldFields(fields: object, width: number): string {
  let line = '';
  for (const [name, value] of entriesOf(fields)) {
    const next = `${line === '' ? '' : `${line} `}${name}=${isShort(value) ? inOneLine(value) : Array.isArray(value) ? `[${MARK}]` : `{${MARK}}`}`;
    if (columnsOf(next) > width - MARK.length - 1) return `${line} ${MARK}`.trimStart();
    line = next;
  }
  return line;
}

function foldLine(line: string, width: number): Folded {
  if (columnsOf(line) <= width) return { lines: [line], isWhole: true };
  return { lines: [`${beginningOf(line, width - MARK.length)}${MARK}`], isWhole: false };
}

/** What is short as it is; of a list how long it is, and of an object what there is room for. */
function tellValue(value: unknown, width: number): string {
  if (isShort(value) || typeof value === 'string') return inOneLine(value);
  return Array.isArray(value)
    ? `[${value.length} ${value.length === 1 ? 'item' : 'items'}]`
    : foldFields(value as object, width);
}

const inOneLine = (value: unknown): string =>
  typeof value === 'string' ? value.replaceAll(/\s+/g, ' ') : (JSON.stringify(value) ?? 'undefined');

const SHORT = 40;

/** Whether it can stand for itself. */
function isShort(value: unknown): boolean {
  return inOneLine(value).length <= SHORT;
}

const entriesOf = (value: object): [string, unknown][] =>
  Object.entries(value).filter(([, each]) => each !== undefined);

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
