// Watches over the run's lock while the event loop is blocked, and the lease can't: through a connection of its own, opened only then.
import type { Summary } from '../runner/outcome.ts';

/** The run whose lock it is. */
export type LockedRun = Pick<Summary, 'runId' | 'name'>;

/**
 * Asks, within `limitMs`, whether the run's lock is held; undefined when the server answers, and can't tell now.
 * @throws when it can't be reached
 */
export type LockProof = (run: LockedRun, limitMs: number) => Promise<boolean | undefined>;

/** The least that a connection of its own is given to open and to answer, in milliseconds. */
const LEAST_CHECK_MS = 3_000;

export class LockWatch {
  readonly #prove: LockProof;
  readonly #checkMs: number;
  readonly #monotonicMs: () => number;
  #provedAt = 0;
  #triedAt = Number.NEGATIVE_INFINITY;
  #lostAt: number | undefined;

  constructor(prove: LockProof, { checkMs, monotonicMs }: { checkMs: number; monotonicMs: () => number }) {
    this.#prove = prove;
    this.#checkMs = Math.max(checkMs, LEAST_CHECK_MS);
    this.#monotonicMs = monotonicMs;
    this.trust();
  }

  /** When the lock was found to be lost. */
  get lostAt(): number | undefined {
    return this.#lostAt;
  }

  /** The event loop turns, so that the run itself watches over its lock. */
  trust(): void {
    this.#provedAt = this.#monotonicMs();
  }

  /**
   * Whether the lock is lost, or couldn't be proved for as long as the run itself would have gone on without a proof. Asks at most once in
   * `checkMs`.
   * @param blockedMs for how long the event loop is known to be blocked
   */
  async isLost(run: LockedRun, blockedMs: number): Promise<boolean> {
    const now = this.#monotonicMs();
    if (now - this.#triedAt < this.#checkMs) return false;
    this.#triedAt = now;
    this.#provedAt = Math.max(this.#provedAt, now - blockedMs);
    const held = await this.#prove(run, this.#checkMs).catch(() => 'unreachable' as const);
    if (held === true) this.trust();
    const unproved = this.#monotonicMs() - this.#provedAt;
    // A live run gives up after two of these as well: one until it asks, one until it gives up on the answer.
    const lost = held === false || (held === 'unreachable' && unproved >= 2 * this.#checkMs);
    if (lost) this.#lostAt = this.#monotonicMs();
    return lost;
  }
}
