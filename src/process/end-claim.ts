// Which of the two threads says how the run ends: whoever claims it first, so that message, record and last line never come from both.
import type { EndStage } from '../runner/ports.ts';

/** How far the run itself has come in saying how it ends. */
const STAGES: Readonly<Record<Stage, number>> = { working: 0, ending: 1, leaving: 2 };
type Stage = 'working' | EndStage;

/** The watchdog says it, and then kills the process. */
const TAKEN = -1;

/** How long the watchdog may take to speak and kill, in milliseconds; a thread that takes longer has died itself. */
const KILL_LIMIT_MS = 15_000;

export class EndClaim {
  /** What both threads share. */
  readonly shared: SharedArrayBuffer;
  readonly #cell: Int32Array<SharedArrayBuffer>;

  constructor(shared = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) {
    this.shared = shared;
    this.#cell = new Int32Array(shared);
  }

  /**
   * For the run's own thread: it goes on to this stage, and what it then says stands. Where the watchdog has begun to speak, this blocks until
   * the process is killed.
   */
  advance(to: EndStage): void {
    for (;;) {
      const now = Atomics.load(this.#cell, 0);
      if (now === TAKEN) {
        Atomics.wait(this.#cell, 0, TAKEN, KILL_LIMIT_MS);
        return;
      }
      if (now >= STAGES[to] || Atomics.compareExchange(this.#cell, 0, now, STAGES[to]) === now) return;
    }
  }

  /** For the watchdog: it speaks in place of a run that is at this stage. Returns false when the run has come further. */
  take(from: Stage): boolean {
    return Atomics.compareExchange(this.#cell, 0, STAGES[from], TAKEN) === STAGES[from];
  }

  /** For the watchdog: it speaks whatever the run has said. Returns false when it did so already. */
  takeOver(): boolean {
    return Atomics.exchange(this.#cell, 0, TAKEN) !== TAKEN;
  }
}
