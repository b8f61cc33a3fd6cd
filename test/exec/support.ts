// Programs for the tests of `run-job exec`, and what is left of them afterwards.
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inject } from 'vitest';
import { findProgram } from '../support/install.ts';
import { type Ended, type Running, type RunOptions, runJob } from '../support/run-job.ts';

export const python = findProgram('python3');
const compiler = findProgram('cc', 'gcc', 'clang');

/** Why the compiled program isn't tested here, or undefined. */
export const noCompiler = compiler ? undefined : 'NOT CHECKED here: compiled programs. There is no C compiler';
export const noPython = python ? undefined : 'NOT CHECKED here: Python. There is no python3';
for (const missing of [noCompiler, noPython]) if (missing) console.warn(missing);

/** Compiles fixtures/misbehaves.c; returns its path. */
export function compileMisbehaves(): string {
  const path = join(mkdtempSync(join(inject('scratchFolder'), 'compiled-')), 'misbehaves');
  const source = fileURLToPath(new URL('fixtures/misbehaves.c', import.meta.url));
  execFileSync(compiler ?? 'cc', ['-O1', '-pthread', '-o', path, source]);
  return path;
}

/** A run whose processes can be found, whatever became of them. */
export interface Marked extends Running {
  /** The pids of everything that the run has started and that lives. */
  alive(): number[];
}

/** `run-job exec it <flags> -- <command>`. The grace is four seconds unless `env` says otherwise. */
export function exec(command: readonly string[], flags: readonly string[] = [], options: RunOptions = {}): Marked {
  const mark = `TEST_MARK=${randomUUID()}`;
  const [name = '', value] = mark.split('=');
  const env = { WORKER_SHUTDOWN_TIMEOUT_SECONDS: '4', ...options.env, [name]: value };
  const running = runJob(['exec', 'it', ...flags, '--', ...command], { ...options, env });
  return { ...running, alive: () => processesWith(mark).filter((pid) => pid !== running.pid) };
}

/** Runs it to its end, and says what it has left behind at that moment. */
export async function execToEnd(
  command: readonly string[],
  flags?: readonly string[],
  options?: RunOptions,
): Promise<Ended & { readonly left: number[] }> {
  const run = exec(command, flags, options);
  const ended = await run.done;
  return { ...ended, left: run.alive() };
}

/**
 * The processes that live (no zombies) and were started with this variable, or with this argument where it is `cmdline`. A process may end while it
 * is looked for, and leave a child; and while it becomes another program it has no environment: that nobody lives is said only when three looks say so.
 */
export function processesWith(text: string, where: 'environ' | 'cmdline' = 'environ'): number[] {
  for (let look = 1; ; look += 1) {
    const found = lookForProcessesWith(text, where);
    if (found.length > 0 || look === 3) return found;
  }
}

function lookForProcessesWith(text: string, where: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/${where}`, 'latin1').split('\0').includes(text) && lives(pid);
      } catch {
        return false;
      }
    });
}

/** Whether anything of the process runs: it is there, and no zombie, or one whose first thread alone has ended. */
export function lives(pid: number): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    return !/^State:\t[ZX]/m.test(status) || !/^Threads:\t[01]$/m.test(status);
  } catch {
    return false;
  }
}

/** A process as it is told of where it shouldn't be: its pid, state, parent, group, session and command line. */
export function describeProcess(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state, parent, group, session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const command = readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').trim();
    return `${pid}: ${command} (state ${state}, parent ${parent}, group ${group}, session ${session})`;
  } catch {
    return `${pid}: ended meanwhile`;
  }
}

/** A control group with a limit of memory; a process joins it by writing its pid to `procs`. Undefined where none can be made. */
export function memoryGroup(bytes: number): { procs: string; remove(): void } | undefined {
  for (const [root, limit] of [
    ['/sys/fs/cgroup', 'memory.max'],
    ['/sys/fs/cgroup/memory', 'memory.limit_in_bytes'],
  ] as const) {
    const group = join(root, `run-job-${randomUUID()}`);
    try {
      mkdirSync(group);
      writeFileSync(join(group, limit), String(bytes), { flag: 'r+' });
      return { procs: join(group, 'cgroup.procs'), remove: () => removeGroup(group) };
    } catch {
      rmSync(group, { recursive: true, force: true });
    }
  }
  return undefined;
}

/** The guardian leaves the group a moment after the run has ended. */
function removeGroup(group: string): void {
  const until = Date.now() + 5_000;
  for (;;) {
    try {
      rmdirSync(group);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY' || Date.now() > until) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}

/** The log lines of the program. */
export const linesOf = ({ lines }: Ended) => lines.filter(({ stream }) => stream !== undefined);
