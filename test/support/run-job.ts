// Runs the built executable as a child process, and tells everything that can be seen of it from outside.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { inject } from 'vitest';
import type { Summary } from '../../src/runner/outcome.ts';
import { EXECUTABLE } from './built.ts';

/** The folder of the fixture jobs. */
export const FIXTURES = fileURLToPath(new URL('../fixtures/jobs', import.meta.url));

/** A log line, parsed. */
export type Line = Record<string, unknown> & { readonly level: string; readonly msg: string };

/** What is left of a process that has ended. */
export interface Ended {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Every line of standard output that is a JSON object. */
  readonly lines: readonly Line[];
  /** The last of them. */
  readonly summary: Summary & Line;
  /** The termination message, parsed; undefined when none was left. */
  readonly termination: Summary | undefined;
  /** From its start to its end, in milliseconds. */
  readonly tookMs: number;
}

/** A process that runs. It is killed when it is disposed of. */
export interface Running extends AsyncDisposable {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly pid: number;
  /** Resolves with the first line, said already or yet to come, that fits; rejects when the process ends without it. */
  waitForLine(fits: (line: Line) => boolean): Promise<Line>;
  /** What `event` resolves with; rejects when the process ends before. */
  until<T>(event: Promise<T>): Promise<T>;
  kill(signal: NodeJS.Signals): void;
  readonly done: Promise<Ended>;
}

export interface RunOptions {
  /** Variables over those of a clean environment. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** DATABASE_URL. */
  readonly database?: { readonly url: string } | undefined;
  /** A program that becomes run-job, and its arguments, such as `ip netns exec <namespace>`. */
  readonly through?: readonly string[];
  /** Whether standard output is left unread, so that its pipe fills up. */
  readonly unread?: boolean;
  /** A process that takes longer hangs: it is killed, and `done` rejects with what it said. 90 s unless said. */
  readonly hangsAfterMs?: number;
  /** The folder for temporary files; the suite's unless said. */
  readonly scratchFolder?: string;
}

/** Longer than by default, so that a busy machine isn't taken for a server that is gone. */
const PATIENCE = { WORKER_CONNECT_TIMEOUT_SECONDS: '30', WORKER_LOCK_CHECK_SECONDS: '20' };

/** A test worker that ends leaves nobody behind. */
const alive = new Set<ChildProcessByStdio<Writable, Readable, Readable>>();
process.once('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

/** Starts `run-job` with these arguments, in an empty folder, with nothing of our environment but PATH. */
export function runJob(args: readonly string[], options: RunOptions = {}): Running {
  const folder = mkdtempSync(join(options.scratchFolder ?? inject('scratchFolder'), 'run-'));
  const terminationLog = join(folder, 'termination-log');
  const startedAt = performance.now();
  const [program = process.execPath, ...before] = [...(options.through ?? []), process.execPath];
  const child = spawn(program, [...before, EXECUTABLE, ...args], {
    cwd: folder,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      RUN_JOB_DIRS: FIXTURES,
      RUN_JOB_TERMINATION_LOG: terminationLog,
      ...PATIENCE,
      ...(options.database && { DATABASE_URL: options.database.url }),
      ...options.env,
    },
  });
  const output = collectOutput(child, options.unread ?? false);
  const kill = (signal: NodeJS.Signals) => void child.kill(signal);
  alive.add(child);

  const finish = async (): Promise<Ended> => {
    let hung = false;
    const timer = setTimeout(() => {
      hung = true;
      kill('SIGKILL');
    }, options.hangsAfterMs ?? 90_000);
    const [exitCode, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    clearTimeout(timer);
    alive.delete(child);
    const termination = existsSync(terminationLog) ? readFileSync(terminationLog, 'utf8') : '';
    rmSync(folder, { recursive: true, force: true });
    if (hung) throw new Error(`run-job ${args.join(' ')} hangs. It said:\n${output.stdout}${output.stderr}`);
    return {
      exitCode,
      signal,
      stdout: output.stdout,
      stderr: output.stderr,
      lines: output.lines,
      summary: output.lines.at(-1) as Summary & Line,
      termination: termination === '' ? undefined : (JSON.parse(termination) as Summary),
      tookMs: performance.now() - startedAt,
    };
  };
  const done = finish();
  // Whoever doesn't look at the end is not interested in how it fails.
  done.catch(() => {});

  return {
    child,
    pid: child.pid as number,
    waitForLine: output.waitForLine,
    until: (event) =>
      Promise.race([
        event,
        done.then(({ stdout, stderr }) => Promise.reject(new Error(`run-job ended too early:\n${stdout}${stderr}`))),
      ]),
    kill,
    done,
    async [Symbol.asyncDispose]() {
      kill('SIGKILL');
      await done.catch(() => {});
    },
  };
}

/** Runs `run-job` with these arguments to its end. */
export function runToEnd(args: readonly string[], options?: RunOptions): Promise<Ended> {
  return runJob(args, options).done;
}

interface Output {
  stdout: string;
  stderr: string;
  readonly lines: Line[];
  waitForLine: Running['waitForLine'];
}

function collectOutput(child: ChildProcessByStdio<Writable, Readable, Readable>, unread: boolean): Output {
  const waiting = new Set<{ fits: (line: Line) => boolean; resolve(line: Line): void; reject(error: Error): void }>();
  const lines: Line[] = [];
  let rest = '';
  const output: Output = {
    stdout: '',
    stderr: '',
    lines,
    waitForLine: (fits) =>
      new Promise((resolve, reject) => {
        const said = lines.find(fits);
        if (said) resolve(said);
        else if (child.exitCode !== null || child.signalCode !== null) reject(withoutIt());
        else waiting.add({ fits, resolve, reject });
      }),
  };
  const withoutIt = () =>
    new Error(`run-job ended without the awaited line. It said:\n${output.stdout}${output.stderr}`);

  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text;
  });
  child.on('close', () => {
    for (const { reject } of waiting) reject(withoutIt());
  });
  if (unread) return output;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text;
    // Only what is new is looked through: a line may come in hundreds of pieces.
    const whole = text.split('\n');
    whole[0] = rest + whole[0];
    rest = whole.pop() ?? '';
    for (const line of whole.flatMap(parseLine)) {
      lines.push(line);
      for (const waiter of waiting) {
        if (!waiter.fits(line)) continue;
        waiting.delete(waiter);
        waiter.resolve(line);
      }
    }
  });
  return output;
}

function parseLine(text: string): Line[] {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? [value as Line] : [];
  } catch {
    return [];
  }
}
