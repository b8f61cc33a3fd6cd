// The contract with a job's author: what a job is, what it is given, and how it is defined.
import type { ClientBase, Pool, QueryResult, QueryResultRow } from 'pg';
import type { GenericSchema, InferInput, InferOutput } from 'valibot';
import type { Duration } from './duration.ts';

export type { Duration };

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

/** How a transaction begins, and what holds for its statements. Nothing of it outlives the transaction. */
export interface TransactionOptions {
  /** `read committed` unless said, whatever the role's default is. */
  readonly isolation?: 'read committed' | 'repeatable read' | 'serializable';
  /** Whether PostgreSQL refuses to write in it; what the role's default says unless said. */
  readonly readOnly?: boolean;
  /** How long one statement may take before PostgreSQL cancels it; `0s` for no limit. */
  readonly statementTimeout?: Duration;
  /** How long one statement may wait for a lock before PostgreSQL cancels it; `0s` for no limit. */
  readonly lockTimeout?: Duration;
  /** Other settings of PostgreSQL, by name, such as `{ jit: false, search_path: ['app', 'public'] }`. */
  readonly settings?: Readonly<Record<string, string | number | boolean | readonly string[]>>;
}

/** An open transaction: `query` is node-postgres' own, on the transaction's connection. */
export type Transaction = Pick<ClientBase, 'query'>;

/** What an error of PostgreSQL, or of the connection to it, means to whoever ran the statement. */
export interface PostgresFailure {
  /**
   * - `unavailable`: the connection is gone, or the server takes no work now: it stops, is full, or has become a standby
   * - `contention`: somebody else was in the way (a lock, a deadlock, a serialization failure); the same may succeed a moment later
   * - `cancelled`: it was cancelled on the server, by `statement_timeout` or by a request
   * - `foreign_key`: a foreign key refuses the row: something refers to it, or it refers to nothing
   * - `constraint`: another constraint refuses the row (NOT NULL, unique, check, exclusion, a view's check option)
   * - `raised`: a trigger or a function raised it, by RAISE with whatever code, unless that is one of a constraint
   * - `invalid`: a value can't be computed with or stored (out of range, not a number, too large)
   * - `denied`: the role lacks a right
   * - `statement`: the statement doesn't fit the database: a name or a type that isn't there or is there already, a syntax error, an
   *   object that isn't made for it
   * - `internal`: the server itself is at fault: corrupt data, a file that is missing, a bug
   * - `other`: none of these
   */
  readonly kind:
    | 'unavailable'
    | 'contention'
    | 'cancelled'
    | 'foreign_key'
    | 'constraint'
    | 'raised'
    | 'invalid'
    | 'denied'
    | 'statement'
    | 'internal'
    | 'other';
  /** PostgreSQL's own code; undefined when it was the connection that failed. */
  readonly sqlState: string | undefined;
}

/** A valibot schema of what a job saves: what it takes is JSON and is what `save` is given, what it gives is what `load` returns. */
export type CheckpointSchema = GenericSchema;

/** How a checkpoint is saved. */
export interface SaveOptions {
  /**
   * The transaction that the work was done in: the checkpoint is committed with it, or rolled back with it. Without it the checkpoint is
   * saved in a transaction of its own, after the work: what was done since the last one may be done again.
   */
  readonly client?: Transaction;
  /** Saves at most once in this time, and what was passed over when the attempt ends or the run is asked to stop. Not with `client`. */
  readonly every?: Duration;
}

/** What a job keeps of its slot from one attempt or pod to the next, until the slot has succeeded. */
export interface Checkpoint<Saved, Loaded> {
  /**
   * What was saved last; undefined when nothing was, or `--restart` dropped it.
   * @throws {PermanentError} it doesn't fit the job's schema
   * @throws {UnavailableError} the database can't be reached, or the run no longer holds its lock
   */
  load(): Promise<Loaded | undefined>;
  /**
   * Saves a value, 256 KiB of JSON at most. It is data: it isn't redacted, and never logged.
   * @throws {PermanentError} it is too large, or doesn't fit the job's schema
   * @throws {UnavailableError} the database can't be reached, or the run no longer holds its lock, and is stopped
   */
  save(value: Saved, options?: SaveOptions): Promise<void>;
}

/** What `checkpoint` adds to the context of a job that declares it. */
export type CheckpointOf<Schema> = Schema extends CheckpointSchema
  ? { readonly checkpoint: Checkpoint<InferInput<Schema>, InferOutput<Schema>> }
  : unknown;

/** A value after its way through JSON: dates are text, BigInts are decimal text. */
export type Plain<T> = T extends string | number | boolean | null | undefined
  ? T
  : T extends bigint
    ? string
    : T extends { toJSON(): infer Json }
      ? Plain<Json>
      : T extends readonly (infer Item)[]
        ? Plain<Item>[]
        : T extends object
          ? { [Key in keyof T]: Plain<T[Key]> }
          : T;

/** Named steps, each of which is done once in a slot. */
export interface Steps<Work extends (client: never) => unknown> {
  /**
   * Does `work`, unless an earlier attempt or pod of the slot has done this step: then returns what it returned. The result is stored as
   * JSON, 256 KiB at most for all steps. Where the job needs PostgreSQL, and `work` takes the client, step and result are one
   * transaction; any other step is stored after it is done, so that one that was cut off in between is done again.
   * @throws {PermanentError} the slot has done other steps before, or these in another order; a name is used twice; the result is too large
   * @throws {ConfigError} there is neither DATABASE_URL nor WORKER_CHECKPOINT_FILE
   * @throws {UnavailableError} the database can't be reached, or the run no longer holds its lock, and is stopped
   */
  step<T>(
    name: string,
    work: (...given: Parameters<Work>) => Promise<T> | T,
    options?: TransactionOptions,
  ): Promise<Plain<T>>;
}

/** The steps of a job with these needs: with PostgreSQL, a step may have a transaction. */
export type StepsOf<Needs extends Need> = 'postgres' extends Needs
  ? Steps<(client: Transaction) => unknown>
  : Steps<() => unknown>;

/** A connection pool of node-postgres that knows transactions, and stops on the server what the run no longer waits for. */
export interface PostgresPool extends Pool {
  /**
   * Runs `work` in a transaction on a connection of its own: committed when `work` returns, rolled back when it throws. When the
   * signal aborts, the running statement is cancelled on the server and the transaction rolled back at once, even while `work`
   * waits for something else; each further `query` of it then fails with the signal's reason.
   * @throws the signal's reason, when it aborts before the commit
   * @throws {UnavailableError} the connection or the server failed; when that was at the commit, it may have been committed
   * @throws whatever `work` throws, or a failed statement that `work` passed over, since PostgreSQL then rolls back
   */
  transaction<T>(
    signal: AbortSignal,
    options: TransactionOptions,
    work: (transaction: Transaction) => Promise<T> | T,
  ): Promise<T>;
  /**
   * Runs statements that have no values in a transaction, all in one round trip, and returns the result of each: for many small
   * transactions, where the way to the server costs more than the work. When the signal aborts, what runs is cancelled on the server.
   * @param statements one statement each
   * @throws the signal's reason, when it aborts before the commit
   * @throws {UnavailableError} the connection or the server failed; when that was at the commit, it may have been committed
   */
  batch(signal: AbortSignal, options: TransactionOptions, statements: readonly string[]): Promise<QueryResult[]>;
  /**
   * Runs one statement outside of a transaction, for those that PostgreSQL takes nowhere else (VACUUM, CREATE INDEX CONCURRENTLY), or
   * that are one by themselves. When the signal aborts, it is cancelled on the server.
   * @throws the signal's reason, when it aborts
   * @throws {UnavailableError} the connection or the server failed
   */
  statement<Row extends QueryResultRow>(
    signal: AbortSignal,
    text: string,
    values?: readonly unknown[],
  ): Promise<QueryResult<Row>>;
  /** What an error means; undefined when it came neither from PostgreSQL nor from the connection to it. */
  failureOf(error: unknown): PostgresFailure | undefined;
}

/** What each need adds to the context, under its own name. */
export interface Resources {
  readonly postgres: PostgresPool;
  readonly rabbitmq: RabbitMq;
}

/** Which earlier runs are told. */
export interface PreviousRunsOptions {
  /** `succeeded`, unless said; `anyhow`: also those that failed or were stopped, where they left a result. */
  readonly ended?: 'succeeded' | 'anyhow';
}

/** An earlier run of the same name and shard. */
export interface PreviousRun {
  readonly runId: string;
  readonly scheduledAt: Date;
  readonly result: unknown;
}

/** What a program's exit code means for the run; the status of that name, or the `failed` that no retry can mend. */
export type ExitMeaning =
  | 'succeeded'
  | 'continued'
  | 'failed'
  | 'permanent'
  | 'rejected'
  | 'unavailable'
  | 'skipped'
  | 'misconfigured';

/** How a program is run. */
export interface ExecOptions {
  /** Variables over those of this process; `undefined` takes one away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Where it runs; the working directory of this process unless said. */
  readonly cwd?: string;
  /** What it reads on standard input; nothing unless said. */
  readonly input?: string | Uint8Array;
  /** Whether each line of its standard output is logged (the default), or all of it returned, up to 16 MiB. */
  readonly stdout?: 'log' | 'collect';
  /** What its exit codes mean, where they don't mean what they usually do: `{ 24: 'succeeded' }` for rsync. */
  readonly exitCodes?: Readonly<Record<number, ExitMeaning>>;
  /** Stops the program when it aborts, as the run's own signal does. */
  readonly signal?: AbortSignal;
}

/** What came of a program that succeeded. */
export interface ExecResult {
  readonly exitCode: number;
  /** With `stdout: 'collect'`; else empty. */
  readonly stdout: string;
  /** The JSON that it wrote to `RUN_JOB_RESULT_FILE`, if it did. */
  readonly result: unknown;
}

/** What every job is given, whatever it needs. */
export interface BaseContext<Params> {
  readonly job: string;
  /** What the run is known by: the job's own name unless `--as` gave another. */
  readonly name: string;
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
  /**
   * A fencing token, for writes where the run's lock doesn't reach: of two runs that the lock kept apart, the later one has the larger
   * number. Refuse a write whose number is smaller than one that has been seen. A safe integer: microseconds since 1970, or more.
   * Without `DATABASE_URL` there is no lock, and it is the time of the start.
   */
  readonly fence: number;
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
  previousRuns(limit: number, options?: PreviousRunsOptions): Promise<PreviousRun[]>;
  /**
   * Runs a program to its end: no shell, a session of its own, its output in the log, `RUN_JOB_…` in its environment. When the run is
   * asked to stop, so is the program with all that it has started, and what is left of it at the end of the grace is killed.
   * @throws {ExecError} it ended with another exit code than 0, or by a signal
   * @throws {ConfigError} it can't be run: it isn't there, isn't executable, or was built for another machine
   */
  exec(program: string, args?: readonly string[], options?: ExecOptions): Promise<ExecResult>;
  /**
   * Ends the run as `continued` (exit 80): its progress is saved and its time nearly up, and a new pod is to go on.
   * @param result what this run has done
   * @throws {ContinueError} always, as if the job threw it itself
   */
  continue(result?: unknown): never;
}

/** The context of a job with these parameters, needs and checkpoint. */
export type Context<
  Params,
  Needs extends Need,
  Saved extends CheckpointSchema | undefined = undefined,
> = BaseContext<Params> & Pick<Resources, Needs> & StepsOf<Needs> & CheckpointOf<Saved>;

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

/** The slot of another name that must have succeeded before a run begins. */
export interface After {
  /** What that one is known by. */
  readonly name: string;
  /**
   * `same`: its slot of the very same scheduled time. `latest`: its newest slot that isn't later than this one's; by its schedule where one
   * is known, else by its runs.
   */
  readonly slot: 'same' | 'latest';
  /** How long a run waits for it; `WORKER_LOCK_WAIT_SECONDS` unless said. */
  readonly within?: Duration;
}

/** A valibot schema of the parameters: an object whose entries can be set by `--param name=value`. */
export type ParamsSchema = GenericSchema<Record<string, unknown>, unknown>;

/** The parameters of a job that takes none. Not `Record<string, never>`, which would have a value for every name, mistyped ones too. */
export type NoParams = Readonly<Record<never, never>>;

/** The type of `ctx.params`: the schema's output, or an empty object when the job takes no parameters. */
export type ParamsOf<Schema> = Schema extends ParamsSchema ? InferOutput<Schema> : NoParams;

/** What `defineJob` takes. */
export interface JobDefinition<
  Schema extends ParamsSchema | undefined,
  Needs extends Need,
  Result,
  Saved extends CheckpointSchema | undefined = undefined,
> {
  /** snake_case, and the same as the file's name. */
  readonly name: string;
  readonly description: string;
  /** How long a run may take; `WORKER_DEFAULT_TIMEOUT_SECONDS` unless said. */
  readonly timeout?: Duration;
  readonly retry?: RetryPolicy;
  readonly params?: Schema;
  readonly needs?: readonly Needs[];
  /** One run at a time over all names that the job runs as (`--as`); each name has a lock of its own unless said. */
  readonly exclusive?: boolean;
  /**
   * `slots`: runs of different slots of a name may work at the same time, as `run-job backfill --parallel` has them do; two of one slot never
   * do. Unless said, a name runs once at a time, whatever its slots.
   */
  readonly overlap?: 'slots';
  /** What each run that stands for a slot waits for; a schedule that says so itself goes before it. */
  readonly after?: readonly After[];
  /** After so many failures in a row the name is paused, until somebody resumes it; a schedule that says so itself goes before it. */
  readonly pauseAfter?: number;
  /**
   * What the job saves of its progress, as a valibot schema. A value of an older shape is refused, unless the schema takes it too and
   * turns it into the newer one.
   */
  readonly checkpoint?: Saved;
  /**
   * Whether what the job works on is there, beyond the connections: `run-job doctor --jobs <name>` asks, and so does `helm test`.
   * It changes nothing, and throws what a run would.
   */
  check?(context: CheckContext<Needs>): Promise<void> | void;
  run(context: Context<ParamsOf<Schema>, Needs, Saved>): Promise<Result> | Result;
}

/** The program that a command runs and its arguments, with no shell between. */
export type CommandLine = readonly [program: string, ...args: string[]];

/** What `defineCommand` takes. */
export interface CommandDefinition<Schema extends ParamsSchema | undefined>
  extends Pick<
      JobDefinition<Schema, never, unknown>,
      'name' | 'description' | 'timeout' | 'retry' | 'params' | 'overlap' | 'after' | 'pauseAfter'
    >,
    Pick<ExecOptions, 'env' | 'cwd' | 'exitCodes'> {
  /** The program and its arguments, or what makes them of the parameters, which the program also gets as `RUN_JOB_PARAM_…`. */
  readonly command: CommandLine | ((params: ParamsOf<Schema>) => CommandLine);
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
  /** What a command runs; its `run` does no more than that. */
  readonly command?: CommandLine | ((params: never) => CommandLine);
  readonly exclusive?: boolean;
  readonly overlap?: 'slots';
  readonly after?: readonly After[];
  readonly pauseAfter?: number;
  readonly checkpoint?: CheckpointSchema;
  check?(context: CheckContext<Need>): Promise<void> | void;
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
  const Saved extends CheckpointSchema | undefined = undefined,
>(definition: JobDefinition<Schema, Needs, Result, Saved>): Job & JobDefinition<Schema, Needs, Result, Saved> {
  return Object.assign(Object.create({ [BRAND]: true }), { needs: [] }, definition);
}

/**
 * Defines a job that is a program in any language. Export it as the default of a file named after it.
 *
 * @example
 * export default defineCommand({
 *   name: 'backup',
 *   description: 'Dumps the database',
 *   timeout: '30m',
 *   command: ['pg_dump', '--file=/backup/orders.dump', '--format=custom', 'orders'],
 * });
 */
export function defineCommand<const Schema extends ParamsSchema | undefined = undefined>(
  definition: CommandDefinition<Schema>,
): Job & JobDefinition<Schema, never, unknown> & Pick<CommandDefinition<Schema>, 'command'> {
  const { command, env, cwd, exitCodes } = definition;
  const options = { ...(env && { env }), ...(cwd !== undefined && { cwd }), ...(exitCodes && { exitCodes }) };
  return Object.assign(Object.create({ [BRAND]: true }), {
    ...definition,
    needs: [],
    async run({ params, exec }: BaseContext<ParamsOf<Schema>>) {
      const line: unknown = typeof command === 'function' ? command(params) : command;
      // What is no list, in a file that nobody type-checks, is told of by the runner.
      const [program, ...args] = (Array.isArray(line) ? line : [line]) as [string, ...string[]];
      return (await exec(program, args, options)).result;
    },
  });
}

/** Whether a value came from `defineJob`, of this copy of the library or of another. */
export function isJob(value: unknown): value is Job {
  return typeof value === 'object' && value !== null && BRAND in value;
}
