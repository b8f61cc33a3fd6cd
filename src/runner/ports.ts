// What a run needs from outside, each as a port that an adapter implements and test/contracts holds to its word.
import type {
  Attributes,
  ExecOptions,
  ExecResult,
  ExitMeaning,
  Fields,
  Logger,
  PreviousRun,
  PreviousRunsOptions,
  Shard,
  Span,
  SpanOptions,
  Transaction,
} from '../job.ts';
import type { Cancellation, Decisions, Pause } from './decisions.ts';
import type { ErrorInfo, Measures, ProgramExit, SkipReason, Status, Summary } from './outcome.ts';

/** The idempotency key: one piece of work that must succeed once. */
export interface Slot {
  /** What the run is known by: the job's own name unless another was given. */
  readonly name: string;
  readonly scheduledAt: Date;
  readonly shard: Shard;
  /** Of the validated parameters; empty when they never were validated. */
  readonly paramsDigest: string;
}

/** Where a run takes place. */
export interface Place {
  readonly host: string;
  readonly pid: number;
  readonly podName?: string;
  readonly jobName?: string;
  /** The Kubernetes Job's uid, which all of its pods share. */
  readonly jobUid?: string;
  readonly cronJobName?: string;
  readonly namespace?: string;
  readonly nodeName?: string;
}

/** What a run was asked to do, besides its job, its name and its slot; without what nobody said. */
export interface Ordered {
  /** Parameters as given, before they were validated: as JSON, and one by one as text, which means what the job's schema makes of it. */
  readonly params?: Readonly<Record<string, unknown>>;
  readonly pairs?: Readonly<Record<string, string>>;
  /** The program of `run-job exec`. */
  readonly command?: {
    readonly program: string;
    readonly args: readonly string[];
    readonly exitCodes: Readonly<Record<number, ExitMeaning>>;
    readonly raw: boolean;
  };
  readonly timeoutMs?: number;
  readonly attempts?: number;
}

/** One call of the job inside a run. */
export interface Attempt {
  readonly startedAt: Date;
  /** Absent of one that goes on, or that ended the run. */
  readonly endedAt?: Date;
  /** How it failed, in short. Already redacted. */
  readonly error?: Pick<ErrorInfo, 'name' | 'message'>;
  /** How long the next one is waited for; absent where there is none. */
  readonly retryInMs?: number;
}

/** What keeps a run from beginning. */
export interface WaitsFor {
  readonly reason: 'locked' | 'limit' | 'after';
  readonly since: Date;
  /** How long it waits at most. */
  readonly until: Date;
  /** The run that has the lock, where that is known. */
  readonly holder?: string;
  /** The name that it comes after. */
  readonly after?: string;
}

/** What a run tells of itself while it lives, for whoever watches. */
export interface Told {
  readonly waiting?: WaitsFor;
  readonly attempts?: readonly Attempt[];
  readonly progress?: { readonly done: number; readonly total?: number };
}

/** What is known of a run when it begins. */
export interface RunStart {
  readonly id: string;
  readonly job: string;
  readonly slot: Slot;
  readonly startedAt: Date;
  /** When it had all that it waited for; absent when it never got so far. */
  readonly begunAt?: Date;
  /** When the run must have stopped; absent when it never got so far. */
  readonly deadline?: Date;
  /** Already redacted. */
  readonly params: unknown;
  readonly dryRun: boolean;
  /** `--force`: this slot may succeed more than once. */
  readonly forced: boolean;
  /** What the run was asked to do, as it was given; already redacted. What `run-job rerun` does again. */
  readonly ordered?: Ordered;
  readonly traceId?: string;
  readonly version: string;
  readonly place: Place;
  /** How often Kubernetes starts a new pod after one that failed. */
  readonly retries: number;
  /** The id that all runs of its Job check in by; absent where the run doesn't check in. */
  readonly checkIn?: string;
}

/** What is known of a run when it has ended. */
export interface RunEnd {
  readonly status: Status;
  readonly exitCode: number;
  readonly endedAt: Date;
  readonly durationMs: number;
  readonly attempts: number;
  readonly reason?: SkipReason;
  /** Why it was skipped, as a sentence. */
  readonly why?: string;
  /** Already redacted, and JSON. */
  readonly result?: unknown;
  /** Already redacted. */
  readonly error?: ErrorInfo;
  readonly peakRssBytes: number;
  readonly cpuMs: number;
  /** How the program of a command ended. */
  readonly program?: ProgramExit;
  /** The last lines of a run that didn't succeed. Already redacted. */
  readonly output?: readonly string[];
  /** Where there was more than one. */
  readonly tries?: readonly Attempt[];
}

/** What the history says of a run that has begun. */
export interface Started {
  /** The ids of the dead runs that were closed. */
  readonly lost: readonly string[];
  /** Whether there is something to prune. */
  readonly outdated: boolean;
  /** Of two runs that one lock kept apart, the later one has the larger number. */
  readonly fence: number;
  /** Whether earlier runs of the slot have left a checkpoint. */
  readonly checkpointed: boolean;
  /** The schedule that is known of the name. */
  readonly schedule?: KnownSchedule;
  /** Where the run checks in. */
  readonly checkIn?: CheckInBegun;
}

/** What the history says of a run that checks in. */
export interface CheckInBegun {
  /** Whether no other run of its Job has begun before. */
  readonly first: boolean;
  /** How many runs of its Job and shard have failed before in a way that Kubernetes counts. */
  readonly failures: number;
}

/** What a run is told of its name's schedule. */
export interface KnownSchedule {
  /** Who tells of it: a file's source, or `run`. */
  readonly source: string;
  readonly cron: string;
  readonly timeZone: string;
  readonly job: string;
  readonly shards: number;
  readonly cronJobName?: string;
  readonly namespace?: string;
  /** All of its slots up to here are settled. */
  readonly settledTo: Date;
}

/** A step that is done. */
export interface DoneStep {
  readonly name: string;
  /** The run that did it. */
  readonly runId: string;
  /** Plain JSON; absent when it returned nothing. */
  readonly result?: unknown;
}

/** What is kept of a slot that hasn't succeeded yet. */
export interface SlotProgress {
  /** What the job saved last, as JSON; undefined when nothing has been saved. */
  readonly value: string | undefined;
  /** In the order in which they were done. */
  readonly steps: readonly DoneStep[];
}

/** A part of it that is to be saved. */
export type ProgressChange = { readonly value: string } | { readonly steps: readonly DoneStep[] };

/** The slot whose progress it is, and the run that works on it. */
export interface CheckpointOwner {
  readonly slot: Slot;
  readonly runId: string;
  /** The larger one's run may save; of runs that have lost their lock, no save is taken. */
  readonly fence: number;
  readonly jobUid?: string;
}

/** Keeps the progress of slots from one run to the next. Every method throws `UnavailableError` when the store can't be reached. */
export interface Checkpoints {
  /**
   * Makes this run the one that saves: from now on no earlier one can, and what it had under way has been committed or not by now.
   * @param restart drops what runs of other Jobs of Kubernetes have saved, or whatever is there when this run isn't of one
   * @returns undefined when the run doesn't hold its lock, its record is closed, or a later run has begun
   */
  claim(owner: CheckpointOwner, restart: boolean): Promise<SlotProgress | undefined>;
  /**
   * Saves a part of it: in the open transaction of `client`, or in one of its own.
   * @returns false, when that isn't this run's to do: then nothing is saved, and the transaction of `client` can't be committed
   */
  save(owner: CheckpointOwner, change: ProgressChange, client?: Transaction): Promise<boolean>;
  /** What is saved, without the right to save. */
  read(owner: CheckpointOwner): Promise<SlotProgress>;
  /** Deletes it, because the slot has succeeded; absent where the record's end does so. */
  forget?(owner: CheckpointOwner): Promise<void>;
}

/** The runs of every name, kept for good. Every method throws `UnavailableError` when the store can't be reached. */
export interface History {
  /**
   * The scheduled time of a Job of Kubernetes that no CronJob made: `startedAt` for the first of its pods that asks, and for all
   * others what that one got.
   */
  scheduledTimeOf(jobUid: string, startedAt: Date): Promise<Date>;
  /**
   * The run that has already succeeded for this slot, if any. Dry runs and forced runs don't count.
   * @param lease the run's own, whose connection is free until the run has begun; when this fails, the lease is over
   */
  succeeded(slot: Slot, lease?: Lease): Promise<{ runId: string; endedAt: Date } | undefined>;
  /**
   * Records that the run has begun, and closes as `lost` every dead run of the same name. Most runs find nothing to prune, and needn't
   * ask: `keepDays` is for that.
   * @param lease the run's own, so that no moment shows the record without the lock; when this fails, the lease is over
   */
  start(run: RunStart, keepDays?: number, lease?: Lease): Promise<Started>;
  /**
   * Closes the run's record where it is still its own: it says running, or `lost`, which is what somebody else took it for. It may be
   * called again, and goes on trying for a while.
   * @param lease the run's own, which is released: by the same commit, where that is possible
   * @param done the slot that has succeeded, whose checkpoint goes with the same commit
   */
  end(id: string, end: RunEnd, lease?: Lease, done?: CheckpointOwner): Promise<void>;
  /**
   * Records a run that ended before it began (skipped, rejected, misconfigured, unavailable) in one step. Where its start has been
   * recorded although the run was never told so, that record is closed.
   */
  record(run: RunStart, end: RunEnd): Promise<void>;
  /**
   * Says what a run does now, in place of what was said before; its end takes that back. Whatever goes wrong is only that nobody sees it: never
   * rejects.
   */
  tell(run: Pick<RunStart, 'id' | 'job' | 'slot' | 'place'>, told: Told): Promise<void>;
  /** Deletes records that ended more than `days` ago, and begins no further batch after `withinMs`; returns how many it has deleted. */
  prune(days: number, withinMs?: number): Promise<number>;
  /** The newest first. */
  previousRuns(name: string, shard: Shard, limit: number, options?: PreviousRunsOptions): Promise<PreviousRun[]>;
  /**
   * Pauses the name where its newest `failures` runs have failed, one after the other, since it was resumed last; returns the pause that this
   * has made. Runs that were cancelled, interrupted or skipped count neither as failures nor as what ends a row of them.
   * @param lease as for `succeeded`
   */
  pauseAfter(name: string, failures: number, lease?: Lease): Promise<Pause | undefined>;
  /** The schedule of a name that is in force now. */
  scheduleOf(name: string, lease: Lease): Promise<Schedule | undefined>;
  /** What has become of a slot, or of the newest recorded one that isn't later than `upTo`, over all of its parts and parameters. */
  standing(name: string, slot: { at: Date } | { upTo: Date }, lease: Lease): Promise<Standing | undefined>;
}

/** When a name runs. */
export interface Schedule {
  readonly cron: string;
  readonly timeZone: string;
  /** Since when: slots after this are its own. */
  readonly since: Date;
}

/** What has become of a slot. */
export interface Standing {
  readonly scheduledAt: Date;
  /** In all of its parts. */
  readonly succeeded: boolean;
  /** Of its newest run, with the reason if it was skipped; absent where none has begun. */
  readonly status?: string;
}

/** Questions about times that schedules name. */
export interface Calendar {
  /** The blackout that an instant lies in, in words; undefined where it lies in none. */
  blackoutAt(rules: { readonly blackouts: unknown; readonly timeZone: string }, at: Date): Promise<string | undefined>;
  /** The newest slot that isn't later than an instant; undefined where there is none. */
  latestSlot(schedule: Schedule, at: Date): Promise<Date | undefined>;
}

/** Who holds a lock, as far as it can be told. */
export interface Holder {
  readonly runId?: string;
  readonly place?: Partial<Place>;
  readonly since?: Date;
}

/** A held lock. It is freed by `release` or by the death of this process, and by nothing else. */
export interface Lease {
  /** Resolves with the cause when the lock can no longer be proved to be held; never rejects. */
  readonly lost: Promise<Error>;
  /** Resolves when somebody wants the run to end; never rejects. */
  readonly cancelled: Promise<Cancellation>;
  /** The descriptor of the connection that holds the lock: the lock isn't free before all who have it open have closed it. */
  readonly descriptor: number | undefined;
  /** Asks for a proof now. Returns whether the lock is held; never rejects, and where it isn't, `lost` has resolved. */
  prove(): Promise<boolean>;
  release(): Promise<void>;
}

export type LockResult = { readonly decisions: Decisions } & (
  | { readonly held: true; readonly lease: Lease }
  | { readonly held: false; readonly reason: 'locked' | 'limit'; readonly holder?: Holder }
);

/** What a run asks for when it asks for its locks. */
export interface LockRequest {
  readonly runId: string;
  /** What it runs as; or the job, which has one lock over all its names when it says so. */
  readonly name: string;
  readonly shard: Shard;
  /** Most runs at once, of all names. */
  readonly limit: number;
  /** The scheduled time, where runs of other slots may work at the same time; one run at a time of all slots unless given. */
  readonly slot?: Date;
  /** What the run is known by, where the lock is of all names of its job: whose decisions count. */
  readonly runsAs?: string;
  /** The Job of Kubernetes that the run belongs to: what is cancelled of it is cancelled for good. */
  readonly jobUid?: string | undefined;
}

/** One run at a time per name and shard, and at most so many at once in all. */
export interface Locks {
  /**
   * Takes the name's lock, or that of its slot, the run's own lock and one of the `limit` places, or nothing, and says what is decided of the run. Never waits for a lock. Runs of shards
   * run beside each other when their count is the same; a run of another count, or of the whole, is refused.
   * @throws {UnavailableError} the lock's keeper can't be reached; `passing` when it is full or just starting
   * @throws {ConfigError} it isn't as this version needs it
   */
  acquire(request: LockRequest): Promise<LockResult>;
}

/** Time. The runner asks nobody else for it, so that a test can turn it. */
export interface Clock {
  /** What the wall clock says, which somebody may set. */
  now(): Date;
  /** Milliseconds since some moment in the past, by a clock that nobody can set. */
  monotonicMs(): number;
  /**
   * Calls back once, after `ms`; returns what cancels that. The timer doesn't keep the process alive unless `keepAlive` says so: an
   * event loop with nothing but timers left can never finish a job.
   */
  startTimer(ms: number, callback: () => void, options?: { readonly keepAlive?: boolean }): () => void;
}

/** A request over HTTP as plain data, which another thread or process can send too. */
export interface OutgoingRequest {
  /** Whom it is for, in words that hold no secret. */
  readonly to: string;
  readonly method: 'GET' | 'POST' | 'PUT';
  /** It may hold a secret. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/**
 * Tells services outside how the run goes: a check-in when it begins and when it ends, and notifications. Nothing here throws, rejects or
 * changes the outcome.
 */
export interface Alerts {
  /** The id that all runs of the Job for this slot check in by; undefined where nobody is checked in with. */
  checkInId(slot: Slot): string | undefined;
  /** The run has begun: tells so while the job works. */
  begun(run: RunStart, started: Started): void;
  /** What is to be sent for a run that has to be killed while it is `doing` something. */
  ifKilled(doing: string): readonly OutgoingRequest[];
  /**
   * It is decided how the run ends: begins to tell so.
   * @param started absent of a run that never began
   * @param recorded resolves with whether the history has it
   */
  ended(run: RunStart, end: RunEnd, started: Started | undefined, recorded: Promise<boolean>): void;
  /** Resolves when all is told, after `budgetMs` at the latest, with a sentence for all that couldn't be told. */
  flush(budgetMs: number): Promise<readonly string[]>;
}

/** What the watchdog needs to speak for a run whose own thread can't. */
export interface LastWords {
  /** What the run is doing, to follow 'while'. */
  readonly doing: string;
  /** The run's summary as it will be true: `timed_out`, or the outcome once that is decided. The thread itself measures what it took. */
  readonly account: Omit<Summary, keyof Measures>;
  /** When the run began, by the monotonic clock. */
  readonly startedAtMs: number;
  /** Whether the run has a record that says running, which is to be closed. */
  readonly recorded: boolean;
  /** Whether it is told already how the run ended. */
  readonly ended: boolean;
  /** Whether there is a cause already for the run to end. */
  readonly decided: boolean;
  /** Whether the run holds its lock, and mustn't go on without it. */
  readonly locked: boolean;
  /** Whether the run knows that its lock is lost: another may begin at any moment, so that there is no time to wait for this one. */
  readonly lockLost: boolean;
  /** What is to be sent then. */
  readonly requests: readonly OutgoingRequest[];
}

/** What the run goes on to: its end, or its last line and its exit code. */
export type EndStage = 'ending' | 'leaving';

/** Ends the process when the time it was given has passed and nobody has given it more. */
export interface Watchdog {
  /** From now on the process has `inMs` milliseconds, in place of what it had before. */
  arm(inMs: number, lastWords: LastWords): void;
  /**
   * The run says itself how it ends, or how it has ended: from now on the watchdog won't say otherwise. Never returns where that speaks for the
   * run already, and is about to end the process.
   */
  claim(stage: EndStage): void;
}

/** What the process has taken so far. */
export type Usage = Omit<Measures, 'durationMs'>;

/** Where the termination message goes, each over the one before. A path that can't be written to is no error. */
export interface TerminationLog {
  write(message: string): void;
}

/** The bar on a terminal that shows how far the job is. */
export interface ProgressBar {
  /** @param elapsedMs since the work began */
  draw(done: number, total: number | undefined, elapsedMs: number): void;
  wipe(): void;
}

/** A log whose children add fields to every line. */
export interface RunLog extends Logger {
  child(fields: Fields): RunLog;
}

/** The run as a program is told of it. */
export interface ProgramRun {
  readonly runId: string;
  /** What the run is known by. */
  readonly name: string;
  readonly attempt: number;
  readonly scheduledAt: Date;
  readonly deadline: Date;
  readonly dryRun: boolean;
  readonly shard: Shard;
  /** Of two runs that one lock kept apart, the later one has the larger number. */
  readonly fence: number;
  /** The validated parameters. */
  readonly params: unknown;
}

/** How a command's program differs from one that a job runs by the way. */
export interface ProgramOptions extends ExecOptions {
  /** Its output goes untouched to where ours goes. */
  readonly raw?: boolean;
  /** It reads what we would read. */
  readonly inheritInput?: boolean;
}

/** One program that is to be run, and for whom. */
export interface ProgramCall {
  readonly program: string;
  readonly args: readonly string[];
  readonly options: ProgramOptions;
  readonly run: ProgramRun;
  readonly log: Logger;
  /** Aborts when the program is to stop. */
  readonly signal: AbortSignal;
  /** How long it may take for that, in milliseconds, once there is a cause. */
  readonly graceMs: () => number;
  readonly progress: (done: number, total?: number) => void;
  /** `traceparent` and `tracestate` of the span that the program's own spans belong under. */
  readonly traceHeaders: Readonly<Record<string, string>>;
  readonly onEnd: (exit: ProgramExit) => void;
  /** The descriptor that the run's lock hangs on. */
  readonly lockDescriptor: number | undefined;
  /** What a command's program keeps from run to run; absent of other programs, and where nothing can be kept. */
  readonly checkpoint: ProgramCheckpoint | undefined;
}

/** The content of the file that a program keeps its progress in. */
export interface ProgramCheckpoint {
  /** What an earlier run has left; undefined when there is nothing. */
  readonly text: string | undefined;
  /** Saves what the program has written, and tells whether it is; what isn't is a warning, and a lost lock stops the run. Never rejects. */
  save(text: string): Promise<boolean>;
}

/** Runs programs, each with all that it starts. */
export interface Programs {
  /**
   * Runs a program; resolves or rejects when nothing of it lives any more.
   * @throws {ExecError} it didn't succeed
   * @throws {ConfigError | UnavailableError} it can't be run
   */
  exec(call: ProgramCall): Promise<ExecResult>;
  /** Kills what still runs, because nobody waited for it; resolves when nothing lives any more. */
  endAll(): Promise<void>;
}

/** Something that was opened and must be closed. */
export interface Closable {
  close(): Promise<void>;
}

/** The run's trace and metrics. Nothing here may throw or change a run's outcome. */
export interface Telemetry {
  /** The trace that the run belongs to, if there is one: its own, or that of `TRACEPARENT`. */
  readonly traceId: string | undefined;
  /** The ids of the span that is open where this is called, for a log line. */
  currentSpan(): { traceId: string; spanId: string } | undefined;
  span<T>(name: string, options: SpanOptions, step: (span: Span) => Promise<T>): Promise<T>;
  /** Counts items of work (metric `job.items`). */
  count(item: string, amount: number, attributes?: Attributes): void;
  /** Whether OTLP log export is on. */
  readonly exportsLogs: boolean;
  /** A log line, for OTLP log export where that is on. */
  log(level: 'debug' | 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>): void;
  /** Records the run's outcome on the root span and in the metrics, and ends every span that is still open. */
  end(run: RunStart, end: RunEnd): void;
  /** Sends everything within `budgetMs`, and says as a sentence what was lost. Undefined when telemetry is off. */
  flush(budgetMs: number): Promise<{ flushed: boolean; warning?: string } | undefined>;
}
