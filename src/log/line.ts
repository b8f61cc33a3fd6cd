// A line of the log.
import type { Fields } from '../job.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFormat = 'json' | 'pretty';

/** How much is told: a level and all below it. */
export const LEVELS: Record<LogLevel, number> = { error: 0, warn: 1, info: 2, debug: 3 };

/** A log line before it is written. */
export interface LogLine {
  readonly time: Date;
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: Fields;
}

/** Writes a line in one of the formats. */
export type LineWriter = (line: LogLine) => void;
