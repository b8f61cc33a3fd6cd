// A logger that keeps its lines, for tests that wait for one or look at them afterwards.
import { EventEmitter, once } from 'node:events';
import type { Fields, Logger } from '../../src/job.ts';

/** One line. */
export interface LogLine {
  readonly level: keyof Logger;
  readonly message: string;
  readonly fields: Fields;
}

/** The logger, and what it was told. */
export interface RecordedLog extends Logger {
  readonly lines: LogLine[];
  /** Resolves with the first line, earlier ones included, that holds this text in its message or fields. */
  seen(text: string): Promise<LogLine>;
}

/** Makes one. */
export function recordedLog(): RecordedLog {
  const lines: LogLine[] = [];
  const events = new EventEmitter();
  const write =
    (level: LogLine['level']) =>
    (message: string, fields: Fields = {}) => {
      lines.push({ level, message, fields });
      events.emit('line');
    };
  return {
    lines,
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    async seen(text) {
      for (;;) {
        const line = lines.find((each) => JSON.stringify(each).includes(text));
        if (line) return line;
        await once(events, 'line');
      }
    },
  };
}
