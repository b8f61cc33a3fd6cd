// What a run keeps of its slot: loaded, checked, saved. Loaded by the first call of a job that keeps something.
import { parseDuration } from '../duration.ts';
import { PermanentError, UnavailableError } from '../errors.ts';
import type { CheckpointSchema, PostgresPool, SaveOptions, Transaction, TransactionOptions } from '../job.ts';
import type { CheckpointOwner, Checkpoints, DoneStep, ProgressChange, SlotProgress } from './ports.ts';
import { undoneIn } from './undone.ts';

/** The most bytes of JSON that a checkpoint may have, and all results of steps together: it is a cursor, and no place for the work. */
const MOST_BYTES = 256 * 1024;

/** The longest name that a step may have, in characters. */
const LONGEST_NAME = 200;

/** What the run gives. */
export interface CheckpointingSetting {
  readonly store: Checkpoints;
  readonly owner: CheckpointOwner;
  /** `--restart` */
  readonly restart: boolean;
  /** Nothing is saved, and nothing is claimed. */
  readonly dryRun: boolean;
  readonly schema: CheckpointSchema | undefined;
  readonly monotonicMs: () => number;
  /** Stops the run, which no longer holds its lock. */
  readonly stop: (error: Error) => void;
}

/** How a step is done. */
export interface StepSetting {
  /** Where the job needs PostgreSQL. */
  readonly postgres: PostgresPool | undefined;
  readonly signal: AbortSignal;
  readonly options: TransactionOptions;
}

/** What a step is given. */
type StepWork = (client: Transaction | undefined) => unknown;

/** The progress of one run's slot, over all attempts of the run. */
export class Checkpointing {
  readonly #setting: CheckpointingSetting;
  /** What earlier runs had left when this one first asked. */
  #before: SlotProgress | undefined;
  #pending: string | undefined;
  #savedAtMs = Number.NEGATIVE_INFINITY;
  #attempt = new Attempt();

  constructor(setting: CheckpointingSetting) {
    this.#setting = setting;
  }

  /** An attempt begins anew with the first step. */
  beginAttempt(): void {
    this.#attempt = new Attempt();
  }

  /** What was saved last, by the schema. */
  async load(): Promise<unknown> {
    const { value } = await this.#current();
    return value === undefined ? undefined : this.#loaded(JSON.parse(value));
  }

  /** The text that a program has left; undefined when there is none. */
  async loadText(): Promise<string | undefined> {
    const { value } = await this.#current();
    return value === undefined ? undefined : String(JSON.parse(value));
  }

  async save(value: unknown, { client, every }: SaveOptions = {}): Promise<void> {
    const text = this.#textOf(value);
    if (client !== undefined && 'totalCount' in client) {
      throw new TypeError('checkpoint.save was given a pool as its client: give it the client of the open transaction');
    }
    const everyMs = every === undefined ? 0 : parseDuration(every);
    if (everyMs === undefined) throw new TypeError(`every must be a duration such as 500ms or 5s, and is ${every}`);
    if (every !== undefined && client !== undefined) {
      throw new TypeError(
        'checkpoint.save takes every without client only: with it, work would be committed without its checkpoint',
      );
    }
    this.#pending = every === undefined ? undefined : text;
    if (this.#setting.monotonicMs() - this.#savedAtMs < everyMs) return;
    this.#pending = undefined;
    await this.#save({ value: text }, client);
  }

  /** Saves what `every` has passed over. */
  async flush(): Promise<void> {
    const text = this.#pending;
    this.#pending = undefined;
    if (text !== undefined) await this.#save({ value: text });
  }

  async step(name: string, work: StepWork, { postgres, signal, options }: StepSetting): Promise<unknown> {
    const attempt = this.#attempt;
    attempt.enter(name);
    try {
      attempt.done ??= (await this.#current()).steps;
      const stored = attempt.stored(name);
      if (stored) return stored.result;
      let result: unknown;
      let done = attempt.done;
      const store = async (client?: Transaction) => {
        const step: DoneStep = { name, runId: this.#setting.owner.runId, ...(result !== undefined && { result }) };
        done = this.#fitting([...(attempt.done ?? []), step]);
        await this.#save({ steps: done }, client);
      };
      if (postgres && work.length > 0) {
        const own = this.#setting.dryRun ? { ...options, readOnly: true } : options;
        await postgres.transaction(signal, own, async (client) => {
          result = resultOf(name, await work(client));
          await store(client);
        });
      } else {
        result = resultOf(name, await work(undefined));
        await store();
      }
      attempt.done = done;
      return result;
    } finally {
      attempt.leave();
    }
  }

  /** Whether something has been saved that wasn't there when this run began. */
  async advanced(): Promise<boolean> {
    const { store, owner, dryRun } = this.#setting;
    await this.flush();
    if (dryRun || this.#before === undefined) return false;
    const now = await store.read(owner);
    return now.value !== this.#before.value || now.steps.length > this.#before.steps.length;
  }

  /** The slot has succeeded. */
  async forget(): Promise<void> {
    const { store, owner, dryRun } = this.#setting;
    if (!dryRun) await store.forget?.(owner);
  }

  /** What is saved now; from here on it is this run's to change. */
  async #current(): Promise<SlotProgress> {
    const { store, owner, restart, dryRun } = this.#setting;
    if (dryRun) return restart ? NOTHING : store.read(owner);
    const current = await store.claim(owner, restart && this.#before === undefined);
    if (current === undefined) this.#refuse();
    this.#before ??= current;
    return current;
  }

  async #save(change: ProgressChange, client?: Transaction): Promise<void> {
    const { store, owner, dryRun, monotonicMs } = this.#setting;
    if (dryRun) return;
    if (this.#before === undefined) await this.#current();
    if (!(await store.save(owner, change, client))) this.#refuse();
    this.#savedAtMs = monotonicMs();
  }

  /** Another run may be at work: whatever this one would still do, it must not. */
  #refuse(): never {
    const error = new UnavailableError(
      'the checkpoint is not saved: this run no longer holds its lock, or its record is closed, so that another run may have gone on from the last one',
    );
    this.#setting.stop(error);
    throw error;
  }

  #textOf(value: unknown): string {
    const text = JSON.stringify(value);
    if (text === undefined) throw new TypeError('checkpoint.save takes a value that is JSON, and was given none');
    const bytes = Buffer.byteLength(text);
    if (bytes > MOST_BYTES) throw tooLarge('the checkpoint', bytes);
    const problem = problemOf(this.#setting.schema, JSON.parse(text));
    if (problem !== undefined)
      throw new PermanentError(`what the job saves doesn't fit its schema checkpoint ${problem}; nothing was saved`);
    return text;
  }

  #loaded(value: unknown): unknown {
    const { schema } = this.#setting;
    if (schema === undefined) return value;
    const result = schema['~run']({ value }, {});
    if (result.issues === undefined) return result.value;
    throw new PermanentError(
      `the checkpoint of this slot doesn't fit the job's schema checkpoint ${tellIssue(result.issues[0])}: let the schema take the older shape too and turn it into the newer one, or run it once with --restart`,
    );
  }

  #fitting(steps: readonly DoneStep[]): readonly DoneStep[] {
    const bytes = Buffer.byteLength(JSON.stringify(steps));
    if (bytes > MOST_BYTES)
      throw tooLarge(`with the result of step ${steps.at(-1)?.name}, what the steps have returned`, bytes);
    return steps;
  }
}

const NOTHING: SlotProgress = { value: undefined, steps: [] };

/** The steps of one attempt: each has its place. */
class Attempt {
  /** What earlier attempts and runs have done, and then this one. */
  done: readonly DoneStep[] | undefined;
  #running: string | undefined;
  readonly #names: string[] = [];

  enter(name: string): void {
    if (typeof name !== 'string' || name === '' || name.length > LONGEST_NAME)
      throw new TypeError(`a step needs a name of 1 to ${LONGEST_NAME} characters`);
    if (this.#running !== undefined) {
      throw new PermanentError(
        `step ${name} began while step ${this.#running} was not done: steps are done one after another, so await each`,
      );
    }
    if (this.#names.includes(name)) {
      throw new PermanentError(`two steps of this job are named ${name}: give each a name of its own`);
    }
    this.#running = name;
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
    this.#names.push(name);
    return stored;
  }

  leave(): void {
    this.#running = undefined;
  }
}

/** What a step has returned, as JSON. A step that is stored is never done again, so that nothing of it may be left to do. */
function resultOf(name: string, value: unknown): unknown {
  const [undone] = undoneIn(value);
  if (undone !== undefined)
    throw new PermanentError(`step ${name} returned before its work was done: ${undone}. Await all that it begins`);
  return plain(value);
}

function plain(value: unknown): unknown {
  const text = JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? item.toString() : item));
  return text === undefined ? undefined : JSON.parse(text);
}

function tooLarge(what: string, bytes: number): PermanentError {
  return new PermanentError(
    `${what} has ${bytes} bytes of JSON, and may have ${MOST_BYTES}: save where the work stands, and keep the work itself in tables or files`,
  );
}

/** How a value doesn't fit; undefined when it does. */
function problemOf(schema: CheckpointSchema | undefined, value: unknown): string | undefined {
  const issue = schema?.['~run']({ value }, {}).issues?.[0];
  return issue && tellIssue(issue);
}

/** Where and what, and never the value. */
function tellIssue({ path, expected, kind }: Issue): string {
  const keys = path?.map(({ key }) => String(key)).join('.');
  const wanted = expected === null || kind !== 'schema' ? 'another value' : expected;
  return `at ${keys || 'its top'}, where it needs ${wanted}`;
}

interface Issue {
  readonly kind: string;
  readonly expected: string | null;
  readonly path?: readonly { readonly key: unknown }[] | undefined;
}
