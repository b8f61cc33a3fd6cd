// Runs programs for one run of ours: finds each, tells it of the run, takes what it says, and judges how it ended.
import { ExecError } from '../../errors.ts';
import type { ExecResult, Fields, Logger } from '../../job.ts';
import type { ProgramCall, ProgramOptions, Programs } from '../../runner/ports.ts';
import { checkCall, checkEnvironment } from './check-call.ts';
import { CheckpointFile } from './checkpoint.ts';
import { execIdPrefix, inherited, variablesOf } from './environment.ts';
import { Exchange } from './exchange.ts';
import { errorOf } from './exit-code.ts';
import type { Family } from './family.ts';
import { type Guardian, startGuardian } from './guardian.ts';
import { Collector, each, linesOf, type OutputTaker, passedThrough, type StreamName, shownLive } from './output.ts';
import { OwnInput } from './own-input.ts';
import { findProgram, workingFolder } from './program.ts';
import type { LineRedactor } from './redact-lines.ts';
import { type ProgramEnd, runProgram } from './run-program.ts';
import type { Start } from './start.ts';

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
  /** Writes bytes to our own standard output or standard error; returns why they can't be written, where they can't. */
  pass(stream: StreamName, bytes: Buffer): NodeJS.ErrnoException | undefined;
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
  #ownInput: OwnInput | undefined;

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
    checkCall(program, args, options);
    const cwd = options.cwd ?? workingFolder();
    const own = { ...inherited(this.#setting.env), ...options.env };
    const told = variablesOf(run);
    checkEnvironment({ ...own, ...told });
    const file = findProgram(program, own.PATH, cwd);
    const guardian = this.#guard(call.lockDescriptor);
    this.#count += 1;
    const id = `${execIdPrefix(this.#setting.runId, this.#setting.env)}${this.#count}`;
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
    const stdout = collector ?? this.#taker('stdout', options, run.attempt);
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
            ...told,
            ...exchange?.variables,
            ...(exchange && checkpoint && { RUN_JOB_CHECKPOINT_FILE: exchange.checkpointFile }),
            RUN_JOB_EXEC_ID: id,
          },
          marker: `RUN_JOB_EXEC_ID=${id}`,
          input: this.#inputOf(options, run.attempt),
        },
        {
          guardian,
          signal,
          graceMs: () => (this.#over.signal.aborted ? 0 : graceMs()),
          stdout,
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
      const lost = lossOf(program, stdout, end);
      if (lost ?? error) throw lost ?? error;
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
    const { runId, env, guardianWithoutShell } = this.#setting;
    const marker = `RUN_JOB_EXEC_ID=${execIdPrefix(runId, env)}`;
    this.#guardian ??= startGuardian(marker, guardianWithoutShell, lockDescriptor);
    return this.#guardian;
  }

  #inputOf({ input, inheritInput }: ProgramOptions, attempt: number): Start['input'] {
    if (input !== undefined) return typeof input === 'string' ? Buffer.from(input) : input;
    if (!inheritInput) return 'none';
    this.#ownInput ??= new OwnInput();
    return attempt === 1 ? 'inherit' : this.#ownInput.again();
  }

  #taker(stream: StreamName, { raw }: ProgramOptions, attempt: number): OutputTaker {
    const { output } = this.#setting;
    const redact = output.redactor();
    const redactOne = (text: string) => {
      const lines = [text];
      redact(lines);
      return lines.join('\n');
    };
    const remember = (lines: string[]) => {
      redact(lines);
      output.remember(lines);
    };
    if (raw) {
      return passedThrough(
        (bytes) => {
          const lost = output.pass(stream, bytes);
          // What it says of its work is no work of its own: few programs look whether that was written.
          return stream === 'stdout' ? lost : undefined;
        },
        remember,
        redactOne,
      );
    }
    const { show } = output;
    if (show)
      return each(
        shownLive((text) => show(stream, text)),
        linesOf(remember, redactOne),
      );
    return linesOf((lines) => {
      const clean = redact(lines);
      output.log({ stream, lines, clean, fields: { attempt } });
      output.remember(lines);
    }, redactOne);
  }
}

/** The names that OpenTelemetry's propagation through the environment has. */
function traceVariables(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value]));
}

/** What a reader leaves behind who has gone: as of a program alone, what that makes of it counts. */
const READER_GONE = ['EPIPE', 'ECONNRESET'];

/** The error of a program whose output was to be passed through, and could not be written: its exit code can't know of that. */
function lossOf(program: string, { lost }: OutputTaker, { code, signal }: ProgramEnd): ExecError | undefined {
  if (lost === undefined || READER_GONE.includes(lost.code ?? '')) return undefined;
  const message = `what ${program} wrote to standard output can't be written (${lost.code}), and what is there is not all of it`;
  return new ExecError('ERR_RUN_JOB_PROGRAM', message, { exitCode: code, signal }, { cause: lost });
}

function tellOddities(program: string, end: ProgramEnd, log: Logger): void {
  const { stopped, leftBehind, unkillable, forbidden } = end;
  if (forbidden) {
    log.error(`what ${program} has started as another user lives on, since this one may not end it: ${forbidden}`);
    return;
  }
  if (stopped === 'killed')
    log.warn(`${program} did not stop within its grace, and was killed with all it had started`);
  if (leftBehind) {
    log.warn(`${program} ended and left processes behind, which were ended too: ${leftBehind}; let it wait for them`);
  }
  if (unkillable.length > 0) {
    log.error('the kernel has not yet ended processes that were killed', { pids: unkillable });
  }
}
