// Runs programs for one run of ours: finds each, tells it of the run, takes what it says, and judges how it ended.
import type { ExecOptions, ExecResult, Logger } from '../../job.ts';
import { type RunFacts, variablesOf } from './environment.ts';
import { Exchange, type ProgressReport } from './exchange.ts';
import { errorOf } from './exit-code.ts';
import { type Guardian, startGuardian } from './guardian.ts';
import { Collector, each, linesOf, type OutputTaker, passedThrough, type StreamName, shownLive } from './output.ts';
import { findProgram } from './program.ts';
import { type ProgramEnd, runProgram } from './run-program.ts';

/** How much of a program's standard output can be collected. */
const MOST_COLLECTED_BYTES = 16 * 2 ** 20;

/** What becomes of lines, and of bytes that are passed through. */
export interface ProgramOutput {
  /** Removes secrets; for one stream, whose lines come in order. */
  redactor(): (lines: string[]) => string[];
  /** Writes redacted lines to the log. */
  log(stream: StreamName, lines: string[]): void;
  /** Remembers redacted lines as evidence. */
  remember(lines: readonly string[]): void;
  /** Writes bytes to our own standard output or standard error. */
  pass(stream: StreamName, bytes: Buffer): void;
  /** Where somebody looks on: shows the program's output as if it ran alone, redacted. */
  readonly show?: ((stream: StreamName, text: string) => void) | undefined;
}

/** How a command differs from a program that a job runs by the way. */
export interface CommandOptions extends ExecOptions {
  /** Its output goes untouched to where ours goes. */
  readonly raw?: boolean;
  /** It reads what we would read. */
  readonly inheritInput?: boolean;
}

/** What a program runs for, and through what. */
export interface ExecContext {
  readonly run: RunFacts;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly graceMs: () => number;
  readonly progress: (report: ProgressReport) => void;
  /** `traceparent` and `tracestate` of the span that the program's own spans belong under. */
  readonly traceHeaders: Readonly<Record<string, string>>;
  readonly onEnd?: ((end: Pick<ProgramEnd, 'code' | 'signal'>) => void) | undefined;
}

/** What this process gives. */
export interface ExecSetting {
  readonly env: NodeJS.ProcessEnv;
  readonly runId: string;
  readonly output: ProgramOutput;
  /** The guardian's program where there is no shell. */
  readonly guardianWithoutShell: URL;
}

/** Runs programs, as many at once as somebody asks for. */
export class Executor {
  readonly #setting: ExecSetting;
  #guardian: Guardian | undefined;
  #count = 0;

  constructor(setting: ExecSetting) {
    this.#setting = setting;
  }

  /**
   * Runs the program to its end.
   * @throws {ExecError} it didn't succeed
   * @throws {ConfigError | UnavailableError} it can't be run
   */
  async exec(
    program: string,
    args: readonly string[],
    options: CommandOptions,
    context: ExecContext,
  ): Promise<ExecResult> {
    const { log } = context;
    const signal = options.signal ? AbortSignal.any([context.signal, options.signal]) : context.signal;
    signal.throwIfAborted();
    const cwd = options.cwd ?? process.cwd();
    const own = { ...this.#setting.env, ...options.env };
    const file = findProgram(program, own.PATH, cwd);
    const guardian = this.#guard();
    this.#count += 1;
    const id = `${this.#setting.runId}-${this.#count}`;
    const exchange = Exchange.open(context.progress);
    if (!exchange) log.warn('there is no folder for temporary files, so that a program has no file for its result');
    const collector = options.stdout === 'collect' ? new Collector(MOST_COLLECTED_BYTES) : undefined;
    try {
      const end = await runProgram(
        {
          program,
          file,
          args,
          cwd,
          env: {
            ...own,
            ...traceVariables(context.traceHeaders),
            ...variablesOf(context.run),
            ...exchange?.variables,
            RUN_JOB_EXEC_ID: id,
          },
          marker: `RUN_JOB_EXEC_ID=${id}`,
          input: inputOf(options),
        },
        {
          guardian,
          signal,
          graceMs: context.graceMs,
          stdout: collector ?? this.#taker('stdout', options),
          stderr: this.#taker('stderr', options),
          onStart: (pid) => log.debug(`${program} runs as process ${pid}`),
        },
      );
      context.onEnd?.(end);
      tellOddities(program, end, log);
      // What it made of being asked to stop is no news: it is the reason that counts.
      if (end.stopped !== 'no') throw signal.reason;
      const error = errorOf(program, end, options.exitCodes);
      if (error) throw error;
      if (end.code !== 0) log.warn(`${program} ended with exit code ${end.code}, which counts as success here`);
      if (collector?.cut) log.warn(`${program} wrote more than 16 MiB; what was collected of it is cut`);
      const { value, problem } = exchange?.result() ?? {};
      if (problem) log.warn(`the result that ${program} left in RUN_JOB_RESULT_FILE doesn't count: ${problem}`);
      return { exitCode: end.code ?? 0, stdout: collector?.text() ?? '', result: value };
    } finally {
      exchange?.close();
    }
  }

  /** One for all: it costs a process. */
  #guard(): Guardian {
    const { runId, guardianWithoutShell } = this.#setting;
    this.#guardian ??= startGuardian(`RUN_JOB_EXEC_ID=${runId}-`, guardianWithoutShell);
    return this.#guardian;
  }

  #taker(stream: StreamName, { raw }: CommandOptions): OutputTaker {
    const { output } = this.#setting;
    const redact = output.redactor();
    const remember = (lines: string[]) => output.remember(redact(lines));
    if (raw) return passedThrough((bytes) => output.pass(stream, bytes), remember);
    const { show } = output;
    if (show)
      return each(
        shownLive((text) => show(stream, text)),
        linesOf(remember),
      );
    return linesOf((lines) => {
      redact(lines);
      output.log(stream, lines);
      output.remember(lines);
    });
  }
}

function inputOf({ input, inheritInput }: CommandOptions): 'none' | 'inherit' | Uint8Array {
  if (input !== undefined) return typeof input === 'string' ? Buffer.from(input) : input;
  return inheritInput ? 'inherit' : 'none';
}

/** The names that OpenTelemetry's propagation through the environment has. */
function traceVariables(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value]));
}

function tellOddities(program: string, { stopped, leftBehind, unkillable }: ProgramEnd, log: Logger): void {
  if (stopped === 'killed')
    log.warn(`${program} did not stop within its grace, and was killed with all it had started`);
  if (leftBehind) {
    log.warn(`${program} ended and left processes behind, which were ended too: ${leftBehind}; let it wait for them`);
  }
  if (unkillable.length > 0) {
    log.error('the kernel has not yet ended processes that were killed', { pids: unkillable });
  }
}
