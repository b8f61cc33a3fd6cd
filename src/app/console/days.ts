// How the slots of a name ended, by day. Days that are over hardly change: they are read once in a while, and the last two each time.
import type { Connection } from '../../postgres/connect.ts';
import { type DayCount, daysOf } from '../../postgres/console-reads.ts';

/** How far back they are told. */
const DAYS = 98;
const DAY_MS = 86_400_000;

/** A slot of an earlier day may be done at last, or pruned: then the day is told anew after so long. */
const OLD_MS = 600_000;

/** Names whose days are kept, those that were asked for last. */
const MOST_NAMES = 200;

interface Kept {
  readonly readAt: number;
  /** The first day that isn't among these. */
  readonly to: string;
  readonly counts: readonly DayCount[];
}

export class Days {
  readonly #kept = new Map<string, Kept>();

  /** @param now by the database's clock */
  async of(connection: Connection, name: string, now: Date): Promise<readonly DayCount[]> {
    const to = dayOf(now.getTime() - DAY_MS);
    const kept = this.#kept.get(name);
    this.#kept.delete(name);
    const known = kept?.to === to && performance.now() - kept.readAt < OLD_MS ? kept : undefined;
    const first = known ? new Date(to) : new Date(Date.parse(dayOf(now.getTime())) - DAYS * DAY_MS);
    const read = await daysOf(connection, name, first);
    const old = known ?? { readAt: performance.now(), to, counts: read.filter(({ day }) => day < to) };
    this.#kept.set(name, old);
    for (const [longest] of this.#kept) if (this.#kept.size > MOST_NAMES) this.#kept.delete(longest);
    return [...old.counts, ...read.filter(({ day }) => day >= to)];
  }
}

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
