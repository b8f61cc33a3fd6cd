// The log on a terminal: consola's own look, without the fields that would only be in the way there. A run's first and last line are folded
// to what is read at a glance; all of it is in its record.
import { createConsola } from 'consola';
import type { Fields } from '../job.ts';
import { foldFields, foldValue } from './fold.ts';
import type { LineWriter, LogLevel } from './line.ts';
import { wrap } from './wrap.ts';

/** Fields that identify the run, and are the same on every line, or that the line's own words have told. */
const QUIET = new Set(['job', 'name', 'runId', 'attempt', 'attempts', 'traceId', 'spanId']);

/** What a pretty log is as wide as where it isn't on a terminal. */
const USUAL_WIDTH = 80;

/** Writes lines for people. */
export function prettyWriter(write: (text: string) => void): LineWriter {
  const stream = {
    write(text: string) {
      write(text);
      return true;
    },
  } as unknown as NodeJS.WriteStream;
  // Lines of a lower level don't get here; and consola folds repeated lines by default, and would lose the fields in which they differ.
  const consola = createConsola({
    level: 5,
    throttle: 0,
    stdout: stream,
    stderr: stream,
    fancy: !process.env.NO_COLOR,
  });
  // Without the badge, which has an empty line above and below.
  const say = (type: LogLevel | 'success' | 'fail' | 'log', text: string) =>
    consola[type]({ message: text, badge: false });
  /** The error that was told last: the end of a run tells of the same one as its last attempt. */
  let told: string | undefined;
  return ({ level, message, fields }) => {
    if (isSummary(fields)) {
      const { error, status } = fields;
      // The last line says what happened, so that it is found at the end of the screen.
      const trace = error && tellError(error);
      if (trace !== undefined && trace !== told && trace.includes('\n')) say('log', trace);
      const type = status === 'succeeded' ? 'success' : level === 'error' ? 'fail' : level;
      say(type, tellSummary(message, fields).join('\n'));
      return;
    }
    if (isStart(fields)) {
      say(level, tellStart(message, fields));
      return;
    }
    const error = fields.error as ErrorFields | undefined;
    if (error !== undefined) told = tellError(error);
    say(level, [message, ...tell(message, fields)].join(' '));
  };
}

function width(): number {
  return process.stdout.columns || Number(process.env.COLUMNS) || USUAL_WIDTH;
}

/** The fields of a run's last line that people look for. */
interface SummaryFields extends Fields {
  readonly status: string;
  readonly exitCode: number;
  readonly durationMs: number;
  readonly attempts: number;
  readonly runId: string;
  readonly result?: unknown;
  readonly error?: ErrorFields;
}

function isSummary(fields: Fields): fields is SummaryFields {
  return typeof fields.exitCode === 'number' && typeof fields.status === 'string';
}

const INDENT = '  ';

function tellSummary(message: string, summary: SummaryFields): string[] {
  const { exitCode, durationMs, attempts, runId, result, error, why } = summary;
  // As `history` tells it, and `show` takes it.
  const short = runId.slice(-8);
  const facts = [
    `exit ${exitCode}`,
    `${(durationMs / 1_000).toFixed(1)} s`,
    attempts > 1 && `${attempts} attempts`,
    `run ${short}`,
  ];
  const reason = error ? `: ${headOf(error)}` : typeof why === 'string' ? `: ${why}` : '';
  const head = inWords(`${message} (${facts.filter(Boolean).join(', ')})${reason}`);
  if (result === undefined) return head;
  const { lines, isWhole } = foldValue(result, width() - INDENT.length);
  const rest = process.env.DATABASE_URL ? `all of it: run-job show ${short}` : 'all of it: --log-format json';
  return [...head, ...[...lines, ...(isWhole ? [] : [rest])].map((line) => INDENT + line)];
}

/** On a terminal what is longer than a line goes on in the next one, in whole words; elsewhere a line is a line. */
function inWords(text: string): string[] {
  if (!process.stdout.columns) return [text];
  return wrap(text, width() - INDENT.length).map((line, index) => (index === 0 ? line : INDENT + line));
}

/** The fields of a run's first line. */
interface StartFields extends Fields {
  readonly deadline: string;
  readonly params: object;
}

function isStart(fields: Fields): fields is StartFields {
  return typeof fields.deadline === 'string' && typeof fields.params === 'object' && fields.params !== null;
}

/** Until when, and with which parameters, as far as these have room on the line. */
function tellStart(message: string, { deadline, params, scheduledAt: _, ...others }: StartFields): string {
  const head = `${message}, until ${deadline.slice(11, 19)} UTC`;
  const rest = Object.fromEntries(Object.entries(others).filter(([key]) => !QUIET.has(key)));
  const sign = 2;
  return `${head} ${foldFields({ ...rest, ...params }, width() - head.length - 1 - sign)}`.trimEnd();
}

/** The fields, but for those whose value the message names. */
function tell(message: string, fields: Fields): string[] {
  const words = new Set(message.split(/[\s,;()]+|:(?=\s)/));
  return Object.entries(fields)
    .filter(([key, value]) => !QUIET.has(key) && value !== undefined && !words.has(String(value)))
    .map(([key, value]) => {
      if (key === 'error') return `\n${tellError(value as ErrorFields)}`;
      return `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`;
    });
}

interface ErrorFields {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly causes?: readonly ErrorFields[];
}

/** The stack where there is one: it begins with the name and the message. */
function tellError(error: ErrorFields): string {
  const own = error.stack ?? `${error.name}: ${error.message}`;
  return [own, ...(error.causes ?? []).map((cause) => `caused by ${tellError(cause)}`)].join('\n');
}

/** The error in one line: its own message, and that of what it came of. */
function headOf({ name, message, causes = [] }: ErrorFields): string {
  let root = causes[0];
  while (root?.causes?.[0]) root = root.causes[0];
  // What names its cause already doesn't need it once more.
  const cause = root === undefined || message.includes(root.message) ? '' : `: ${root.message}`;
  return `${name}: ${message}${cause}`.replaceAll(/\s+/g, ' ');
}
