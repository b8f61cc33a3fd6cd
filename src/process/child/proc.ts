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
  const fields = statFields(pid);
  if (!fields) return undefined;
  const [state = '', parent, group, session] = fields;
  return {
    pid,
    state,
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    start: Number(fields[19]),
  };
}

/** What proc_pid_stat(5) tells, from the state (its field 3) on. */
function statFields(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name stands in parentheses and may hold anything, parentheses and spaces included.
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
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

/** Those of them that live, not the zombies. */
export const living = (pids: readonly number[]): ProcessStat[] =>
  pids.map(readStat).filter((stat) => stat !== undefined && stat.state !== 'Z' && stat.state !== 'X') as ProcessStat[];

/** The pid that the kernel gave last; the next ones count up from it, and begin anew at the largest. */
export function newestPid(): number {
  try {
    return Number(readFileSync('/proc/loadavg', 'latin1').trim().split(' ').at(-1));
  } catch {
    return 0;
  }
}

/**
 * Whether a process was started with a variable. `not yet`: it is becoming another program, and has no environment at this moment. `hidden`: it is
 * somebody else's, or gone.
 */
export type StartedWith = 'yes' | 'no' | 'not yet' | 'hidden';

/** Whether the process was started with exactly this `NAME=value` in its environment. */
export function wasStartedWith(pid: number, variable: string): StartedWith {
  return startedWithPrefix(pid, `${variable}\0`);
}

/** Whether the process was started with a variable that begins like this, as `NAME=val`. */
export function startedWithPrefix(pid: number, variable: string): StartedWith {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, 'latin1');
    if (environment === '') return isBecomingAnother(pid) ? 'not yet' : 'no';
    return environment.startsWith(variable) || environment.includes(`\0${variable}`) ? 'yes' : 'no';
  } catch {
    return 'hidden';
  }
}

/** Of a process whose environment was read as empty: whether it may have one by now. A kernel's thread has none, nor has who was given an empty one. */
function isBecomingAnother(pid: number): boolean {
  const fields = statFields(pid);
  if (!fields) return false;
  const [memory, start, end] = [fields[20], fields[47], fields[48]];
  return memory !== '0' && (end === '0' || start !== end);
}

/** The program's name as the kernel has it, for people. */
export function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '?';
  }
}
