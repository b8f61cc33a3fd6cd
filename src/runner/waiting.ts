// The waits of a run that can't begin yet: each longer than the one before, random, and all of them within one bound.
import type { Fields } from '../job.ts';
import { pause } from './limited.ts';
import type { Clock, RunLog, WaitsFor } from './ports.ts';
import type { Stop } from './stop.ts';

/** What the first wait is at most, and by how much the next one may be longer, up to the longest, in milliseconds. */
const FIRST_MS = 1_000;
const GROWTH = 2;
const LONGEST_MS = 15_000;

/** How often a run that goes on waiting says so. */
const REMINDER_MS = 60_000;

export interface WaitingOptions {
  /** How long all waits together may last. */
  readonly waitMs: number;
  readonly stop: Stop;
  readonly log: RunLog;
  readonly random: () => number;
  readonly clock: Clock;
  /** Called before each wait: a run that waits holds no connection. */
  readonly rest: () => Promise<void>;
  /** Tells whoever watches what is waited for, and how many milliseconds there are left. Never rejects. */
  readonly tell: (waits: WaitsForWhat, leftMs: number) => Promise<void>;
}

/** What a run waits for, without how long. */
export type WaitsForWhat = Omit<WaitsFor, 'since' | 'until'>;

export class Waiting {
  readonly #options: WaitingOptions;
  #longestMs = FIRST_MS;
  #until: number | undefined;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(options: WaitingOptions) {
    this.#options = options;
  }

  /**
   * Waits a while and returns true, or returns false when the time is up.
   * @param why what it waits for, to be told
   * @param waits the same for whoever watches; absent where there is nothing to tell it by
   * @throws the cause, when the run is asked to stop meanwhile
   */
  async again(why: string, fields: Fields, waits?: WaitsForWhat): Promise<boolean> {
    const { waitMs, stop, log, random, clock, rest, tell } = this.#options;
    const now = clock.monotonicMs();
    this.#until ??= now + waitMs;
    const leftMs = this.#until - now;
    if (leftMs <= 0) return false;
    if (now - this.#toldAt >= REMINDER_MS) {
      this.#toldAt = now;
      log.info(`waiting: ${why}`, { ...fields, waitMs: Math.round(leftMs) });
    }
    if (waits) await stop.race(tell(waits, leftMs));
    await rest();
    await pause(clock, Math.min(leftMs, this.#longestMs * (0.5 + random() / 2)), stop.signal);
    stop.signal.throwIfAborted();
    this.#longestMs = Math.min(LONGEST_MS, this.#longestMs * GROWTH);
    return true;
  }
}
