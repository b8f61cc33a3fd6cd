// One program from its start until nothing of it is left: read this as the specification of a child's life.
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../clock.ts';
import type { Family } from './family.ts';
import type { Guardian } from './guardian.ts';
import { oomKills } from './oom.ts';
import { type OutputTaker, Reading } from './output.ts';
import { type Exit, type Start, type Started, start } from './start.ts';

/** How long what the program left behind may take to end by itself: the rest of a pipeline, usually. */
const LINGER_MS = 500;

/** How long it may take to end when it is asked to, if the grace isn't shorter. */
const LEFT_BEHIND_GRACE_MS = 5_000;

/** How long the output of processes that are dead may take to arrive. */
const DRAIN_MS = 1_000;

/** How much of the grace is kept back, of a short one a quarter, to kill what hasn't ended by then and to tell of it. */
const KILL_RESERVE_MS = 1_000;

/** How long the program may take to end by itself. */
function politeMs(graceMs: number): number {
  return graceMs - Math.min(KILL_RESERVE_MS, graceMs / 4);
}

/** What a program runs in. */
export interface Surroundings {
  readonly guardian: Guardian;
  /** Aborts when the program is to stop. */
  readonly signal: AbortSignal;
  /** How long it may take for that, once the signal has aborted, in milliseconds. */
  readonly graceMs: () => number;
  readonly stdout: OutputTaker;
  readonly stderr: OutputTaker;
  readonly onStart?: (started: Started) => void;
}

/** All that is known of a program that has ended. */
export interface ProgramEnd extends Exit {
  /** What it left behind and we had to end, for people; empty when it left nothing. */
  readonly leftBehind: string;
  /** Whether it was asked to stop, and whether it had to be killed because it didn't. */
  readonly stopped: 'no' | 'asked' | 'killed';
  /** Processes that even SIGKILL hasn't ended yet: the kernel holds them, and none of them can run program code any more. */
  readonly unkillable: readonly number[];
  /** What lives on, for people, because it is another user's, as sudo makes it; empty when there is none. */
  readonly forbidden: string;
  /** Whether the kernel has ended a process of this container meanwhile, for want of memory; looked for only where the program didn't succeed. */
  readonly outOfMemory: boolean;
}

/**
 * Runs the program. It resolves when nothing of it lives any more, within the grace after the signal aborts.
 * @throws {ConfigError} it can't be run
 * @throws {UnavailableError} there is no room for another process
 */
export async function runProgram(what: Start, around: Surroundings): Promise<ProgramEnd> {
  around.signal.throwIfAborted();
  const killsBefore = oomKills();
  const started = await start(what, around.guardian);
  const readings = [new Reading(started.stdout, around.stdout), new Reading(started.stderr, around.stderr)];
  const drained = Promise.all(readings.map(({ done }) => done));
  around.onStart?.(started);
  try {
    const stopping = stopOnAbort(started, around);
    const exit = await Promise.race([started.exit, stopping.inVain]);
    const { killed, unkillable } = await stopping.finish();
    const left = stopping.asked ? { leftBehind: '', unkillable: [] } : await endLeftBehind(started.family, around);
    const alive = [...unkillable, ...left.unkillable];
    const forbidden = alive.length > 0 ? started.family.namesOfForbidden() : '';
    await Promise.race([drained, sleep(DRAIN_MS)]);
    return {
      ...exit,
      leftBehind: left.leftBehind,
      stopped: killed ? 'killed' : stopping.asked ? 'asked' : 'no',
      unkillable: alive,
      forbidden,
      // Looking takes 0.4 ms, and nobody asks after a success.
      outOfMemory: exit.code !== 0 && oomKills() > killsBefore,
    };
  } finally {
    for (const reading of readings) reading.stop();
    around.guardian.forget(started.pid);
  }
}

interface Stopping {
  /** Whether the program has been asked to stop. */
  readonly asked: boolean;
  /** Resolves when the program itself couldn't be killed. */
  readonly inVain: Promise<Exit>;
  /** Resolves once the stop has come to its end, or at once when there was none. */
  finish(): Promise<{ killed: boolean; unkillable: readonly number[] }>;
}

/** SIGTERM to all of the program when the signal aborts, SIGKILL to what is left at the end of the grace. */
function stopOnAbort({ pid, family, exit }: Started, { signal, graceMs }: Surroundings): Stopping {
  let stop: Promise<{ killed: boolean; unkillable: readonly number[] }> | undefined;
  const inVain = Promise.withResolvers<Exit>();
  const onAbort = () => {
    stop = (async () => {
      const limitMs = politeMs(graceMs());
      const until = systemClock.monotonicMs() + limitMs;
      const timer = new AbortController();
      const late = sleep(limitMs, true, { signal: timer.signal }).catch(() => false);
      family.ask();
      if (!(await Promise.race([exit.then(() => false), late]))) {
        timer.abort();
        if (await family.gone(until - systemClock.monotonicMs())) return { killed: false, unkillable: [] };
      }
      const unkillable = await family.kill();
      if (unkillable.includes(pid)) inVain.resolve({ code: null, signal: null });
      return { killed: true, unkillable };
    })();
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  return {
    get asked() {
      return stop !== undefined;
    },
    inVain: inVain.promise,
    async finish() {
      signal.removeEventListener('abort', onAbort);
      return (await stop) ?? { killed: false, unkillable: [] };
    },
  };
}

/** Ends what outlives the program: when the run says that it is over, nothing of it works any more. */
async function endLeftBehind(
  family: Family,
  { signal, graceMs }: Surroundings,
): Promise<{ leftBehind: string; unkillable: readonly number[] }> {
  if (await family.gone(signal.aborted ? 0 : LINGER_MS)) return { leftBehind: '', unkillable: [] };
  const leftBehind = family.names();
  family.ask();
  const limitMs = Math.min(politeMs(graceMs()), LEFT_BEHIND_GRACE_MS);
  if (await family.gone(limitMs)) return { leftBehind, unkillable: [] };
  return { leftBehind, unkillable: await family.kill() };
}
