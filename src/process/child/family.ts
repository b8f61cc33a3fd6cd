// Everything that a started program has become: its process group, its session, and what left both. Found again however it hides.
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../clock.ts';
import {
  livingProcesses,
  nameOf,
  newestPid,
  type ProcessStat,
  processesBetween,
  readStat,
  wasStartedWith,
  withChildren,
} from './proc.ts';

/** How long the kernel may take to end processes that were sent SIGKILL; one that waits for a disk or a network drive takes longer. */
const KILL_LIMIT_MS = 2_000;

const FIRST_LOOK_MS = 2;
const LAST_LOOK_MS = 50;

/** How often all processes are looked at while the group shows that somebody lives: a look holds up everything else. */
const FULL_LOOK_MS = 250;

/** For how long after the start no pid can have been given twice, in milliseconds: the kernel doesn't start 32,768 processes in that time. */
const NO_PID_TWICE_MS = 200;

/** How many pids are looked at one by one rather than by a look at all processes. */
const FEW_PIDS = 100;

/** How long a process may take to become another program (execve) before it counts as a stranger: one that hangs in that, on a dead drive, is rarely ours. */
const EXECVE_LIMIT_MS = 1_000;

/** How often is looked again for whoever was born during a look that found nobody: on a busy machine somebody always is. */
const MOST_LOOKS = 50;

/** A started program and all that came of it. */
export class Family {
  readonly #leader: number;
  readonly #marker: string;
  readonly #start: number;
  readonly #startedAt = systemClock.monotonicMs();
  /** Who was found to be a member, and who not: of each pid, when it began. A member stays one, and what a process was started with is the same. */
  #known = new Map<number, number>();
  #strangers = new Map<number, number>();
  /** Who can't be told yet, because it is becoming another program: of each pid, since when. */
  #unsure = new Map<number, number>();

  /**
   * @param leader the pid of a process that leads a session, and with that a process group, of its own
   * @param marker `NAME=value` that it, and nobody else, was given in its environment: its descendants inherit it, or are runs whose programs are given
   *   `NAME=value/more`
   */
  constructor(leader: number, marker: string) {
    this.#leader = leader;
    this.#marker = marker;
    this.#start = readStat(leader)?.start ?? 0;
  }

  /**
   * The members that live: of the group or the session, with the marker in the environment they were started with, and
   * the children of all these. What escapes is a process that cleared its environment, left the session and lost its parent.
   */
  members(): ProcessStat[] {
    const strangers = new Map<number, number>();
    const unsure = new Map<number, number>();
    let newest = newestPid();
    let found = this.#among(this.#bornSince(newest), strangers, unsure);
    for (let looks = 1; found.size === 0 && looks < MOST_LOOKS; looks += 1) {
      const before = newest;
      newest = newestPid();
      if (newest === before) break;
      // A process may have ended before it was read, and have left a child that wasn't there yet when the look began.
      const born = newest > before ? processesBetween(before + 1, newest) : livingProcesses();
      found = this.#among(born, strangers, unsure);
    }
    this.#strangers = strangers;
    this.#unsure = unsure;
    this.#known = new Map([...found.values()].map(({ pid, start }) => [pid, start]));
    return [...found.values()];
  }

  /** All that may have come of the program. */
  #bornSince(newest: number): ProcessStat[] {
    // A look at all processes takes its time, and a program that has just begun has started few: they have the next larger pids. Later the pids may have
    // begun anew, and have passed its own once more.
    const few = newest >= this.#leader && newest - this.#leader < FEW_PIDS;
    const isNew = systemClock.monotonicMs() - this.#startedAt < NO_PID_TWICE_MS;
    return few && isNew ? processesBetween(this.#leader, newest) : livingProcesses();
  }

  /** The members among these; those that are none are added to `strangers`, and those that can't be told yet to `unsure`. */
  #among(
    all: readonly ProcessStat[],
    strangers: Map<number, number>,
    unsure: Map<number, number>,
  ): Map<number, ProcessStat> {
    const found = new Map<number, ProcessStat>();
    for (const one of all) {
      if (one.pid === process.pid || one.start < this.#start) continue;
      const known = this.#known.get(one.pid) === one.start;
      if (known || one.group === this.#leader || one.session === this.#leader) found.set(one.pid, one);
      else if (this.#strangers.get(one.pid) === one.start) strangers.set(one.pid, one.start);
      else {
        const started = wasStartedWith(one.pid, `${this.#marker}\0`, `${this.#marker}/`);
        if (started === 'yes') found.set(one.pid, one);
        else if (started === 'no') strangers.set(one.pid, one.start);
        else if (started === 'not yet') unsure.set(one.pid, this.#unsure.get(one.pid) ?? systemClock.monotonicMs());
      }
    }
    return withChildren(found, all);
  }

  /** Asks every member to end; one that is stopped (SIGSTOP) is woken, since it couldn't hear. */
  ask(): void {
    this.#signal('SIGTERM', 'SIGCONT');
  }

  /** Resolves once no member lives, or `limitMs` have passed; returns whether none does. */
  async gone(limitMs: number): Promise<boolean> {
    const until = systemClock.monotonicMs() + limitMs;
    let fullLookAt = Number.NEGATIVE_INFINITY;
    for (let wait = FIRST_LOOK_MS; ; wait = Math.min(2 * wait, LAST_LOOK_MS)) {
      // Whoever has died and wasn't yet asked for by its parent still counts as one of the group.
      if (!send(-this.#leader, 0) || systemClock.monotonicMs() - fullLookAt >= FULL_LOOK_MS) {
        if (this.#areGone()) return true;
        fullLookAt = systemClock.monotonicMs();
      }
      const left = until - systemClock.monotonicMs();
      if (left <= 0) return false;
      await sleep(Math.min(wait, left));
    }
  }

  /**
   * Kills every member, those that are born meanwhile too. Returns the pids that the kernel hasn't ended within two seconds, and at once where all
   * that live are another user's, whom we may not signal.
   */
  async kill(): Promise<number[]> {
    const until = systemClock.monotonicMs() + KILL_LIMIT_MS;
    for (let wait = FIRST_LOOK_MS; ; wait = Math.min(2 * wait, LAST_LOOK_MS)) {
      const members = this.#signal('SIGKILL');
      if (members.length === 0 && this.#isSure()) return [];
      const pids = members.map(({ pid }) => pid);
      if (systemClock.monotonicMs() > until || (pids.length > 0 && pids.every(isForbidden))) return pids;
      await sleep(wait);
    }
  }

  /** The members for people: `sleep (123), sh (124)`. */
  names(): string {
    return tell(this.members());
  }

  /** Those of them whom we may not end. */
  namesOfForbidden(): string {
    return tell(this.members().filter(({ pid }) => isForbidden(pid)));
  }

  /**
   * Sends the signals to the whole group at once, and to each member that is in another one. Returns who lived then. They are looked for before, since
   * nothing tells whose children those were whose parents have ended.
   */
  #signal(...signals: NodeJS.Signals[]): ProcessStat[] {
    const members = this.members();
    for (const signal of signals) send(-this.#leader, signal);
    for (const { pid, group } of members) {
      if (group !== this.#leader) for (const signal of signals) send(pid, signal);
    }
    return members;
  }

  #areGone(): boolean {
    return this.members().length === 0 && this.#isSure();
  }

  /** Whether a look that has just found nobody can be trusted. */
  #isSure(): boolean {
    // Where there is no /proc, the group is all that can be asked for; its zombies count as alive.
    if (process.platform !== 'linux') return !send(-this.#leader, 0);
    const now = systemClock.monotonicMs();
    return [...this.#unsure.values()].every((since) => now - since > EXECVE_LIMIT_MS);
  }
}

const tell = (members: readonly ProcessStat[]): string =>
  members.map(({ pid }) => `${nameOf(pid)} (${pid})`).join(', ');

/** Returns whether there was somebody to send it to. */
function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    return mayNot(error);
  }
}

/** Whether it is a process that has become another user's, as sudo does. */
function isForbidden(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return mayNot(error);
  }
}

const mayNot = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'EPERM';
