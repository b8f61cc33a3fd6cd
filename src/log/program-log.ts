// The lines of a program as log lines. Not through consola: a program may write a hundred megabytes, and each line costs what is done to it.
import type { Fields } from '../job.ts';
import { LEVELS, type LogFormat, type LogLevel, type LogLine } from './line.ts';
import type { LoggerOptions } from './logger.ts';

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
      const texts = lines.map((text) => unpart(text, redact));
      write(`${texts.join('\n')}\n`);
      if (onLine)
        for (const text of texts) onLine({ time: new Date(), level: 'info', message: text, fields: { stream } });
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
      const hidden = mayHoldSecret(text);
      const object = hidden ? (redact.value(parsed) as Record<string, unknown>) : parsed;
      const names = namesIn(object);
      const { level, message } = names;
      if (LEVELS[level] <= LEVELS[least]) {
        out +=
          !hidden && isOurs(object, names, bound)
            ? frame.asItStands(text, object, level)
            : frame.object(level, message, ownOf(object, names, bound));
      }
      onLine?.({ time, level, message, fields: { stream, ...ownOf(object, names, bound), ...bound } });
    }
    if (out !== '') write(out);
  };
}

/** What is the same in all lines of a batch, around what isn't. */
function createFrame(time: Date, stream: ProgramStream, bound: Fields) {
  const timed = `{"time":"${time.toISOString()}",`;
  const start = `${timed}"level":"`;
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
    /** A line whose text needs nothing but what is ours, and keeps its numbers, be they larger than any of JavaScript's. */
    asItStands(text: string, object: Fields, level: LogLevel): string {
      const levelIfNone = 'level' in object ? '' : `"level":"${level}",`;
      const messageIfNone = 'msg' in object ? '' : `,"msg":"${NO_MESSAGE}"`;
      const streamIfNone = 'stream' in object ? '' : ofStream;
      return `${timed}${levelIfNone}${text.slice(1, text.lastIndexOf('}'))}${messageIfNone}${streamIfNone}${end}`;
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

/** A line that is told as text: one of JSON whose escapes part a secret, without it. */
export function unpart(text: string, redact: ProgramLogOptions['redact']): string {
  if (!mayBeParted(text)) return text;
  const object = parseObject(text);
  if (!object) return text;
  const told = JSON.stringify(redact.value(object));
  return told === JSON.stringify(object) ? text : told;
}

/** Whether `unpart` has to look at the line. */
export const mayBeParted = (text: string): boolean => mayBeObject(text) && PARTING_ESCAPE.test(text);

/** What is nested deeper is told as text: whoever walks through it (JSON.stringify, a log's reader) may run out of stack. */
const MOST_LEVELS = 200;

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    // Begins with a brace, so it is an object if it is JSON at all.
    const object = JSON.parse(text) as Record<string, unknown>;
    // A level takes two characters at least: most lines are too short to be looked through.
    return text.length > 2 * MOST_LEVELS && isDeeperThan(MOST_LEVELS, object) ? undefined : object;
  } catch {
    return undefined;
  }
}

function isDeeperThan(levels: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((item) => isDeeperThan(levels - 1, item));
}

/** The names under which loggers of other languages write what we call level, msg and time. */
const LEVEL_KEYS = ['level', 'severity', 'levelname', 'log.level'];
const MESSAGE_KEYS = ['msg', 'message', 'event'];
const TIME_KEYS = new Set(['time', 'timestamp', 'ts', '@timestamp', 'asctime']);

/** What a line has for a message that has none. */
const NO_MESSAGE = 'output';

/** Level and message of a line, and under which names it has them. */
interface Names {
  readonly level: LogLevel;
  readonly levelKey: string | undefined;
  readonly message: string;
  readonly messageKey: string | undefined;
}

function namesIn(object: Fields): Names {
  let level: LogLevel | undefined;
  const levelKey = LEVEL_KEYS.find((key) => {
    level = levelOf(object[key]);
    return level !== undefined;
  });
  const messageKey = MESSAGE_KEYS.find((key) => typeof object[key] === 'string');
  const message = messageKey === undefined ? NO_MESSAGE : (object[messageKey] as string);
  return { level: level ?? 'info', levelKey, message, messageKey };
}

/** Whether the line calls everything as we do, and has nothing under a name that is ours. */
function isOurs(object: Fields, { level, levelKey, messageKey }: Names, bound: Fields): boolean {
  if (levelKey !== undefined && (levelKey !== 'level' || object.level !== level)) return false;
  if (messageKey !== undefined && messageKey !== 'msg') return false;
  const keys = Object.keys(object);
  for (const key of keys) {
    if (key === 'level' ? levelKey === undefined : key === 'msg' ? messageKey === undefined : isTaken(key, bound)) {
      return false;
    }
  }
  return keys.length > 0;
}

/** Without level and message. What would stand twice in the line, such as the name of a logger, has a name of its own. */
function ownOf(object: Fields, { levelKey, messageKey }: Names, bound: Fields): Fields {
  const own: Record<string, unknown> = {};
  for (const key of Object.keys(object)) {
    if (key === levelKey || key === messageKey || key === '__proto__') continue;
    // The line's own time is when we read it.
    if (TIME_KEYS.has(key)) own.programTime ??= object[key];
    else if (key !== 'level' && key !== 'msg' && !Object.hasOwn(bound, key)) own[key] = object[key];
    else if (object[key] !== bound[key]) own[`program${key.charAt(0).toUpperCase()}${key.slice(1)}`] = object[key];
  }
  return own;
}

function isTaken(key: string, bound: Fields): boolean {
  return Object.hasOwn(bound, key) || TIME_KEYS.has(key) || key === '__proto__';
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
