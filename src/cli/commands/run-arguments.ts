// The flags of a run, and what they mean.
import type { ArgsDef } from 'citty';
import { NAME } from '../../app/check-job.ts';
import type { RunOrder } from '../../app/execute-run.ts';
import { readParams } from '../../app/params.ts';
import { LONGEST_TIMEOUT_MS, parseDuration } from '../../duration.ts';
import { UsageError } from '../../errors.ts';
import type { LogFormat, LogLevel } from '../../log/line.ts';
import { isDay } from '../../schedule/day.ts';
import { type CommandLine, readArguments } from '../terminal/arguments.ts';
import type { LogFlags } from '../terminal/run-terminal.ts';
import { RFC_3339 } from '../terminal/times.ts';

/** citty's definition of them. */
export const RUN_ARGUMENTS = {
  param: { type: 'string', valueHint: 'key=value', description: 'Set one of the job’s parameters; repeatable' },
  params: { type: 'string', valueHint: 'json', description: 'Set parameters from a JSON object' },
  as: {
    type: 'string',
    valueHint: 'name',
    description: 'What the run is known by: lock, scheduled time and history go by it (Default: the job’s name)',
  },
  timeout: { type: 'string', valueHint: '90s', description: 'Stop the run after this long (90s, 30m, 1h30m)' },
  attempts: { type: 'string', valueHint: 'n', description: 'How many attempts the run may make' },
  'dry-run': { type: 'boolean', description: 'Say what would be done, and do nothing' },
  'scheduled-at': {
    type: 'string',
    valueHint: 'time',
    description: 'The cron slot to run for (RFC 3339, 2026-11-23T02:00:00Z)',
  },
  locked: {
    type: 'enum',
    options: ['wait', 'fail', 'skip'],
    description: 'When another run holds the lock: wait for it, exit 75, or exit 0 (Default: wait)',
  },
  force: { type: 'boolean', description: 'Run a scheduled time again that has already succeeded' },
  restart: { type: 'boolean', description: 'Begin at the start, whatever earlier runs of the slot have saved' },
  'log-format': { type: 'enum', options: ['json', 'pretty'], description: 'Default: pretty on a terminal, else json' },
  'log-level': {
    type: 'enum',
    options: ['debug', 'info', 'warn', 'error'],
    description: 'Least level that is logged (Default: info)',
  },
} as const satisfies ArgsDef;

/** What a command line says of a run, besides whose it is. */
export type Order = Omit<RunOrder, 'job'>;

/** A run whose flags can't be read still gets an outcome; it is told with the defaults. */
const DEFAULTS: Order = {
  params: { json: {}, pairs: new Map() },
  dryRun: false,
  locked: 'wait',
  forced: false,
  restart: false,
};

/** Reads a run's command line by `read`; what is wrong with it becomes the order's problem, and the run's own to tell. */
export function readCommandLine<T extends ArgsDef>(
  rawArgs: readonly string[],
  definition: T,
  command: string,
  read: (line: CommandLine<T>) => Order,
): { order: Order; log: LogFlags } {
  let line: CommandLine<T> | undefined;
  let order: Order;
  try {
    line = readArguments(rawArgs, definition, command);
    order = read(line);
  } catch (problem) {
    order = { ...DEFAULTS, problem };
  }
  const flags = line?.args as { readonly 'log-level'?: LogLevel; readonly 'log-format'?: LogFormat } | undefined;
  return { order, log: { level: flags?.['log-level'], format: flags?.['log-format'] } };
}

/**
 * Reads the flags of a run.
 * @throws {UsageError} a value isn't what its flag takes
 */
export function readRunFlags({ args, repeated }: CommandLine<typeof RUN_ARGUMENTS>): Order {
  return {
    name: readName(args.as),
    params: readParams(repeated.get('params') ?? [], repeated.get('param') ?? []),
    timeoutMs: readTimeout(args.timeout),
    attempts: readAttempts(args.attempts),
    dryRun: args['dry-run'] ?? false,
    scheduledAt: readTime(args['scheduled-at']),
    locked: args.locked ?? 'wait',
    forced: args.force ?? false,
    restart: args.restart ?? false,
  };
}

function readName(text: string | undefined): string | undefined {
  if (text === undefined || NAME.test(text)) return text;
  throw new UsageError(
    '--as must be a name of 1 to 100 letters, digits, dots, dashes and underscores that begins and ends with a letter or digit, such as cleanup-eu',
  );
}

function readAttempts(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,3}$/.test(text))
    throw new UsageError(`--attempts must be a whole number from 1 to 9999, and is ${text}`);
  return Number(text);
}

function readTimeout(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseDuration(text);
  if (!ms || ms > LONGEST_TIMEOUT_MS)
    throw new UsageError(`--timeout must be a duration above 0 and at most 23d, such as 90s or 30m`);
  return ms;
}

function readTime(text: string | undefined): Date | undefined {
  if (text === undefined) return undefined;
  const time = new Date(text);
  if (!RFC_3339.test(text) || Number.isNaN(time.getTime()) || !isDay(text)) {
    throw new UsageError(`--scheduled-at must be a time with its zone (RFC 3339), such as 2026-11-23T02:00:00Z`);
  }
  return time;
}
