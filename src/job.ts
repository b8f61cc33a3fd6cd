// The contract with a job's author: what a job is, what it is given, and how it is defined.
import type { Pool } from 'pg';
import type { GenericSchema, InferOutput } from 'valibot';

/** A length of time: a number and its unit, such as `250ms`, `90s`, `30m`, `2h` or `7d`. */
export type Duration = `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

/** A dependency that a job can ask for. What is named is connected before the job starts, and its variables are required. */
export type Need = 'postgres' | 'rabbitmq';

/** One of `count` equal parts of a job's work. A run that isn't sharded is part 0 of 1. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/** Values that can be attached to a log line or a span. They are redacted for secrets before they are written. */
export type Fields = Record<string, unknown>;

/** Writes log lines that carry the run's id, the job, the attempt and the trace. */
export interface Logger {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
}

/** Attribute values that OpenTelemetry takes. */
export type Attributes = Record<string, string | number | boolean | undefined>;

/** What a span is to its peer; the names are OpenTelemetry's span kinds. */
export type SpanKind = 'internal' | 'client' | 'producer';

/** One timed step in the run's trace. Does nothing when telemetry is off. */
export interface Span {
  setAttributes(attributes: Attributes): void;
  addEvent(name: string, attributes?: Attributes): void;
  /** The headers that let another process continue this trace (`traceparent`, `tracestate`); empty when telemetry is off. */
  headers(): Record<string, string>;
}

/** How a span begins. */
export interface SpanOptions {
  readonly kind?: SpanKind;
  readonly attributes?: Attributes;
}

/** A message for RabbitMQ. It is always persistent and always waits for the broker's confirm. */
export interface OutgoingMessage {
  /** Where it is published; `AMQP_EXCHANGE` unless said. */
  readonly exchange?: string;
  readonly routingKey: string;
  readonly body: Uint8Array;
  /** Deterministic for the same fact, so that consumers can drop repeats. */
  readonly messageId: string;
  readonly contentType: string;
  readonly type?: string;
  readonly timestamp?: Date;
  readonly headers?: Record<string, string>;
  /** Whether a message that no queue takes is an error (the default). */
  readonly mandatory?: boolean;
}

/** A publisher that returns only after the broker has confirmed the message. */
export interface RabbitMq {
  /** The exchange that is used when a message names none (`AMQP_EXCHANGE`). */
  readonly exchange: string;
  /**
   * Publishes one message and waits for the broker's ack.
   * @throws {UnavailableError} the broker could not be reached, closed the connection, or never confirmed
   * @throws {PermanentError} the broker refused what no retry can mend (no such exchange, no permission, unroutable)
   */
  publish(message: OutgoingMessage, options?: { signal?: AbortSignal }): Promise<void>;
}

/** What each need adds to the context, under its own name. */
export interface Resources {
  /** A connection pool of node-postgres. */
  readonly postgres: Pool;
  readonly rabbitmq: RabbitMq;
}

/** An earlier succeeded run of the same job and shard. */
export interface PreviousRun {
  readonly runId: string;
  readonly scheduledAt: Date;
  readonly result: unknown;
}

/** What every job is given, whatever it needs. */
export interface BaseContext<Params> {
  readonly job: string;
  /** The run's id, a UUIDv7. */
  readonly runId: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** The parameters, validated and converted by the job's schema. */
  readonly params: Params;
  /** Aborts when the deadline passes, the process is told to stop, or the lock is lost; its reason says which. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** The cron slot that the run stands for, not when it happened to start. */
  readonly scheduledAt: Date;
  /** The instant after which the run must have stopped. */
  readonly deadline: Date;
  readonly shard: Shard;
  /** Whether the job should only say what it would do (`--dry-run`). */
  readonly dryRun: boolean;
  /** Tells how far the work is: a bar on a terminal, a throttled log line elsewhere. Both are counts of the job's own unit. */
  progress(done: number, total?: number, fields?: Fields): void;
  /** Runs `step` as a span of the run's trace; an error ends the span with an error status and is thrown on. */
  span<T>(name: string, options: SpanOptions, step: (span: Span) => Promise<T>): Promise<T>;
  /** Counts items that the job has worked on (metric `job.items`), such as `rows_deleted`. */
  count(item: string, amount: number, attributes?: Attributes): void;
  /** The newest succeeded runs of this job and shard, newest first; empty without a database. */
  previousRuns(limit: number): Promise<PreviousRun[]>;
}

/** The context of a job with these parameters and needs. */
export type Context<Params, Needs extends Need> = BaseContext<Params> & Pick<Resources, Needs>;

/** What a job's `check` is given: what it needs of PostgreSQL, a signal that bounds it, and `span` as a run has it. */
export type CheckContext<Needs extends Need> = Pick<BaseContext<unknown>, 'signal' | 'span'> &
  Pick<Resources, Extract<Needs, 'postgres'>>;

/** When and how often a run may try again, within the same deadline. */
export interface RetryPolicy {
  /** How many attempts a run may make, the first included. */
  readonly attempts: number;
  /** The bound of the first wait, which doubles each time; the wait is random below it (full jitter). Default `1s`. */
  readonly baseDelay?: Duration;
  /** The bound that the doubling stops at. Default `1m`. */
  readonly maxDelay?: Duration;
  /** Whether this error is worth another attempt. `PermanentError` never is. */
  readonly when?: (error: unknown, attempt: number) => boolean;
}

/** A valibot schema of the parameters: an object whose entries can be set by `--param name=value`. */
export type ParamsSchema = GenericSchema<Record<string, unknown>, unknown>;

/** The type of `ctx.params`: the schema's output, or an empty object when the job takes no parameters. */
export type ParamsOf<Schema> = Schema extends ParamsSchema ? InferOutput<Schema> : Record<string, never>;

/** What `defineJob` takes. */
export interface JobDefinition<Schema extends ParamsSchema | undefined, Needs extends Need, Result> {
  /** snake_case, and the same as the file's name. */
  readonly name: string;
  readonly description: string;
  /** How long a run may take; `WORKER_DEFAULT_TIMEOUT_SECONDS` unless said. */
  readonly timeout?: Duration;
  readonly retry?: RetryPolicy;
  readonly params?: Schema;
  readonly needs?: readonly Needs[];
  /**
   * Whether what the job works on is there, beyond the connections: `run-job doctor --jobs <name>` asks, and so does `helm test`.
   * It changes nothing, and throws what a run would.
   */
  check?(context: CheckContext<Needs>): Promise<void> | void;
  run(context: Context<ParamsOf<Schema>, Needs>): Promise<Result> | Result;
}

const BRAND = Symbol.for('run-job.job');

/** A job as the runner sees it, its types erased. */
export interface Job {
  readonly name: string;
  readonly description: string;
  readonly timeout?: Duration;
  readonly retry?: RetryPolicy;
  readonly params?: ParamsSchema;
  readonly needs: readonly Need[];
  check?(context: CheckContext<Need>): unknown;
  run(context: Context<unknown, Need>): unknown;
}

/**
 * Defines a job. Export it as the default of a file named after it.
 *
 * @example
 * export default defineJob({
 *   name: 'hello',
 *   description: 'Says hello',
 *   params: v.object({ to: v.optional(v.string(), 'world') }),
 *   run: ({ params, log }) => log.info(`hello ${params.to}`),
 * });
 */
export function defineJob<
  const Schema extends ParamsSchema | undefined = undefined,
  const Needs extends Need = never,
  Result = unknown,
>(definition: JobDefinition<Schema, Needs, Result>): Job & JobDefinition<Schema, Needs, Result> {
  return Object.assign(Object.create({ [BRAND]: true }), { needs: [] }, definition);
}

/** Whether a value came from `defineJob`, of this copy of the library or of another. */
export function isJob(value: unknown): value is Job {
  return typeof value === 'object' && value !== null && BRAND in value;
}
