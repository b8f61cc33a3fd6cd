// What a job has begun that is not done: calls that have not ended, and what of a result is no result but work that nobody has done yet.

/** Calls of what the job was given that have not ended, each as the half of a sentence. */
export class UnderWay {
  readonly #calls = new Set<{ readonly what: string }>();
  #ended = false;
  /** Whether a call has failed, be it that the job has caught it. */
  failed = false;

  /**
   * Remembers a call until it has ended. What it rejects with is for the job to catch: where nobody awaits it, the process sees a rejection
   * that nobody handles, as of any other promise.
   */
  track<T>(what: string, promise: Promise<T>): Promise<T> {
    const call = { what };
    this.#calls.add(call);
    return promise.then(
      (value) => {
        this.#calls.delete(call);
        return value;
      },
      (error) => {
        this.#calls.delete(call);
        this.failed = true;
        // The run has told already that this call was not over, and ended it.
        if (this.#ended) return new Promise<never>(() => undefined);
        throw error;
      },
    );
  }

  /** What is under way is ended with the run: how is no news. */
  end(): void {
    this.#ended = true;
  }

  tell(): string[] {
    return [...this.#calls].map(({ what }) => what);
  }
}

/** How much of a result is looked at: whoever forgets to await does so at its top, in a list or in a field. */
const MOST_VALUES = 10_000;
const MOST_DEPTH = 8;

/** What of a result, or of another value by its name, is none but work that nobody has done yet. Never throws. */
export function undoneIn(result: unknown, name = 'result'): string[] {
  if (typeof result === 'function') return [`its ${name} is a function, which nobody calls`];
  const seen = new Set<object>();
  const found: string[] = [];
  const look = (value: unknown, path: string, depth: number): void => {
    if (typeof value !== 'object' || value === null || found.length > 0) return;
    if (depth > MOST_DEPTH || seen.size >= MOST_VALUES || seen.has(value)) return;
    seen.add(value);
    const kind = kindOf(value);
    if (kind !== undefined) found.push(`${path} is ${kind}`);
    else for (const [name, item] of itemsOf(value)) look(item, `${path}${name}`, depth + 1);
  };
  try {
    look(result, name, 0);
  } catch {
    // A proxy, or a getter of a prototype, that throws: what of it can be told is told later.
  }
  return found;
}

function kindOf(value: object): string | undefined {
  if (typeof (value as { then?: unknown }).then === 'function') return 'a promise that nobody awaited';
  const tag = Object.prototype.toString.call(value);
  if (/^\[object (?:Async)?Generator\]$/.test(tag)) return 'a generator, of which nothing has run';
  return tag === '[object Iterator Helper]' ? 'an iterator, of which nothing has run' : undefined;
}

/** What is in a list or a plain record, without calling a getter. */
function* itemsOf(value: object): Generator<[string, unknown]> {
  if (ArrayBuffer.isView(value) || 'toJSON' in value) return;
  if (Array.isArray(value)) {
    for (const [index, item] of value.slice(0, MOST_VALUES).entries()) yield [`[${index}]`, item];
  } else if (value instanceof Map || value instanceof Set) {
    for (const item of value.values()) yield ['[…]', item];
  } else {
    for (const [name, { value: item }] of Object.entries(Object.getOwnPropertyDescriptors(value)))
      yield [`.${name}`, item];
  }
}
