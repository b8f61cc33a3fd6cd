// The log on a terminal: consola's own look, without the fields that would only be in the way there.
import { createConsola } from 'consola';
import type { Fields } from '../job.ts';
import type { LineWriter } from './line.ts';

/** Fields that identify the run: on a terminal they are the same on every line. */
const QUIET = new Set(['job', 'runId', 'attempt', 'traceId', 'spanId']);

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
  return ({ level, message, fields }) => {
    consola[level](isSummary(fields) ? tellSummary(message, fields) : [message, ...tell(fields)].join(' '));
  };
}

/** The fields of a run's last line that people look for. */
interface SummaryFields extends Fields {
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

function tellSummary(message: string, { exitCode, durationMs, attempts, runId, result, error }: SummaryFields): string {
  const facts = [
    `exit ${exitCode}`,
    `${(durationMs / 1_000).toFixed(1)} s`,
    attempts > 1 && `${attempts} attempts`,
    runId,
  ];
  return [
    `${message} (${facts.filter(Boolean).join(', ')})`,
    ...(error ? [tellError(error)] : []),
    ...(result === undefined ? [] : [JSON.stringify(result, null, 2)]),
  ].join('\n');
}

function tell(fields: Fields): string[] {
  return Object.entries(fields)
    .filter(([key, value]) => !QUIET.has(key) && value !== undefined)
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
