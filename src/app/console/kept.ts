// What takes long to read, kept for those who ask next: they get what is there at once, while it is read anew.

export class Kept<Question, Answer> {
  readonly #freshMs: number;
  readonly #oldestMs: number;
  readonly #read: (question: Question) => Promise<Answer>;
  #kept: { readonly at: number; readonly answer: Answer } | undefined;
  #reading: Promise<Answer> | undefined;

  /**
   * @param freshMs after so long it is read anew
   * @param oldestMs after so long nobody gets it any more, and who asks waits
   */
  constructor(freshMs: number, oldestMs: number, read: (question: Question) => Promise<Answer>) {
    this.#freshMs = freshMs;
    this.#oldestMs = oldestMs;
    this.#read = read;
  }

  /** @throws what reading throws, where there is nothing to give meanwhile */
  async get(question: Question): Promise<Answer> {
    const age = this.#kept === undefined ? Number.POSITIVE_INFINITY : performance.now() - this.#kept.at;
    if (this.#kept !== undefined && age <= this.#freshMs) return this.#kept.answer;
    const reading = this.#again(question);
    if (this.#kept === undefined || age > this.#oldestMs) return reading;
    reading.catch(() => {});
    return this.#kept.answer;
  }

  #again(question: Question): Promise<Answer> {
    this.#reading ??= this.#read(question)
      .then((answer) => {
        this.#kept = { at: performance.now(), answer };
        return answer;
      })
      .finally(() => {
        this.#reading = undefined;
      });
    return this.#reading;
  }
}
