// What takes long to read, kept for those who ask next: they get what is there at once, while it is read anew.

export class Kept<Question, Answer> {
  readonly #freshMs: number;
  readonly #oldestMs: number;
  readonly #read: (question: Question) => Promise<Answer>;
  readonly #onRenewed: () => void;
  #kept: { readonly at: number; readonly answer: Answer } | undefined;
  #reading: Promise<Answer> | undefined;
  /** Whether somebody has got what is being read anew. */
  #outdated = false;

  /**
   * @param freshMs after so long it is read anew
   * @param oldestMs after so long nobody gets it any more, and who asks waits
   * @param onRenewed called when there is something newer than what somebody has got meanwhile
   */
  constructor(
    { freshMs, oldestMs }: { readonly freshMs: number; readonly oldestMs: number },
    read: (question: Question) => Promise<Answer>,
    onRenewed: () => void,
  ) {
    this.#freshMs = freshMs;
    this.#oldestMs = oldestMs;
    this.#read = read;
    this.#onRenewed = onRenewed;
  }

  /** @throws what reading throws, where there is nothing to give meanwhile */
  async get(question: Question): Promise<Answer> {
    const age = this.#kept === undefined ? Number.POSITIVE_INFINITY : performance.now() - this.#kept.at;
    if (this.#kept !== undefined && age <= this.#freshMs) return this.#kept.answer;
    const reading = this.#again(question);
    if (this.#kept === undefined || age > this.#oldestMs) return reading;
    this.#outdated = true;
    reading.catch(() => {});
    return this.#kept.answer;
  }

  #again(question: Question): Promise<Answer> {
    this.#reading ??= this.#read(question)
      .then((answer) => {
        this.#kept = { at: performance.now(), answer };
        if (this.#outdated) this.#onRenewed();
        this.#outdated = false;
        return answer;
      })
      .finally(() => {
        this.#reading = undefined;
      });
    return this.#reading;
  }
}
