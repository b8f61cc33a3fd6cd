// The log: JSON lines for machines, consola's own look for people. Every line passes the redactor.
import { type ConsolaInstance, type ConsolaReporter, createConsola, type LogObject } from 'consola/core';
import type { Fields } from '../job.ts';
import type { RunLog } from '../runner/ports.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFormat = 'json' | 'pretty';

/** consola's number for each level. */
export const LEVELS: Record<LogLevel, number> = { error: 0, warn: 1, info: 3, debug: 4 };

/** A log line before it is written. */
export interface LogLine {
  readonly time: Date;
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: Fields;
}

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

/** Opens the log. The pretty reporter is loaded only when it is asked for: it is half a Node's start in weight. */
export async function createLogger(options: LoggerOptions): Promise<RunLog> {
  const reporter =
    options.format === 'pretty'
      ? (await import('./pretty.ts')).prettyReporter(options.write)
      : jsonReporter(options.write);
  const consola = createConsola({
    level: LEVELS[options.level],
    // consola folds repeated lines by default, and would lose the fields in which they differ.
    throttle: 0,
    reporters: [reporter],
  });
  return bind(consola, options, {});
}

function bind(consola: ConsolaInstance, options: LoggerOptions, extra: Fields): RunLog {
  const at =
    (level: LogLevel) =>
    (message: string, fields: Fields = {}) => {
      const bindings = options.bindings();
      // What identifies the run is never a secret, even where a password is one of its words.
      const all = { ...bindings, ...(options.redact.value({ ...extra, ...fields }) as Fields), ...bindings };
      const text = options.redact.text(message);
      consola[level](text, all);
      if (LEVELS[level] <= consola.level) options.onLine?.({ time: new Date(), level, message: text, fields: all });
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => bind(consola, options, { ...extra, ...fields }),
  };
}

function jsonReporter(write: (text: string) => void): ConsolaReporter {
  return {
    log({ date, type, args }: LogObject) {
      const [msg, fields] = args as [string, Fields];
      write(`${JSON.stringify({ time: date.toISOString(), level: type, msg, ...fields })}\n`);
    },
  };
}
