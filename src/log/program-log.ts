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

/** Some lines of a program, which were read together. */
export interface ProgramLines {
  readonly stream: ProgramStream;
  /** As texts, without secrets. */
  readonly lines: readonly string[];
  /** Whether none of them looked as if it held a secret, before those were removed. */
  readonly clean: boolean;
  /** Fields that all of them carry. */
  readonly fields: Fields;
}

/** Writes lines of a program as log lines: a JSON object's members become fields, everything else is the message. */
export function createProgramLog(options: ProgramLogOptions): (batch: ProgramLines) => void {
  const { format, level: least, redact, bindings, write, onLine } = options;
  return ({ stream, lines, clean, fields }) => {
    if (format === 'pretty') {
      write(`${lines.join('\n')}\n`);
      if (onLine)
        for (const text of lines) onLine({ time: new Date(), level: 'info', message: text, fields: { stream } });
      return;
    }
    const time = new Date();
    const bound = { ...bindings(), ...fields };
    const frame = createFrame(time, stream, bound);
    const info = LEVELS.info <= LEVELS[least];
    if (!onLine && !lines.some(mayBeObject)) {
      if (info) write(frame.texts(lines));
      return;
    }
    // One look at all of them is cheaper than one at each.
    const parted = PARTING_ESCAPE.test(lines.join('\n'));
    const mayHoldSecret = (text: string) =>
      (parted && PARTING_ESCAPE.test(text)) || (!clean && redact.mayHoldSecret(text));
    let out = '';
    for (const text of lines) {
      const parsed = mayBeObject(text) ? parseObject(text) : undefined;
      if (!parsed) {
        if (info) out += frame.texts([text]);
        onLine?.({ time, level: 'info', message: text, fields: { stream, ...bound } });
        continue;
      }
      const object = mayHoldSecret(text) ? (redact.value(parsed) as Record<string, unknown>) : parsed;
      const { level, message } = takeApart(object, bound);
      if (LEVELS[level] <= LEVELS[least]) out += frame.object(level, message, object);
      onLine?.({ time, level, message, fields: { stream, ...withoutUndefined(object), ...bound } });
    }
    if (out !== '') write(out);
  };
}

/** What is the same in all lines of a batch, around what isn't. */
function createFrame(time: Date, stream: ProgramStream, bound: Fields) {
  const start = `{"time":"${time.toISOString()}","level":"`;
  const ofStream = `,"stream":"${stream}"`;
  const others = JSON.stringify(bound).slice(1);
  const end = `${others === '}' ? '' : ','}${others}\n`;
  const before = `${start}info","msg":"`;
  const after = `"${ofStream}${end}`;
  return {
    /** Lines that are messages. */
    texts(lines: readonly string[]): string {
      const all = lines.join('\n');
      // Where there is no backslash, each `\n` of the JSON is the end of a line: it is made of all of them at once.
      const escaped = all.includes('\\') ? lines.map(inJson) : inJson(all).split('\\n');
      return before + escaped.join(after + before) + after;
    },
    /** A line that has fields of its own. */
    object(level: LogLevel, message: string, own: Fields): string {
      const fields = JSON.stringify(own).slice(1, -1);
      return `${start}${level}","msg":${JSON.stringify(message)}${Object.hasOwn(own, 'stream') ? '' : ofStream}${fields === '' ? '' : ','}${fields}${end}`;
    },
  };
}

function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

const BRACE = '{'.charCodeAt(0);

function mayBeObject(text: string): boolean {
  return text.charCodeAt(0) === BRACE;
}

/** An escape of JSON that may part what would be known as a secret, or as the name of one, in what the text stands for. */
const PARTING_ESCAPE = /\\[bfnrtu/]/;

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    // Begins with a brace, so it is an object if it is JSON at all.
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

/** The names under which loggers of other languages write what we call level, msg and time. */
const LEVEL_KEYS = ['level', 'severity', 'levelname', 'log.level'];
const MESSAGE_KEYS = ['msg', 'message', 'event'];
const TIME_KEYS = new Set(['time', 'timestamp', 'ts', '@timestamp', 'asctime']);

/**
 * Takes level and message out of the object, and what would stand twice in the line: that is ours. It becomes undefined; to delete it would
 * make the object a slow one, a million times over.
 */
function takeApart(object: Record<string, unknown>, bound: Fields): { level: LogLevel; message: string } {
  let level: LogLevel | undefined;
  const levelKey = LEVEL_KEYS.find((key) => {
    level = levelOf(object[key]);
    return level !== undefined;
  });
  const messageKey = MESSAGE_KEYS.find((key) => typeof object[key] === 'string');
  const message = messageKey === undefined ? 'output' : (object[messageKey] as string);
  let time: unknown;
  for (const key of Object.keys(object)) {
    // The line's own time is when we read it.
    const isTime = TIME_KEYS.has(key);
    if (isTime) time ??= object[key];
    if (isTime || key === levelKey || key === messageKey || key === 'level' || key === 'msg' || key in bound) {
      object[key] = undefined;
    } else if (key === '__proto__') Object.defineProperty(object, key, { enumerable: false });
  }
  if (time !== undefined) object.programTime ??= time;
  return { level: level ?? 'info', message };
}

function withoutUndefined(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

const LEVEL_NAMES = new Map<string, LogLevel>(
  Object.entries<LogLevel>({
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
  }),
);

function levelOf(value: unknown): LogLevel | undefined {
  if (typeof value === 'string') return LEVEL_NAMES.get(value) ?? LEVEL_NAMES.get(value.toLowerCase());
  // As pino and bunyan count: 10 trace, 20 debug, 30 info, 40 warn, 50 error, 60 fatal.
  if (typeof value !== 'number' || value < 10 || value > 60) return undefined;
  if (value >= 50) return 'error';
  if (value >= 40) return 'warn';
  return value >= 30 ? 'info' : 'debug';
}
