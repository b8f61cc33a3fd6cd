// Whatever was thrown, as plain data: name, message, code, stack, and its causes; all of it together is bounded.
import { types } from 'node:util';
import type { ErrorInfo } from './outcome.ts';
import type { Redactor } from './redact.ts';
import { cutRedacted } from './secrets/cut.ts';
import { authorFirst, isOfNodeAlone, withoutInner } from './stack.ts';

/** Ours that say all in their message: a stack trace is for bugs. */
const WITHOUT_STACK = new Set<unknown>([
  'ERR_RUN_JOB_USAGE',
  'ERR_RUN_JOB_CONFIG',
  'ERR_RUN_JOB_UNAVAILABLE',
  'ERR_RUN_JOB_TIMEOUT',
  'ERR_RUN_JOB_INTERRUPTED',
  'ERR_RUN_JOB_CANCELLED',
  'ERR_RUN_JOB_PROGRAM',
  'ERR_RUN_JOB_TEMPORARY',
  'ERR_RUN_JOB_STEP_TIMEOUT',
]);

/** Of these, what they came of is told by its message as well: how we met with it helps nobody. */
const EXPLAINED = new Set<unknown>(['ERR_RUN_JOB_CONFIG', 'ERR_RUN_JOB_UNAVAILABLE']);

/** How much of each is told, in characters; a message of megabytes would bury the log. */
const MAX_NAME = 200;
const MAX_MESSAGE = 8 * 1024;
const MAX_STACK = 16 * 1024;

/** How deep causes are followed, how many of one error's, and how many errors and characters there are in all. */
const MAX_DEPTH = 8;
const MAX_CAUSES = 8;
const MAX_ERRORS = 32;
const MAX_CHARACTERS = 64 * 1024;

/** Describes anything that can be thrown: an Error, an AggregateError, a string, undefined. Never throws. */
export function describeError(thrown: unknown, redactor: Redactor): ErrorInfo {
  try {
    return new Description(redactor).of(thrown, 0);
  } catch {
    return { name: 'NonError', message: 'a value that throws when it is looked at was thrown' };
  }
}

/** One error with all that led to it, within one budget. */
class Description {
  readonly #redactor: Redactor;
  readonly #seen = new Set<unknown>();
  #characters = MAX_CHARACTERS;

  constructor(redactor: Redactor) {
    this.#redactor = redactor;
  }

  of(thrown: unknown, depth: number, isExplained = false): ErrorInfo {
    if (!isError(thrown)) {
      const message = `a value that isn't an Error was thrown: ${this.#show(thrown)}`;
      return { name: 'NonError', message: this.#tell(message, MAX_MESSAGE, (text) => text) };
    }
    this.#seen.add(thrown);
    const code = read(thrown, 'code');
    const told = code === undefined || code === null ? undefined : this.#tell(textOf(code), MAX_NAME);
    const name = this.#tell(textOf(read(thrown, 'name')), MAX_NAME);
    const message = this.#tell(textOf(read(thrown, 'message')) || '(no message)', MAX_MESSAGE);
    const stack = WITHOUT_STACK.has(code) || isOfSystem(thrown) ? undefined : read(thrown, 'stack');
    const useful =
      typeof stack === 'string' && isExplained ? withoutInner(stack, textOf(read(thrown, 'message'))) : stack;
    const trace =
      typeof useful === 'string' && this.#characters > 0 ? this.#tell(authorFirst(useful), MAX_STACK) : undefined;
    const causes = this.#causes(thrown, depth, isExplained || EXPLAINED.has(code));
    return {
      name,
      message,
      ...(told !== undefined && { code: told }),
      ...(trace !== undefined && { stack: trace }),
      ...(causes.length > 0 && { causes }),
    };
  }

  #causes(thrown: object, depth: number, isExplained: boolean): ErrorInfo[] {
    const nested = listOf(read(thrown, 'errors'), MAX_CAUSES + 1);
    // Other errors have lists under this name that aren't of errors.
    if (!(thrown instanceof AggregateError) && !nested.every(isError)) nested.length = 0;
    const cause = read(thrown, 'cause');
    if (cause !== undefined) nested.push(cause);
    const causes: ErrorInfo[] = [];
    for (const [index, inner] of nested.entries()) {
      if (this.#seen.has(inner) && isError(inner)) {
        causes.push({ name: 'Error', message: 'the same error again' });
        continue;
      }
      if (index >= MAX_CAUSES || depth >= MAX_DEPTH || this.#seen.size >= MAX_ERRORS || this.#characters <= 0) {
        causes.push({ name: 'Error', message: 'more errors, which are left out here' });
        break;
      }
      causes.push(this.of(inner, depth + 1, isExplained));
    }
    return causes;
  }

  /** Redacted before it is cut, so that no half of a secret stays where it is cut. */
  #tell(text: string, most: number, redact = this.#redactor.text): string {
    const room = Math.max(0, Math.min(most, this.#characters));
    const told = text.length <= room ? redact(text) : cutRedacted(text, room, redact);
    this.#characters -= told.length;
    return text.length <= room ? told : `${told}… (${text.length} characters in all)`;
  }

  #show(thrown: unknown): string {
    if (typeof thrown === 'string') return cutRedacted(thrown, 2 * MAX_MESSAGE, this.#redactor.text);
    // Secrets are looked for before JSON escapes what is in them.
    const plain = this.#redactor.plain(thrown, MAX_MESSAGE).value;
    return JSON.stringify(plain) ?? String(thrown);
  }
}

/** What the system refused to Node, such as a connection: its frames are Node's alone, and say nothing. */
function isOfSystem(error: object): boolean {
  const stack = read(error, 'stack');
  return read(error, 'syscall') !== undefined && typeof stack === 'string' && isOfNodeAlone(stack);
}

/** Also one of another realm, as `node:vm` makes them. */
function isError(thrown: unknown): thrown is object {
  return types.isNativeError(thrown) || thrown instanceof Error;
}

/** A property, or nothing where it throws to read it. */
function read(from: object, name: string): unknown {
  try {
    return (from as Record<string, unknown>)[name];
  } catch {
    return undefined;
  }
}

function listOf(errors: unknown, most: number): unknown[] {
  try {
    return Array.isArray(errors) ? errors.slice(0, most) : [];
  } catch {
    return [];
  }
}

function textOf(value: unknown): string {
  try {
    return value === undefined ? '' : String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}
