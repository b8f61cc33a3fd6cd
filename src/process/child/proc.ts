// Processes as /proc tells of them (Linux). Elsewhere there is nothing to read, and every list is empty.
import { readdirSync, readFileSync } from 'node:fs';

/** What is looked at of a process. */
export interface ProcessStat {
  readonly pid: number;
  /** `R`, `S`, `D`, `T` …; `Z` is a zombie: its first thread is dead, and it as a whole where there is no other. */
  readonly state: string;
  /** How many threads it has. */
  readonly threads: number;
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
    threads: Number(fields[17]),
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

/** Every process that lives, not the dead that their parents haven't yet asked for. */
export function livingProcesses(): ProcessStat[] {
  let names: string[];
  try {
    names = readdirSync('/proc');
  } catch {
    return [];
  }
  // What isn't a number is no process.
  return living(names.map(Number).filter((pid) => pid > 0));
}

/** Every process that lives, as above, with a pid from `first` to `last`; a thread counts as one. */
export const processesBetween = (first: number, last: number): ProcessStat[] =>
  living(Array.from({ length: last - first + 1 }, (_, at) => first + at));

/** Those of them that live, as above. */
export const living = (pids: readonly number[]): ProcessStat[] =>
  pids.map(readStat).filter((stat) => stat !== undefined && lives(stat)) as ProcessStat[];

/** A process whose first thread has ended is told as a zombie, and its other threads go on. */
const lives = ({ state, threads }: ProcessStat): boolean => state !== 'X' && (state !== 'Z' || threads > 1);

/** The members with their children, and the children of these, among all. */
export function withChildren(members: Map<number, ProcessStat>, all: readonly ProcessStat[]): Map<number, ProcessStat> {
  const found = new Map(members);
  for (let before = -1; before < found.size; ) {
    before = found.size;
    for (const one of all) if (found.has(one.parent)) found.set(one.pid, one);
  }
  return found;
}

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

/** Whether the process was started with a variable that begins like one of these, as `NAME=val`; with `\0` behind it is the whole variable. */
export function wasStartedWith(pid: number, ...beginnings: readonly string[]): StartedWith {
  try {
    const environment = environmentOf(pid);
    if (environment === '') return isBecomingAnother(pid) ? 'not yet' : 'no';
    return beginnings.some((one) => environment.startsWith(one) || environment.includes(`\0${one}`)) ? 'yes' : 'no';
  } catch {
    return 'hidden';
  }
}

/** What a process was started with; empty where it has nothing of its own at this moment. @throws it is somebody else's, or gone */
function environmentOf(pid: number): string {
  const environment = readEnvironment(`/proc/${pid}`);
  if (environment !== '' || !firstThreadHasEnded(statFields(pid))) return environment;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const ofThread = readEnvironment(`/proc/${pid}/task/${thread}`);
    if (ofThread !== '') return ofThread;
  }
  return '';
}

function readEnvironment(process: string): string {
  try {
    return readFileSync(`${process}/environ`, 'latin1');
  } catch (error) {
    // So Linux 6.16 and newer say it of whoever has ended; it was empty before.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return '';
    throw error;
  }
}

/** Whether the first thread has ended, and with it what the process is asked for by its pid, while others go on. */
const firstThreadHasEnded = (fields: readonly string[] | undefined): boolean =>
  fields !== undefined && fields[20] === '0' && Number(fields[17]) > 1;

/** Of a process whose environment was read as empty: whether it may have one by now. A kernel's thread has none, nor has who was given an empty one. */
function isBecomingAnother(pid: number): boolean {
  const fields = statFields(pid);
  if (!fields) return false;
  const [memory, start, end] = [fields[20], fields[47], fields[48]];
  return firstThreadHasEnded(fields) || (memory !== '0' && (end === '0' || start !== end));
}

/** The program's name as the kernel has it, for people. */
export function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '?';
  }
}
