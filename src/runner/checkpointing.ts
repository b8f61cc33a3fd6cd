// What a run keeps of its slot: loaded, checked, saved. Loaded by the first call of a job that keeps something.
import { parseDuration } from '../duration.ts';
import { PermanentError, UnavailableError } from '../errors.ts';
import type { CheckpointSchema, PostgresPool, SaveOptions, Transaction, TransactionOptions } from '../job.ts';
import { checkSize, toJson } from './kept-json.ts';
import type { CheckpointOwner, Checkpoints, DoneStep, ProgressChange, SlotProgress } from './ports.ts';
import { problemIn, tellIssue } from './shape.ts';
import { StepOrder } from './step-order.ts';

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
  #order = new StepOrder();
  /** What a dry run would have saved. */
  #imagined: SlotProgress | undefined;

  constructor(setting: CheckpointingSetting) {
    this.#setting = setting;
  }

  /** An attempt begins anew with the first step. */
  beginAttempt(): void {
    this.#order = new StepOrder();
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
    if (client !== undefined) checkClient(client);
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

  /** Saves the text of a program, whose size is looked at where it is read. */
  async saveText(text: string): Promise<void> {
    await this.#save({ value: JSON.stringify(text) });
  }

  /** Saves what `every` has passed over. */
  async flush(): Promise<void> {
    const text = this.#pending;
    this.#pending = undefined;
    if (text !== undefined) await this.#save({ value: text });
  }

  async step(name: string, work: StepWork, { postgres, signal, options }: StepSetting): Promise<unknown> {
    const order = this.#order;
    order.enter(name, work);
    try {
      order.done ??= (await this.#current()).steps;
      const stored = order.stored(name);
      const result = stored ? stored.result : await this.#do(order, name, work, { postgres, signal, options });
      order.succeed(name);
      return result;
    } catch (error) {
      // It may have been committed although nobody heard so: whoever begins it again has to look.
      order.done = undefined;
      throw error;
    } finally {
      order.leave();
    }
  }

  async #do(
    order: StepOrder,
    name: string,
    work: StepWork,
    { postgres, signal, options }: StepSetting,
  ): Promise<unknown> {
    let result: unknown;
    let done = order.done;
    const store = async (client?: Transaction) => {
      const step: DoneStep = { name, runId: this.#setting.owner.runId, ...(result !== undefined && { result }) };
      done = [...(order.done ?? []), step];
      checkSize(`with the result of step ${name}, what the steps have returned`, JSON.stringify(done));
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
    order.done = done;
    return result;
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
    if (dryRun) {
      this.#imagined ??= restart ? NOTHING : await store.read(owner);
      return this.#imagined;
    }
    const current = await store.claim(owner, restart && this.#before === undefined);
    if (current === undefined) this.#refuse();
    this.#before ??= current;
    return current;
  }

  async #save(change: ProgressChange, client?: Transaction): Promise<void> {
    const { store, owner, dryRun, monotonicMs } = this.#setting;
    if (dryRun) {
      this.#imagined = { ...(await this.#current()), ...change };
      return;
    }
    if (this.#before === undefined) await this.#current();
    if (!(await store.save(owner, change, client))) {
      if (client !== undefined) await this.#refuseClient();
      this.#refuse();
    }
    this.#savedAtMs = monotonicMs();
  }

  /** Where this run still may save, it is its client that can't see so. */
  async #refuseClient(): Promise<void> {
    const { store, owner } = this.#setting;
    const current = await store.claim(owner, false).catch(() => undefined);
    if (current === undefined) return;
    throw new PermanentError(
      "the checkpoint is not saved: the client's transaction can't see that it is this run's. Give checkpoint.save the client of a transaction on the database of DATABASE_URL; where that is repeatable read or serializable, call checkpoint.load() before it begins",
    );
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
    const text = toJson({ value, who: 'the job saves', name: 'value' });
    if (text === undefined) throw new TypeError('checkpoint.save takes a value that is JSON, and was given none');
    checkSize('the checkpoint', text);
    const problem = problemIn(this.#setting.schema, JSON.parse(text));
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
      `the checkpoint of this slot doesn't fit the job's schema checkpoint ${tellIssue(schema, result.issues[0])}: let the schema take the older shape too and turn it into the newer one, or run it once with --restart`,
    );
  }
}

const NOTHING: SlotProgress = { value: undefined, steps: [] };

/** What can't commit the checkpoint with the work. */
function checkClient(client: Transaction): void {
  if (typeof client !== 'object' || client === null || typeof client.query !== 'function')
    throw new TypeError(
      "checkpoint.save was given as its client what isn't one: give it the client of the open transaction",
    );
  if ('totalCount' in client)
    throw new TypeError('checkpoint.save was given a pool as its client: give it the client of the open transaction');
  const { readyForQuery, getTransactionStatus } = client as Partial<Idle>;
  if (readyForQuery === true && getTransactionStatus?.call(client) === 'I')
    throw new TypeError(
      'checkpoint.save was given a client in no transaction, so that nothing would be committed together: begin one before the work, or leave client out',
    );
}

/** What a client of node-postgres knows of itself. */
interface Idle {
  readonly readyForQuery: boolean;
  getTransactionStatus(): string | null;
}

/** What a step has returned, as JSON. A step that is stored is never done again, so that nothing of it may be left to do. */
function resultOf(name: string, value: unknown): unknown {
  const kept = { value, who: `step ${name} returned`, name: 'result' };
  const text = toJson(kept, (_, item) => (typeof item === 'bigint' ? item.toString() : item));
  return text === undefined ? undefined : JSON.parse(text);
}
