// Watches over the run's lock, and whether the run is cancelled, while the event loop is blocked, and the lease can't: through a connection of
// its own, opened only then.
import type { Cancellation } from '../runner/decisions.ts';
import type { Summary } from '../runner/outcome.ts';

/** The run whose lock it is. */
export type LockedRun = Pick<Summary, 'runId' | 'name'>;

/** What can be seen of a run from outside. */
export interface SeenRun {
  /** Whether its lock is held; undefined when the server answers, and can't tell now. */
  readonly held: boolean | undefined;
  readonly cancellation?: Cancellation | undefined;
}

/**
 * Asks, within `limitMs`, for the run's lock.
 * @throws when the server can't be reached
 */
export type LockProof = (run: LockedRun, limitMs: number) => Promise<SeenRun>;

/** The least that a connection of its own is given to open and to answer, in milliseconds. */
const LEAST_CHECK_MS = 3_000;

export class LockWatch {
  readonly #prove: LockProof;
  readonly #checkMs: number;
  readonly #monotonicMs: () => number;
  #provedAt = 0;
  #triedAt = Number.NEGATIVE_INFINITY;
  #lostAt: number | undefined;
  #cancelled: { readonly at: number; readonly cancellation: Cancellation } | undefined;

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

  /** When the run was found to be cancelled, and why; undefined once the event loop has turned since, so that the run sees it for itself. */
  get cancelled(): { readonly at: number; readonly cancellation: Cancellation } | undefined {
    return this.#cancelled;
  }

  /** The event loop turns, so that the run itself watches over its lock. */
  trust(): void {
    this.#provedAt = this.#monotonicMs();
    this.#cancelled = undefined;
  }

  /**
   * Whether something is found by which the run has to end: its lock is lost, or couldn't be proved for as long as the run itself would have
   * gone on without a proof, or it is cancelled. Asks at most once in `checkMs`.
   * @param blockedMs for how long the event loop is known to be blocked
   */
  async mustEnd(run: LockedRun, blockedMs: number): Promise<boolean> {
    const now = this.#monotonicMs();
    if (now - this.#triedAt < this.#checkMs) return false;
    this.#triedAt = now;
    this.#provedAt = Math.max(this.#provedAt, now - blockedMs);
    const seen = await this.#prove(run, this.#checkMs).catch(() => 'unreachable' as const);
    const answeredAt = this.#monotonicMs();
    if (seen !== 'unreachable' && seen.held === true) this.#provedAt = answeredAt;
    // A live run gives up after two of these as well: one until it asks, one until it gives up on the answer.
    const lost = seen === 'unreachable' ? answeredAt - this.#provedAt >= 2 * this.#checkMs : seen.held === false;
    if (lost) this.#lostAt = answeredAt;
    const cancellation = seen === 'unreachable' ? undefined : seen.cancellation;
    if (cancellation) this.#cancelled ??= { at: answeredAt, cancellation };
    return lost || cancellation !== undefined;
  }
}
