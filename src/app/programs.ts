// Runs a run's programs: the code for it is loaded when the first one is started.
import type { LastLines } from '../log/last-lines.ts';
import type { LogLine } from '../log/logger.ts';
import { createProgramLog, type ProgramLogOptions } from '../log/program-log.ts';
import type { Executor } from '../process/child/executor.ts';
import type { Programs } from '../runner/ports.ts';
import type { Redactor } from '../runner/redact.ts';

export type StreamName = 'stdout' | 'stderr';

/** Where a program's output goes when it isn't logged. */
export interface ProgramScreen {
  /** Passes bytes on as they are. */
  pass(stream: StreamName, bytes: Uint8Array): void;
  /** Where somebody looks on: shows redacted text as if the program ran alone. */
  readonly show?: ((stream: StreamName, text: string) => void) | undefined;
}

/** What programs are run with. */
export interface ProgramsOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly home: URL;
  readonly runId: string;
  readonly redactor: Redactor;
  readonly log: Omit<ProgramLogOptions, 'redact'>;
  readonly screen: ProgramScreen;
  readonly lastLines: LastLines;
}

/** The port that runs programs. */
export function openPrograms({ env, home, runId, redactor, log, screen, lastLines }: ProgramsOptions): Programs {
  let executor: Promise<Executor> | undefined;
  const load = async (): Promise<Executor> => {
    const { Executor, createLineRedactor } = await import('../process/child/executor.ts');
    const { show } = screen;
    return new Executor({
      env,
      runId,
      guardianWithoutShell: new URL('guardian-without-shell.js', home),
      output: {
        redactor: () => createLineRedactor(redactor),
        log: createProgramLog({ ...log, redact: redactor }),
        remember: (lines) => lastLines.push(lines),
        pass: screen.pass,
        show: show && ((stream, text) => show(stream, redactor.mayHoldSecret(text) ? redactor.text(text) : text)),
      },
    });
  };
  return {
    async exec(call) {
      executor ??= load();
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
