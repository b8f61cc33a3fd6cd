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
    const told = JSON.stringify(time);
    const head = `{"time":${told},"level":"info","msg":`;
    const tail = `,${JSON.stringify({ stream, ...bound }).slice(1)}\n`;
    const info = LEVELS.info <= LEVELS[least];
    // One look at all of them is cheaper than one at each.
    const suspicious = redact.mayHoldSecret(lines.join('\n'));
    let out = '';
    for (const text of lines) {
      const parsed = text.charCodeAt(0) === BRACE ? parseObject(text) : undefined;
      if (!parsed) {
        if (info) out += head + JSON.stringify(text) + tail;
        onLine?.({ time, level: 'info', message: text, fields: { stream, ...bound } });
        continue;
      }
      const object = suspicious && redact.mayHoldSecret(text) ? (redact.value(parsed) as Fields) : parsed;
      const { level, message, own } = readLine(object, stream);
      Object.assign(own, bound);
      if (LEVELS[level] <= LEVELS[least]) {
        out += `{"time":${told},"level":"${level}","msg":${JSON.stringify(message)},${JSON.stringify(own).slice(1)}\n`;
      }
      onLine?.({ time, level, message, fields: own });
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

/** Without deleting from the object: that would make it a slow one, a million times over. */
function readLine(object: Fields, stream: ProgramStream): { level: LogLevel; message: string; own: Fields } {
  const levelKey = LEVEL_KEYS.find((key) => key in object && levelOf(object[key]) !== undefined);
  const messageKey = MESSAGE_KEYS.find((key) => typeof object[key] === 'string');
  const own: Record<string, unknown> = { stream };
  for (const key of Object.keys(object)) {
    if (key === levelKey || key === messageKey || key === '__proto__') continue;
    // What would stand twice in the line is ours: the line's own time is when we read it.
    if (TIME_KEYS.has(key)) own.programTime ??= object[key];
    else if (key !== 'level' && key !== 'msg') own[key] = object[key];
  }
  return {
    level: levelKey === undefined ? 'info' : (levelOf(object[levelKey]) ?? 'info'),
    message: messageKey === undefined ? 'output' : (object[messageKey] as string),
    own,
  };
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
