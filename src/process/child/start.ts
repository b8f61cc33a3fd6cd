// Starts a program in a session of its own, on pipes that it may open again by their names.
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { ConfigError, UnavailableError } from '../../errors.ts';
import { Family } from './family.ts';
import { dropPipes, type Guardian, type Pipe } from './guardian.ts';

/** What is started, and with what. */
export interface Start {
  /** As it was named; for messages, and as the program's own argv[0]. */
  readonly program: string;
  /** Where it is. */
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `NAME=value` of a variable in `env` that no other program has. */
  readonly marker: string;
  /** What the program reads: nothing, what we read, this, or what this descriptor gives, which is closed. */
  readonly input: 'none' | 'inherit' | number | Uint8Array;
}

/** How a program ended: with an exit code, or by a signal. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A program that runs. */
export interface Started {
  readonly pid: number;
  readonly family: Family;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** The program's own end; what it started may live on. */
  readonly exit: Promise<Exit>;
}

/**
 * Starts the program. The guardian knows of it from before it exists.
 * @throws {ConfigError} the kernel won't run it, or its arguments are too long
 * @throws {UnavailableError} there is no room for another process
 */
export async function start(what: Start, guardian: Guardian): Promise<Started> {
  guardian.begin();
  const pipes = await guardian.pipes();
  const closeInput = () => typeof what.input === 'number' && closeSync(what.input);
  let child: ChildProcess;
  try {
    child = await spawned(what, pipes);
  } catch (error) {
    guardian.forget(0);
    dropPipes(pipes);
    closeInput();
    throw spawnError(error as NodeJS.ErrnoException, what);
  }
  const pid = child.pid as number;
  guardian.watch(pid);
  closeInput();
  const exit = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  // Ours must be closed, or the reader would never see the end.
  for (const { writeFd } of pipes ?? []) closeSync(writeFd);
  // A program that reads nothing of what it is given is no error of ours.
  child.stdin?.on('error', () => undefined);
  if (typeof what.input === 'object') child.stdin?.end(what.input);
  const [stdout, stderr] = pipes ? [pipes[0].reader, pipes[1].reader] : [child.stdout, child.stderr];
  return { pid, family: new Family(pid, what.marker), stdout: stdout as Readable, stderr: stderr as Readable, exit };
}

async function spawned(what: Start, pipes: readonly [Pipe, Pipe] | undefined): Promise<ChildProcess> {
  const input = what.input === 'none' ? 'ignore' : typeof what.input === 'object' ? 'pipe' : what.input;
  const output = pipes ? [pipes[0].writeFd, pipes[1].writeFd] : ['pipe', 'pipe'];
  const options = {
    argv0: what.program,
    cwd: what.cwd,
    env: what.env as NodeJS.ProcessEnv,
    // setsid(2): a session and a process group of its own, which Ctrl-C in a terminal doesn't reach: the run passes signals on.
    detached: true,
    stdio: [input, ...output] as SpawnOptions['stdio'],
  } satisfies SpawnOptions;
  const child = spawn(what.file, what.args, options);
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  return child;
}

function spawnError(error: NodeJS.ErrnoException, { program, file }: Start): Error {
  switch (error.code) {
    case 'ENOENT':
      return new ConfigError(`${file} can't be run: what it is run by isn't there; look at its first line`, {
        cause: error,
      });
    case 'EACCES':
    case 'EPERM':
      return new ConfigError(
        `${file} can't be run by this user here (${error.code}): is it on a volume without exec?`,
        {
          cause: error,
        },
      );
    case 'ENOEXEC':
      return new ConfigError(`${file} is no program that this machine can run`, { cause: error });
    case 'E2BIG':
      return new ConfigError(
        `The arguments and the environment of ${program} are longer than the kernel allows: pass them in a file`,
        { cause: error },
      );
    case 'EAGAIN':
    case 'ENOMEM':
    case 'EMFILE':
    case 'ENFILE':
      return new UnavailableError(
        `There is no room for another process (${error.code}), so that ${program} can't run`,
        {
          cause: error,
        },
      );
    default:
      return new ConfigError(`${program} can't be run: ${error.message}`, { cause: error });
  }
}
