// The steps of one attempt, each in its place.
import { PermanentError } from '../errors.ts';
import type { DoneStep } from './ports.ts';

/** The longest name that a step may have, in characters. */
const LONGEST_NAME = 200;

/** Sees to it that one step is done after another, under names of their own, and as earlier attempts and runs of the slot did them. */
export class StepOrder {
  /** What earlier attempts and runs have done, and then this one. */
  done: readonly DoneStep[] | undefined;
  #running: string | undefined;
  /** The one that the job has begun and not done: nothing may take its place. */
  #failed: string | undefined;
  readonly #names: string[] = [];

  enter(name: string, work: unknown): void {
    if (typeof name !== 'string' || name === '' || name.length > LONGEST_NAME)
      throw new TypeError(`a step needs a name of 1 to ${LONGEST_NAME} characters`);
    if (typeof work !== 'function') throw new TypeError(`step ${name} needs a function that does it`);
    if (this.#running !== undefined) {
      throw new PermanentError(
        `step ${name} began while step ${this.#running} was not done: steps are done one after another, so await each, and begin none within another`,
      );
    }
    if (this.#names.includes(name)) {
      throw new PermanentError(`two steps of this job are named ${name}: give each a name of its own`);
    }
    if (this.#failed !== undefined && this.#failed !== name) {
      throw new PermanentError(
        `step ${name} began although step ${this.#failed} had failed: steps are done in order, so begin ${this.#failed} again, or catch within it what the job may pass over`,
      );
    }
    this.#running = name;
    this.#failed = name;
  }

  /** The step's own place, if it is done already. */
  stored(name: string): DoneStep | undefined {
    const place = this.#names.length;
    const stored = this.done?.[place];
    if (stored !== undefined && stored.name !== name) {
      throw new PermanentError(
        `step ${place + 1} of this slot was ${stored.name} when run ${stored.runId} did it, and is ${name} now: keep the names and the order of steps until the slot has succeeded, or run it once with --restart`,
      );
    }
    return stored;
  }

  /** It is done, now or by an earlier run. */
  succeed(name: string): void {
    this.#names.push(name);
    this.#failed = undefined;
  }

  leave(): void {
    this.#running = undefined;
  }
}
