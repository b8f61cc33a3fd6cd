// The log: JSON lines for machines, consola's own look for people. Every line passes the redactor.
import type { Fields } from '../job.ts';
import type { RunLog } from '../runner/ports.ts';
import { LEVELS, type LineWriter, type LogFormat, type LogLevel, type LogLine } from './line.ts';

export interface LoggerOptions {
  readonly format: LogFormat;
  readonly level: LogLevel;
  /** Redacts a line's message, and its fields, which it turns into plain JSON. */
  readonly redact: { text(text: string): string; value(value: unknown): unknown };
  /** Fields that every line carries as they are when it is written: run id, job, trace and span. */
  readonly bindings: () => Fields;
  /** Where lines go; each ends with a newline. */
  readonly write: (text: string) => void;
  /** Hears of each line that is written. */
  readonly onLine?: (line: LogLine) => void;
}

/** Opens the log. consola is loaded only where people look on: it is half a Node's start in weight. */
export async function createLogger(options: LoggerOptions): Promise<RunLog> {
  const writer =
    options.format === 'pretty' ? (await import('./pretty.ts')).prettyWriter(options.write) : jsonWriter(options.write);
  return bind(writer, options, {});
}

function bind(writer: LineWriter, options: LoggerOptions, extra: Fields): RunLog {
  const at =
    (level: LogLevel) =>
    (message: string, fields: Fields = {}) => {
      if (LEVELS[level] > LEVELS[options.level]) return;
      const bindings = options.bindings();
      // What identifies the run is never a secret, even where a password is one of its words.
      const all = { ...bindings, ...(options.redact.value({ ...extra, ...fields }) as Fields), ...bindings };
      const line = { time: new Date(), level, message: options.redact.text(message), fields: all };
      writer(line);
      options.onLine?.(line);
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => bind(writer, options, { ...extra, ...fields }),
  };
}

function jsonWriter(write: (text: string) => void): LineWriter {
  return ({ time, level, message, fields }) =>
    write(`${JSON.stringify({ time: time.toISOString(), level, msg: message, ...fields })}\n`);
}
