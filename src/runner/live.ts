// What a run says of itself while it lives, for whoever watches: that it waits, how far it is, what its attempts came to.
import type { ErrorInfo } from './outcome.ts';
import type { Attempt, Clock, History, RunStart, Told, WaitsFor } from './ports.ts';

/** How often progress is told at most, and how long a job must have worked before it is told at all. */
const PROGRESS_MS = 10_000;

/** The most characters of an error that an attempt keeps: the whole of it is in the log. */
const MOST_TEXT = 300;

export interface LiveOptions {
  readonly clock: Pick<Clock, 'now' | 'monotonicMs'>;
  /** Absent where there is nobody to tell. */
  readonly history: Pick<History, 'tell'> | undefined;
  /** What the run is, as far as it is known. */
  readonly run: () => Pick<RunStart, 'id' | 'job' | 'slot' | 'place'>;
}

export class Live {
  readonly #options: LiveOptions;
  readonly #attempts: Attempt[] = [];
  #progress: Told['progress'];
  #progressAt: number | undefined;
  #waits: WaitsFor | undefined;
  /** What is being told; what comes meanwhile is told after it, all at once. */
  #telling: Promise<void> | undefined;
  #again = false;
  #over = false;

  constructor(options: LiveOptions) {
    this.#options = options;
  }

  /** The attempts, where there was more than one. */
  get tries(): readonly Attempt[] | undefined {
    return this.#attempts.length > 1 ? this.#attempts : undefined;
  }

  /** The run can't begin yet. Resolves when that is told, or can't be. */
  async waits(waits: Omit<WaitsFor, 'since' | 'until'>, leftMs: number): Promise<void> {
    const now = this.#options.clock.now();
    const first = this.#waits === undefined;
    const until = new Date(now.getTime() + leftMs);
    this.#waits = { ...waits, since: this.#waits?.since ?? now, until };
    // Who waits for a moment only isn't worth a row.
    if (!first) await this.#tell();
  }

  attemptBegins(): void {
    this.#attempts.push({ startedAt: this.#options.clock.now() });
    if (this.#attempts.length > 1) void this.#tell();
  }

  attemptFailed({ name, message }: Pick<ErrorInfo, 'name' | 'message'>, retryInMs: number | undefined): void {
    const begun = this.#attempts.pop();
    if (begun === undefined) return;
    this.#attempts.push({
      ...begun,
      endedAt: this.#options.clock.now(),
      error: { name, message: message.slice(0, MOST_TEXT) },
      ...(retryInMs !== undefined && { retryInMs: Math.round(retryInMs) }),
    });
    if (retryInMs !== undefined) void this.#tell();
  }

  progress(done: number, total: number | undefined): void {
    const now = this.#options.clock.monotonicMs();
    this.#progressAt ??= now;
    this.#progress = { done, ...(total !== undefined && { total }) };
    if (now - this.#progressAt < PROGRESS_MS) return;
    this.#progressAt = now;
    void this.#tell();
  }

  /** The run is at its end, whose record tells all of it: nothing more is told. */
  end(): void {
    this.#over = true;
  }

  #told(): Told {
    if (this.#attempts.length === 0) return this.#waits ? { waiting: this.#waits } : {};
    return { attempts: this.#attempts, ...(this.#progress && { progress: this.#progress }) };
  }

  #tell(): Promise<void> {
    const { history, run } = this.#options;
    if (history === undefined) return Promise.resolve();
    this.#again = true;
    this.#telling ??= (async () => {
      while (this.#again && !this.#over) {
        this.#again = false;
        await history.tell(run(), this.#told());
      }
      this.#telling = undefined;
    })();
    return this.#telling;
  }
}
