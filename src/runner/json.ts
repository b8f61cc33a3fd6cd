// Any value as plain JSON data of a bounded size, with a note of each place that JSON can't hold.
import { cutRedacted } from './secrets/cut.ts';
import type { Secrecy } from './secrets/names.ts';

/** What came of a value: its plain form, and one sentence for each thing that had to be changed. */
export interface PlainJson {
  readonly value: unknown;
  /** A hundred at most. */
  readonly problems: readonly string[];
  /** Whether the value was too large, so that some of it isn't there. */
  readonly cut: boolean;
  /** About how many characters of JSON it takes. */
  readonly size: number;
}

/** How a value is copied. */
export interface PlainJsonRules {
  /** About how many characters the JSON may have; what is beyond is left out. */
  readonly limit?: number;
  /** What becomes of a text, be it a name or a value. */
  readonly text?: (text: string) => string;
  /** What is hidden of a value because of its name. */
  readonly secrecy?: (name: string, value: unknown) => Secrecy;
  /** What stands in the place of that. */
  readonly hidden?: string;
  /** Values that are plain already, with their sizes: they are taken as they are. */
  readonly done?: { get(value: object): number | undefined };
}

type Fields = Record<string, unknown>;

const MAX_DEPTH = 32;
const MAX_PROBLEMS = 100;
/** Of a name in a problem's place. */
const MAX_NAME = 80;
/** Of a field's name. */
const LONGEST_NAME = 4_096;
/** Beyond this it would take minutes to write a BigInt down. */
const LARGEST_BIGINT = 1n << 4_096n;

/**
 * Copies a value into what JSON can hold. BigInts become decimal strings, cycles and what is too deep or too much become a note,
 * a throwing getter or `toJSON` likewise. Never throws: a job that has done its work doesn't fail because of how it tells about it.
 */
export function toPlainJson(value: unknown, rules: PlainJsonRules = {}): PlainJson {
  return new Copy(rules).whole(value);
}

class Copy {
  readonly #rules: PlainJsonRules;
  readonly #problems: string[] = [];
  readonly #ancestors: object[] = [];
  /** Where the copying is: names of fields, and places in lists. */
  readonly #path: (string | number)[] = [];
  readonly #all: number;
  #left: number;
  #cut = false;
  /** Whether every text is hidden, below the name of several secrets. */
  #hiding = false;

  constructor(rules: PlainJsonRules) {
    this.#rules = rules;
    this.#all = rules.limit ?? Number.MAX_SAFE_INTEGER;
    this.#left = this.#all;
  }

  whole(value: unknown): PlainJson {
    const plain = this.#copy(value);
    return { value: plain, problems: this.#problems, cut: this.#cut, size: this.#all - this.#left };
  }

  #copy(input: unknown): unknown {
    switch (typeof input) {
      case 'string':
        return this.#text(input);
      case 'bigint':
        this.#note(`is a BigInt and was turned into a string`);
        if (input > LARGEST_BIGINT || input < -LARGEST_BIGINT) return '[a BigInt of more than 4096 bits]';
        return this.#text(input.toString());
      case 'number':
        this.#left -= 8;
        if (Number.isFinite(input)) return input;
        this.#note(`is ${input} and was turned into null`);
        return null;
      case 'undefined':
        return undefined;
      case 'function':
      case 'symbol':
        this.#note(`is a ${typeof input} and was left out`);
        return undefined;
      case 'object':
        return input === null ? null : this.#object(input);
      default:
        this.#left -= 4;
        return input;
    }
  }

  #text(text: string): string {
    if (this.#hiding) return this.#rules.hidden ?? text;
    const room = Math.max(0, this.#left);
    this.#left -= text.length + 2;
    const tell = this.#rules.text ?? ((plain) => plain);
    if (text.length <= room) return tell(text);
    this.#cut = true;
    return `${cutRedacted(text, room, tell)}… (${text.length} characters in all)`;
  }

  #object(input: object): unknown {
    const size = this.#hiding ? undefined : this.#rules.done?.get(input);
    if (size !== undefined) {
      this.#left -= size;
      return input;
    }
    if (this.#ancestors.includes(input)) {
      this.#note(`refers back to itself and was cut`);
      return '[circular]';
    }
    if (this.#ancestors.length >= MAX_DEPTH) {
      this.#note(`is nested more than ${MAX_DEPTH} levels deep and was cut`);
      return '[too deep]';
    }
    this.#ancestors.push(input);
    this.#left -= 2;
    try {
      return this.#known(input);
    } catch (error) {
      this.#note(`threw while it was read${error instanceof Error ? ` (${nameOf(error)})` : ''} and was cut`);
      return '[unreadable]';
    } finally {
      this.#ancestors.pop();
    }
  }

  #known(input: object): unknown {
    // Nearly all that results are made of; the questions below are many.
    if (Object.getPrototypeOf(input) === Object.prototype && !('toJSON' in input) && !Array.isArray(input)) {
      return this.#record(input);
    }
    const bytes = sizeOfBytes(input);
    if (bytes !== undefined) {
      this.#note(`is binary and was left out`);
      return `[${bytes} bytes]`;
    }
    if ('toJSON' in input && typeof input.toJSON === 'function') return this.#copy(input.toJSON());
    if (input instanceof String || input instanceof Number || input instanceof Boolean) {
      return this.#copy(input.valueOf());
    }
    if (Array.isArray(input)) return this.#list(input.length, indexed(input), pairOf(input));
    if (ArrayBuffer.isView(input)) {
      const numbers = input as unknown as ArrayLike<number>;
      return this.#list(numbers.length, indexed(numbers));
    }
    if (input instanceof Set) return this.#list(input.size, input);
    if (input instanceof Map) return this.#map(input);
    if (input instanceof Error) {
      const { name, message, stack } = input;
      return this.#record({ name, message, stack });
    }
    return this.#record(input);
  }

  /** @param name what the second of two items is a value of */
  #list(length: number, items: Iterable<unknown>, name?: string): unknown[] {
    const list: unknown[] = [];
    for (const item of items) {
      if (this.#isFull()) {
        list.push(`… (${length} items in all)`);
        break;
      }
      this.#path.push(list.length);
      const plain = (name !== undefined && list.length === 1 ? this.#named(name, item) : this.#copy(item)) ?? null;
      this.#path.pop();
      this.#left -= plain === null ? 5 : 1;
      list.push(plain);
    }
    return list;
  }

  #record(input: object): unknown {
    const names = Object.keys(input);
    const named = namedPairOf(input);
    const fields: Fields = {};
    for (const name of names) {
      // Before the value is read: it may be a getter.
      if (this.#isFull()) return withRest(fields, names.length);
      const item = (input as Fields)[name];
      this.#field(fields, name, item, named !== undefined && name === 'value' ? named : name);
    }
    return fields;
  }

  #map(input: ReadonlyMap<unknown, unknown>): unknown {
    const fields: Fields = {};
    for (const [key, item] of input) {
      if (this.#isFull()) return withRest(fields, input.size);
      const name = String(key);
      this.#field(fields, name, item, name);
    }
    return fields;
  }

  /** @param named what the item is a value of */
  #field(fields: Fields, name: string, item: unknown, named: string): void {
    this.#path.push(name);
    const plain = this.#named(named, item);
    this.#path.pop();
    if (plain === undefined) return;
    const told = this.#rules.text === undefined ? name : cutRedacted(name, LONGEST_NAME, this.#rules.text);
    // Names that differed in a secret only would be one.
    let free = told;
    for (let count = 2; Object.hasOwn(fields, free); count += 1) free = `${told} (${count})`;
    this.#left -= name.length + 4;
    put(fields, free, plain);
  }

  #named(name: string, item: unknown): unknown {
    const boxed = item instanceof String || item instanceof Number ? item.valueOf() : item;
    const secrecy =
      typeof boxed === 'function' || typeof boxed === 'symbol' ? 'none' : this.#rules.secrecy?.(name, boxed);
    if (secrecy === 'all') return this.#rules.hidden;
    if (secrecy !== 'texts' || this.#hiding) return this.#copy(item);
    this.#hiding = true;
    try {
      return this.#copy(item);
    } finally {
      this.#hiding = false;
    }
  }

  #isFull(): boolean {
    if (this.#left > 0) return false;
    this.#cut = true;
    return true;
  }

  #note(problem: string): void {
    if (this.#problems.length >= MAX_PROBLEMS) return;
    const place = this.#path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step.slice(0, MAX_NAME)}`));
    this.#problems.push(`result${place.join('')} ${problem}`);
  }
}

function* indexed(list: ArrayLike<unknown>): Generator<unknown> {
  for (let index = 0; index < list.length; index += 1) yield list[index];
}

/** A field of its own, whatever its name: to set `__proto__` would set what an object inherits. */
function put(fields: Fields, name: string, value: unknown): void {
  if (name === '__proto__') {
    Object.defineProperty(fields, name, { value, enumerable: true, configurable: true, writable: true });
  } else {
    fields[name] = value;
  }
}

function withRest(fields: Fields, length: number): Fields {
  put(fields, '…', `(${length} fields in all)`);
  return fields;
}

/** `['authorization', '…']`, as headers are listed: the name, when this is such a pair. */
function pairOf(list: readonly unknown[]): string | undefined {
  const [name, value] = list;
  if (list.length !== 2 || typeof name !== 'string' || typeof value !== 'string') return undefined;
  // Two names side by side are a list of names.
  return /[\d\W]/.test(value) ? name : undefined;
}

/** `{ name: 'password', value: '…' }`, as Kubernetes and forms list settings: the name. */
function namedPairOf(input: object): string | undefined {
  if (!Object.hasOwn(input, 'value')) return undefined;
  const { name, key, header } = input as Record<string, unknown>;
  return [name, key, header].find((candidate) => typeof candidate === 'string') as string | undefined;
}

function sizeOfBytes(input: object): number | undefined {
  if (input instanceof Uint8Array || input instanceof DataView) return input.byteLength;
  return input instanceof ArrayBuffer || input instanceof SharedArrayBuffer ? input.byteLength : undefined;
}

function nameOf(error: Error): string {
  try {
    return String(error.name).slice(0, 80);
  } catch {
    return 'Error';
  }
}
