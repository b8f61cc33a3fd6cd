// Runs programs for one run of ours: finds each, tells it of the run, takes what it says, and judges how it ended.
import type { ExecResult, Fields, Logger } from '../../job.ts';
import type { ProgramCall, ProgramOptions, Programs } from '../../runner/ports.ts';
import { CheckpointFile } from './checkpoint.ts';
import { variablesOf } from './environment.ts';
import { Exchange } from './exchange.ts';
import { errorOf } from './exit-code.ts';
import type { Family } from './family.ts';
import { type Guardian, startGuardian } from './guardian.ts';
import { Collector, each, linesOf, type OutputTaker, passedThrough, type StreamName, shownLive } from './output.ts';
import { findProgram, workingFolder } from './program.ts';
import type { LineRedactor } from './redact-lines.ts';
import { type ProgramEnd, runProgram } from './run-program.ts';

/** How much of a program's standard output can be collected. */
const MOST_COLLECTED_BYTES = 16 * 2 ** 20;

/** What becomes of lines, and of bytes that are passed through. */
export interface ProgramOutput {
  /** For one stream, whose lines come in order. */
  redactor(): LineRedactor;
  /** Writes redacted lines to the log; `clean` is what the redactor has said of them. */
  log(batch: { stream: StreamName; lines: readonly string[]; clean: boolean; fields: Fields }): void;
  /** Remembers redacted lines as evidence. */
  remember(lines: readonly string[]): void;
  /** Writes bytes to our own standard output or standard error. */
  pass(stream: StreamName, bytes: Buffer): void;
  /** Where somebody looks on: shows the program's output as if it ran alone, redacted. */
  readonly show?: ((stream: StreamName, text: string) => void) | undefined;
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
export class Executor implements Programs {
  readonly #setting: ExecSetting;
  readonly #running = new Set<Promise<unknown>>();
  readonly #families = new Set<Family>();
  /** Aborts when the run is over, for what nobody waited for. */
  readonly #over = new AbortController();
  #guardian: Guardian | undefined;
  #count = 0;

  constructor(setting: ExecSetting) {
    this.#setting = setting;
  }

  async exec(call: ProgramCall): Promise<ExecResult> {
    const result = this.#exec(call);
    const settled = result.then(
      () => undefined,
      () => undefined,
    );
    this.#running.add(settled);
    try {
      return await result;
    } finally {
      this.#running.delete(settled);
    }
  }

  async endAll(): Promise<void> {
    this.#over.abort(new Error('the run is over, and nobody waited for this program'));
    await Promise.all([...this.#families].map((family) => family.kill()));
    await Promise.all(this.#running);
    this.#guardian?.letGo();
  }

  async #exec({ program, args, options, run, log, graceMs, ...call }: ProgramCall): Promise<ExecResult> {
    const signal = AbortSignal.any([call.signal, this.#over.signal, ...(options.signal ? [options.signal] : [])]);
    signal.throwIfAborted();
    const cwd = options.cwd ?? workingFolder();
    const own = { ...this.#setting.env, ...options.env };
    const file = findProgram(program, own.PATH, cwd);
    const guardian = this.#guard(call.lockDescriptor);
    this.#count += 1;
    const id = `${this.#setting.runId}-${this.#count}`;
    const exchange = Exchange.open(({ done, total }) => call.progress(done, total));
    if (!exchange) log.warn('there is no folder for temporary files, so that a program has no file for its result');
    const checkpoint =
      exchange && call.checkpoint
        ? new CheckpointFile(exchange.checkpointFile, call.checkpoint, (problem) =>
            log.warn(`what ${program} left in RUN_JOB_CHECKPOINT_FILE is not saved: ${problem}`),
          )
        : undefined;
    const onStop = () => void checkpoint?.save();
    signal.addEventListener('abort', onStop, { once: true });
    const collector = options.stdout === 'collect' ? new Collector(MOST_COLLECTED_BYTES) : undefined;
    let started: Family | undefined;
    try {
      const end = await runProgram(
        {
          program,
          file,
          args,
          cwd,
          env: {
            ...own,
            ...traceVariables(call.traceHeaders),
            ...variablesOf(run),
            ...exchange?.variables,
            ...(exchange && checkpoint && { RUN_JOB_CHECKPOINT_FILE: exchange.checkpointFile }),
            RUN_JOB_EXEC_ID: id,
          },
          marker: `RUN_JOB_EXEC_ID=${id}`,
          input: inputOf(options),
        },
        {
          guardian,
          signal,
          graceMs: () => (this.#over.signal.aborted ? 0 : graceMs()),
          stdout: collector ?? this.#taker('stdout', options, run.attempt),
          stderr: this.#taker('stderr', options, run.attempt),
          onStart: ({ pid, family }) => {
            started = family;
            this.#families.add(family);
            log.debug(`${program} runs as process ${pid}`);
          },
        },
      );
      call.onEnd({ exitCode: end.code, signal: end.signal });
      tellOddities(program, end, log);
      await checkpoint?.close();
      const error = errorOf(program, end, options.exitCodes);
      // What it made of being asked to stop is no news, unless it asks for a new pod: it is the reason that counts.
      if (end.stopped !== 'no' && error?.code !== 'ERR_RUN_JOB_CONTINUE') throw signal.reason;
      if (error) throw error;
      if (end.code !== 0) log.warn(`${program} ended with exit code ${end.code}, which counts as success here`);
      if (collector?.cut) log.warn(`${program} wrote more than 16 MiB; what was collected of it is cut`);
      const { value, problem } = exchange?.result() ?? {};
      if (problem) log.warn(`the result that ${program} left in RUN_JOB_RESULT_FILE doesn't count: ${problem}`);
      return { exitCode: end.code ?? 0, stdout: collector?.text() ?? '', result: value };
    } finally {
      if (started) this.#families.delete(started);
      signal.removeEventListener('abort', onStop);
      await checkpoint?.close();
      exchange?.close();
    }
  }

  /** One for all: it costs a process. */
  #guard(lockDescriptor: number | undefined): Guardian {
    const { runId, guardianWithoutShell } = this.#setting;
    this.#guardian ??= startGuardian(`RUN_JOB_EXEC_ID=${runId}-`, guardianWithoutShell, lockDescriptor);
    return this.#guardian;
  }

  #taker(stream: StreamName, { raw }: ProgramOptions, attempt: number): OutputTaker {
    const { output } = this.#setting;
    const redact = output.redactor();
    const remember = (lines: string[]) => {
      redact(lines);
      output.remember(lines);
    };
    if (raw) return passedThrough((bytes) => output.pass(stream, bytes), remember);
    const { show } = output;
    if (show)
      return each(
        shownLive((text) => show(stream, text)),
        linesOf(remember),
      );
    return linesOf((lines) => {
      const clean = redact(lines);
      output.log({ stream, lines, clean, fields: { attempt } });
      output.remember(lines);
    });
  }
}

function inputOf({ input, inheritInput }: ProgramOptions): 'none' | 'inherit' | Uint8Array {
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
