// What a test gives to a run, and what it gets back.
import type { InferInput } from 'valibot';
import type {
  BaseContext,
  Duration,
  Fields,
  Logger,
  Need,
  OutgoingMessage,
  ParamsSchema,
  Plain,
  PreviousRun,
  RabbitMq,
  Resources,
  Shard,
} from '../job.ts';
import type { Summary } from '../runner/outcome.ts';
import type { TestClock } from './clock.ts';

/** Any part of a resource, with whatever a test puts in its place. */
export type Fake<T> = { readonly [Member in keyof T]?: unknown };

/** The run that a test asks for. Nothing is read from the process: no environment variable, no `.env`, no arguments. */
export interface RunJobOptions<Schema extends ParamsSchema | undefined = ParamsSchema | undefined> {
  /** As for `--params`; validated by the job's schema. */
  readonly params?: Schema extends ParamsSchema ? InferInput<Schema> : Record<string, never>;
  /** The environment: what the job's parameters take their defaults from, and every variable of run-job's. Empty unless said. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** For a job that needs it: the URL of a database, to which a real pool is opened; or a pool, or a fake of one. */
  readonly postgres?: string | Fake<Resources['postgres']>;
  /** For a job that needs it: the URL of a broker, or a fake. Without it, messages are kept in the outcome's `published`. */
  readonly rabbitmq?: string | RabbitMq;
  /** As `--as`: what the run is known by; the job's own name unless said. */
  readonly name?: string;
  /** Aborting it is SIGTERM to the run: the job's own signal aborts, and the run ends as `interrupted`. */
  readonly signal?: AbortSignal;
  readonly dryRun?: boolean;
  /** The cron slot; now unless said. Text is RFC 3339. */
  readonly scheduledAt?: Date | string;
  /** What `ctx.fence` is; the time of the start, in microseconds, unless said. */
  readonly fence?: number;
  /** Part 0 of 1 unless said. */
  readonly shard?: Shard;
  /** As `--timeout`: the job's own, else five minutes, unless said. */
  readonly timeout?: Duration;
  /** How long the job may take to stop once it is asked to; `WORKER_SHUTDOWN_TIMEOUT_SECONDS` unless said. */
  readonly grace?: Duration;
  /** What the deadline, the grace and the waits between attempts go by; the system's clock unless said. See `createTestClock`. */
  readonly clock?: TestClock;
  /** Stands in for the programs that the job runs by `ctx.exec`; without it they really run. */
  readonly exec?: BaseContext<unknown>['exec'];
  /** What `ctx.previousRuns` tells, newest first. */
  readonly previousRuns?: readonly PreviousRun[];
  /** What an earlier run of the slot has saved: the `saved` of its outcome. */
  readonly saved?: Saved;
  /** In [0, 1): the share of each backoff that is waited. 0 unless said, so that attempts follow each other at once. */
  readonly random?: () => number;
}

/** What a job keeps of its slot. */
export interface Saved {
  /** What `ctx.checkpoint.save` was given last, as JSON gives it back; absent when nothing has been saved. */
  readonly checkpoint?: unknown;
  /** The steps that are done, in order. */
  readonly steps: readonly { readonly name: string; readonly result?: unknown }[];
}

/** What the job logged, secrets already redacted. */
export interface LogEntry {
  readonly level: keyof Logger;
  readonly message: string;
  readonly fields: Fields;
}

/** A job's result after its way through JSON, as it is recorded and shown: dates are text, BigInts are decimal text. */
export type PlainResult<T> = Plain<T>;

/** How the run ended: the same summary that ends a real run's log, and what can be seen of it in a test. */
export interface RunJobOutcome<Result> extends Omit<Summary, 'result'> {
  readonly result?: PlainResult<Result>;
  /** Every line, of all levels. */
  readonly log: readonly LogEntry[];
  /** The messages that were published, in order; empty where the test brought its own RabbitMQ. */
  readonly published: readonly OutgoingMessage[];
  /** The sums of what `ctx.count` was told, by item. */
  readonly counts: Readonly<Record<string, number>>;
  /** What the job has saved, also where the slot has succeeded, which in real runs deletes it. */
  readonly saved: Saved;
}

/** The parts of the options that decide what is connected. */
export type ResourceSubstitutes = Pick<RunJobOptions, 'postgres' | 'rabbitmq'> & { readonly needs: readonly Need[] };
