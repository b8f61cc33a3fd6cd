// Processes as /proc tells of them (Linux). Elsewhere there is nothing to read, and every list is empty.
import { readdirSync, readFileSync } from 'node:fs';

/** What is looked at of a process. */
export interface ProcessStat {
  readonly pid: number;
  /** `R`, `S`, `D`, `T` …; `Z` is a zombie: dead, and only not yet asked for by its parent. */
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** When it began, in the kernel's ticks since boot: with it a process is told from a later one that was given the same pid. */
  readonly start: number;
}

/** The process with this pid, or undefined when there is none. */
export function readStat(pid: number): ProcessStat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name stands in parentheses and may hold anything, parentheses and spaces included.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const [state = '', parent, group, session] = fields;
    return {
      pid,
      state,
      parent: Number(parent),
      group: Number(group),
      session: Number(session),
      start: Number(fields[19]),
    };
  } catch {
    return undefined;
  }
}

/** Every process that lives, not the zombies: those with a pid of at least `from`. */
export function livingProcesses(from = 1): ProcessStat[] {
  let names: string[];
  try {
    names = readdirSync('/proc');
  } catch {
    return [];
  }
  // What isn't a number is no process.
  return living(names.map(Number).filter((pid) => pid >= from));
}

/** Every process that lives, not the zombies, with a pid from `first` to `last`; a thread counts as one. */
export const processesBetween = (first: number, last: number): ProcessStat[] =>
  living(Array.from({ length: last - first + 1 }, (_, at) => first + at));

const living = (pids: readonly number[]): ProcessStat[] =>
  pids.map(readStat).filter((stat) => stat !== undefined && stat.state !== 'Z' && stat.state !== 'X') as ProcessStat[];

/** The pid that the kernel gave last; the next ones count up from it, and begin anew at the largest. */
export function newestPid(): number {
  try {
    return Number(readFileSync('/proc/loadavg', 'latin1').trim().split(' ').at(-1));
  } catch {
    return 0;
  }
}

/** Whether the process was started with exactly this `NAME=value` in its environment; undefined where that can't be seen, or not yet. */
export function wasStartedWith(pid: number, variable: string): boolean | undefined {
  return startedWithPrefix(pid, `${variable}\0`);
}

/** Whether the process was started with a variable that begins like this, as `NAME=val`; undefined where that can't be seen, or not yet. */
export function startedWithPrefix(pid: number, variable: string): boolean | undefined {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, 'latin1');
    // While it becomes another program it has none.
    if (environment === '') return undefined;
    return environment.startsWith(variable) || environment.includes(`\0${variable}`);
  } catch {
    // Somebody else's process, or one that is gone.
    return undefined;
  }
}

/** The program's name as the kernel has it, for people. */
export function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '?';
  }
}
