// Ends a run in a test as SIGKILL ends a process: at one of its saves, or at its end, its code stops for good, and nothing of it is told or
// tidied up.
import type { Job } from '../job.ts';
import type { Checkpoints, Clock } from '../runner/ports.ts';

/** Where a run is killed: at its save of this number, counted from 1, right before or right after; or when the job has returned. */
export type KillPoint = { readonly save: number; readonly when: 'before' | 'after' } | 'end';

/** Counts the saves of a slot over its runs, and stops at one of them. */
export class KillSwitch {
  saves = 0;
  /** Whether the place was reached at which it kills. */
  killed = false;
  #point: KillPoint | undefined;
  #kill: () => void = () => undefined;
  readonly #timers = new Set<() => void>();

  constructor(point?: KillPoint) {
    this.#point = point;
  }

  /** Resolves when the next run is killed. */
  arm(): Promise<'killed'> {
    const { promise, resolve } = Promise.withResolvers<'killed'>();
    this.#kill = () => {
      this.#point = undefined;
      this.killed = true;
      for (const cancel of this.#timers) cancel();
      resolve('killed');
    };
    return promise;
  }

  /** The same store, at which a run may find its end. */
  around(store: Checkpoints): Checkpoints {
    return {
      claim: (owner, restart) => store.claim(owner, restart),
      read: (owner) => store.read(owner),
      save: async (owner, change, client) => {
        this.saves += 1;
        const { saves } = this;
        await this.#reach(saves, 'before');
        const saved = await store.save(owner, change, client);
        await this.#reach(saves, 'after');
        return saved;
      },
    };
  }

  /** The same job, which may be killed when it has done all. */
  aroundJob(job: Job): Job {
    return {
      ...job,
      run: async (context) => {
        const result = await job.run(context);
        if (this.#point === 'end') await this.#die();
        return result;
      },
    };
  }

  /** The same clock, whose timers wake nobody once the run is killed. */
  clock(clock: Clock): Clock {
    return {
      now: () => clock.now(),
      monotonicMs: () => clock.monotonicMs(),
      startTimer: (ms, callback, options) => {
        const cancel = clock.startTimer(ms, callback, options);
        this.#timers.add(cancel);
        return cancel;
      },
    };
  }

  async #reach(save: number, when: 'before' | 'after'): Promise<void> {
    if (typeof this.#point !== 'object' || this.#point.save !== save || this.#point.when !== when) return;
    await this.#die();
  }

  async #die(): Promise<never> {
    this.#kill();
    return new Promise<never>(() => undefined);
  }
}
