// The lines of a program as log lines. Not through consola: a program may write a hundred megabytes, and each line costs what is done to it.
import type { Fields } from '../job.ts';
import { LEVELS, type LogFormat, type LoggerOptions, type LogLevel, type LogLine } from './logger.ts';

/** Where a program's lines come from. */
export type ProgramStream = 'stdout' | 'stderr';

export interface ProgramLogOptions {
  readonly format: LogFormat;
  readonly level: LogLevel;
  readonly redact: Pick<LoggerOptions['redact'], 'value'> & { mayHoldSecret(text: string): boolean };
  /** Fields that every line carries, asked for once a batch. */
  readonly bindings: () => Fields;
  /** Takes whole lines, with their ends. */
  readonly write: (text: string) => void;
  /** Hears of each line, where somebody wants to. */
  readonly onLine?: ((line: LogLine) => void) | undefined;
}

/** Writes redacted lines of a program as log lines: a JSON object's members become fields, everything else is the message. */
export function createProgramLog(
  options: ProgramLogOptions,
): (stream: ProgramStream, lines: string[], fields: Fields) => void {
  const { format, level: least, redact, bindings, write, onLine } = options;
  return (stream, lines, fields) => {
    if (format === 'pretty') {
      write(`${lines.join('\n')}\n`);
      if (onLine)
        for (const text of lines) onLine({ time: new Date(), level: 'info', message: text, fields: { stream } });
      return;
    }
    const bound = { ...bindings(), ...fields };
    const time = new Date();
    const head = `{"time":${JSON.stringify(time)},"level":"info","msg":`;
    const tail = `,${JSON.stringify({ stream, ...bound }).slice(1)}\n`;
    const info = LEVELS.info <= LEVELS[least];
    let out = '';
    for (const text of lines) {
      const parsed = text.charCodeAt(0) === BRACE ? parseObject(text) : undefined;
      if (!parsed) {
        if (info) out += head + JSON.stringify(text) + tail;
        onLine?.({ time, level: 'info', message: text, fields: { stream, ...bound } });
        continue;
      }
      const {
        level,
        message,
        fields: own,
      } = readLine(redact.mayHoldSecret(text) ? (redact.value(parsed) as Fields) : parsed);
      const all = { stream, ...own, ...bound };
      if (LEVELS[level] <= LEVELS[least]) out += `${JSON.stringify({ time, level, msg: message, ...all })}\n`;
      onLine?.({ time, level, message, fields: all });
    }
    if (out !== '') write(out);
  };
}

const BRACE = '{'.charCodeAt(0);

function parseObject(text: string): Fields | undefined {
  try {
    // Begins with a brace, so it is an object if it is JSON at all.
    return JSON.parse(text) as Fields;
  } catch {
    return undefined;
  }
}

/** The names under which loggers of other languages write what we call level, msg and time. */
const LEVEL_KEYS = ['level', 'severity', 'levelname', 'log.level'];
const MESSAGE_KEYS = ['msg', 'message', 'event'];
const TIME_KEYS = new Set(['time', 'timestamp', 'ts', '@timestamp', 'asctime']);

function readLine({ ...fields }: Fields): { level: LogLevel; message: string; fields: Fields } {
  const levelKey = LEVEL_KEYS.find((key) => levelOf(fields[key]) !== undefined);
  const messageKey = MESSAGE_KEYS.find((key) => typeof fields[key] === 'string');
  const level = levelKey === undefined ? 'info' : (levelOf(fields[levelKey]) ?? 'info');
  const message = messageKey === undefined ? 'output' : (fields[messageKey] as string);
  if (levelKey) delete fields[levelKey];
  if (messageKey) delete fields[messageKey];
  // The line's own time is when we read it; the program's is kept under another name.
  for (const key of Object.keys(fields)) {
    if (!TIME_KEYS.has(key)) continue;
    fields.programTime ??= fields[key];
    delete fields[key];
  }
  return { level, message, fields };
}

const LEVEL_NAMES: Readonly<Record<string, LogLevel>> = {
  trace: 'debug',
  debug: 'debug',
  info: 'info',
  information: 'info',
  notice: 'info',
  warn: 'warn',
  warning: 'warn',
  error: 'error',
  err: 'error',
  fatal: 'error',
  critical: 'error',
  alert: 'error',
  emergency: 'error',
  panic: 'error',
};

function levelOf(value: unknown): LogLevel | undefined {
  if (typeof value === 'string') {
    const name = value.toLowerCase();
    return Object.hasOwn(LEVEL_NAMES, name) ? LEVEL_NAMES[name] : undefined;
  }
  // As pino and bunyan count: 10 trace, 20 debug, 30 info, 40 warn, 50 error, 60 fatal.
  if (typeof value !== 'number' || value < 10 || value > 60) return undefined;
  if (value >= 50) return 'error';
  if (value >= 40) return 'warn';
  return value >= 30 ? 'info' : 'debug';
}
