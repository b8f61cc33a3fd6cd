// Whether the main thread's event loop turns: it gives back what it is sent.

export class Pulse {
  readonly #send: () => void;
  readonly #monotonicMs: () => number;
  #sentAt: number | undefined;

  constructor(send: () => void, monotonicMs: () => number) {
    this.#send = send;
    this.#monotonicMs = monotonicMs;
  }

  /** Asks, unless an answer is still awaited. */
  feel(): void {
    if (this.#sentAt !== undefined) return;
    this.#sentAt = this.#monotonicMs();
    this.#send();
  }

  /** The answer came. */
  felt(): void {
    this.#sentAt = undefined;
  }

  /** For how long an answer is awaited, in milliseconds. */
  get missingMs(): number {
    return this.#sentAt === undefined ? 0 : Math.max(1, this.#monotonicMs() - this.#sentAt);
  }
}
