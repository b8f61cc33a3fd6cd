// Runs a run's programs: the code for it is loaded when the first one is started.
import type { LastLines } from '../log/last-lines.ts';
import type { LogLine } from '../log/line.ts';
import type { Programs } from '../runner/ports.ts';
import type { ProgramsOptions } from './program-executor.ts';

/** The port that runs programs. */
export function openPrograms(options: ProgramsOptions): Programs {
  let executor: Promise<Programs> | undefined;
  return {
    async exec(call) {
      executor ??= import('./program-executor.ts').then(({ createExecutor }) => createExecutor(options));
      return (await executor).exec(call);
    },
    async endAll() {
      await (await executor)?.endAll();
    },
  };
}

/** A log line of our own among the last lines: what a program says has neither level nor fields. */
export function rememberLine(lastLines: LastLines, { time, level, message, fields }: LogLine): void {
  const { job: _, runId: __, traceId: ___, spanId: ____, ...own } = fields;
  const write = () => {
    const told = Object.keys(own).length > 0 ? ` ${JSON.stringify(own)}` : '';
    return `${time.toISOString()} ${level} ${message}${told}`;
  };
  lastLines.push([write]);
}
