// The guardian: a tiny process that watches a pipe to us, and kills the programs that we have started when we are killed ourselves.
import { type ChildProcessByStdio, type SpawnOptions, spawn } from 'node:child_process';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { GUARDIAN_SCRIPT } from './guardian-script.ts';
import { isExecutable } from './program.ts';

const SHELL = '/bin/sh';

/** How long the shell may take to make pipes before we do without. */
const PIPES_LIMIT_MS = 1_000;

/** Both ends of a pipe: the program's, and ours. */
export interface Pipe {
  /** The program's end; whoever starts the program closes it here. */
  readonly writeFd: number;
  readonly reader: Readable;
}

/** Watches over the programs that one process of ours has started. */
export interface Guardian {
  /** A program is about to be started. */
  begin(): void;
  /** It was started, and leads the session `leader`. */
  watch(leader: number): void;
  /** Nothing of it is left any more; 0 when it couldn't be started. */
  forget(leader: number): void;
  /** Nothing is started any more, and nothing lives: it needn't hold the run's lock. */
  letGo(): void;
  /** Two real pipes for the program that is watched next, or can't be started; undefined where there is no shell to make them. */
  pipes(): Promise<readonly [Pipe, Pipe] | undefined>;
}

/**
 * Starts the guardian. It has a session of its own, so that what ends us ends it only after its work, and lives as long as we do.
 * @param markerPrefix what the marker of every program of ours begins with, as `NAME=val`
 * @param withoutShell the program that Node runs  where there is no shell
 * @param lockDescriptor what it holds open until its work is done, so that the run's lock isn't free before
 */
export function startGuardian(markerPrefix: string, withoutShell: URL, lockDescriptor: number | undefined): Guardian {
  const shell = isExecutable(SHELL);
  const [command, args] = shell
    ? [SHELL, ['-c', GUARDIAN_SCRIPT, 'run-job-guardian', markerPrefix]]
    : [process.execPath, [withoutShell.pathname, markerPrefix]];
  const child = spawn(command, args, {
    detached: true,
    // Without our marker: it must not find itself. Its grep is the system's wherever that is in PATH.
    env: { PATH: `/usr/bin:/bin:${process.env.PATH ?? ''}` },
    cwd: '/',
    // The lock's is number 5: 3 and 4 are for the pipes.
    stdio: ['pipe', 'pipe', 'ignore', ...(lockDescriptor === undefined ? [] : ['ignore', 'ignore', lockDescriptor])],
  } as SpawnOptions) as Child;
  // A guardian that can't be started or was killed changes nothing for a run that isn't killed.
  child.on('error', () => undefined);
  if (!isStarted(child)) return NO_GUARDIAN;
  child.stdin.on('error', () => undefined);
  child.stdout.on('error', () => undefined);
  child.unref();
  unref(child.stdin);
  unref(child.stdout);
  const tell = (line: string) => void child.stdin.write(`${line}\n`);
  // It holds one program's pipes at a time, until it is told which process that is.
  let turn: Promise<void> = Promise.resolve();
  let endTurn = () => {};
  return {
    begin: () => tell('begin'),
    watch(leader) {
      tell(`+ ${leader}`);
      endTurn();
    },
    forget(leader) {
      tell(`- ${leader}`);
      if (leader === 0) endTurn();
    },
    letGo: () => tell('free'),
    async pipes() {
      if (!shell || process.platform !== 'linux') return undefined;
      const before = turn;
      const { promise, resolve } = Promise.withResolvers<void>();
      turn = promise;
      await before;
      endTurn = resolve;
      return makePipes(child, tell).catch(() => undefined);
    },
  };
}

type Child = ChildProcessByStdio<Writable, Readable, null>;

/** Where no more files may be opened, Node makes no streams. */
const isStarted = (child: { readonly stdin?: Writable }): boolean => child.stdin !== undefined;

const NO_GUARDIAN: Guardian = {
  begin: () => undefined,
  watch: () => undefined,
  forget: () => undefined,
  letGo: () => undefined,
  pipes: () => Promise.resolve(undefined),
};

function unref(stream: Readable | Writable): void {
  (stream as unknown as Socket).unref();
}

async function makePipes(
  { pid, stdout, exitCode }: Child,
  tell: (line: string) => void,
): Promise<readonly [Pipe, Pipe] | undefined> {
  if (pid === undefined || exitCode !== null) return undefined;
  const answered = Promise.withResolvers<boolean>();
  const onData = () => answered.resolve(true);
  stdout.once('data', onData);
  const timer = setTimeout(() => answered.resolve(false), PIPES_LIMIT_MS);
  try {
    tell('pipes');
    if (!(await answered.promise)) return undefined;
    const first = openPipe(`/proc/${pid}/fd/3`);
    try {
      return [first, openPipe(`/proc/${pid}/fd/4`)];
    } catch (error) {
      dropPipes([first]);
      throw error;
    }
  } finally {
    clearTimeout(timer);
    stdout.removeListener('data', onData);
  }
}

/** Opens the pipe that another process holds anew, at both ends: our end alone doesn't block. */
function openPipe(path: string): Pipe {
  const readFd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  if (!fstatSync(readFd).isFIFO()) throw new Error('the shell made no pipe');
  // The line of the here-document.
  readSync(readFd, Buffer.alloc(16));
  return {
    writeFd: openSync(path, constants.O_WRONLY),
    reader: new Socket({ fd: readFd, readable: true, writable: false }),
  };
}

/** Closes what nobody will write to. */
export function dropPipes(pipes: readonly Pipe[] | undefined): void {
  for (const { writeFd, reader } of pipes ?? []) {
    closeSync(writeFd);
    reader.destroy();
  }
}
