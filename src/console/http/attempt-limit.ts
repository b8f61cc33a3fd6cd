// How often somebody may be wrong: each address ten times in five minutes, all together a hundred times.

const WINDOW_MS = 300_000;
const OF_ONE = 10;
const OF_ALL = 100;

/** More addresses than this aren't told apart. */
const MOST_ADDRESSES = 10_000;

interface Count {
  readonly since: number;
  failures: number;
}

/** Counts failures by address. */
export class AttemptLimit {
  readonly #byAddress = new Map<string, Count>();
  #all: Count = { since: 0, failures: 0 };

  /** Seconds until this address may try again; 0 when it may. */
  waitFor(address: string, nowMs: number): number {
    const own = this.#byAddress.get(address);
    const over = [
      own && own.failures >= OF_ONE ? own : undefined,
      this.#all.failures >= OF_ALL ? this.#all : undefined,
    ].map((count) => (count === undefined ? 0 : count.since + WINDOW_MS - nowMs));
    return Math.max(0, Math.ceil(Math.max(...over) / 1_000));
  }

  failed(address: string, nowMs: number): void {
    if (nowMs - this.#all.since > WINDOW_MS) this.#all = { since: nowMs, failures: 0 };
    this.#all.failures += 1;
    if (this.#byAddress.size >= MOST_ADDRESSES) this.#byAddress.clear();
    const own = this.#byAddress.get(address);
    if (own === undefined || nowMs - own.since > WINDOW_MS) this.#byAddress.set(address, { since: nowMs, failures: 1 });
    else own.failures += 1;
  }
}
