// The programs of a job under test: the test's own stand-in, or the real ones.
import { openPrograms } from '../app/programs.ts';
import type { BaseContext } from '../job.ts';
import { LastLines } from '../log/last-lines.ts';
import type { Programs } from '../runner/ports.ts';
import type { Redactor } from '../runner/redact.ts';
import type { LogEntry } from './options.ts';

/** What the run under test gives to programs, and where their lines go. */
export interface TestProgramsSetting {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly runId: string;
  readonly redactor: Redactor;
  readonly entries: LogEntry[];
}

/** The port that runs programs. Real ones find their way by the PATH of the test's process. */
export function testPrograms(
  standIn: BaseContext<unknown>['exec'] | undefined,
  { env, runId, redactor, entries }: TestProgramsSetting,
): Programs {
  if (standIn) {
    return {
      exec: async ({ program, args, options }) => standIn(program, args, options),
      endAll: async () => undefined,
    };
  }
  return openPrograms({
    env: { PATH: process.env.PATH, ...env },
    home: new URL('.', import.meta.url),
    runId,
    redactor,
    log: {
      format: 'json',
      level: 'debug',
      bindings: () => ({}),
      write: () => undefined,
      onLine: ({ level, message, fields }) => entries.push({ level, message, fields }),
    },
    screen: { pass: () => undefined },
    lastLines: new LastLines(),
  });
}
