// What a run is asked to do, and the ports that it does it through.
import type { Attributes, Context, Job, Need, Shard } from '../job.ts';
import type {
  Alerts,
  Calendar,
  Checkpoints,
  Clock,
  Closable,
  History,
  KnownSchedule,
  Locks,
  Ordered,
  Place,
  Programs,
  ProgressBar,
  RunLog,
  Telemetry,
  TerminationLog,
  Usage,
  Watchdog,
} from './ports.ts';
import type { Redactor } from './redact.ts';
import type { Stop } from './stop.ts';

/** What to do when the job's lock is held, or the concurrency limit reached. */
export type LockedPolicy = 'skip' | 'fail' | 'wait';

/** One run, as it was asked for. Times are in milliseconds. */
export interface RunRequest {
  readonly runId: string;
  readonly job: string;
  /** What it is known by: lock, slot, history and metrics go by it. */
  readonly name: string;
  readonly startedAt: Date;
  readonly scheduledAt: Date;
  /**
   * Where `scheduledAt` is from: a CronJob or a person; the run's start, which the pods of a Job of Kubernetes share where there is a
   * database; or the run's start alone, for which no other run can have succeeded.
   */
  readonly scheduledBy: 'schedule' | 'job' | 'start';
  readonly shard: Shard;
  readonly dryRun: boolean;
  /** Run a slot that has succeeded already once more. */
  readonly forced: boolean;
  /** `--restart`: what earlier runs of the slot have saved is dropped. */
  readonly restart: boolean;
  readonly locked: LockedPolicy;
  /** As given on the command line: what is recorded of a run that never got to validate them. */
  readonly params: unknown;
  /** All that it was asked to do, to be recorded. */
  readonly ordered?: Ordered;
  readonly version: string;
  readonly place: Place;
  /** What the run lacks and ought to have; told in its summary. */
  readonly warning?: string | undefined;
  /** How long the run may wait for the lock, for a place, and for a database that is full or just starting. */
  readonly lockWaitMs: number;
  readonly maxConcurrentJobs: number;
  /** The longest that connecting and taking the lock can last, every step of it at its own limit. */
  readonly connectLimitMs: number;
  readonly graceMs: number;
  readonly flushMs: number;
  /** How often Kubernetes starts a new pod after one that failed. */
  readonly retries: number;
  /** How long check-ins and notifications may take at the end, while telemetry is sent. */
  readonly notifyMs: number;
  /** How long it may take to record the end of a run that had begun. */
  readonly recordMs: number;
  readonly historyDays: number;
}

/** The job, ready to run: loaded, its parameters validated. */
export interface Prepared {
  readonly job: Job;
  readonly params: unknown;
  readonly paramsDigest: string;
  readonly timeoutMs: number;
}

/** What the job needs, connected; closed in the reverse order of opening. */
export interface OpenResources {
  readonly resources: Partial<Pick<Context<unknown, Need>, Need>>;
  /** Each step's name, how it is closed, and what the job has begun through it and not ended. */
  readonly close: readonly (Closable & { readonly what: string; readonly undone?: () => string | undefined })[];
}

/** The database that locks and records runs. */
export interface Database extends Closable {
  /** What a span of a call to it is told with, by OpenTelemetry's conventions for databases. */
  readonly attributes: Attributes;
  readonly locks: Locks;
  readonly history: History;
  /**
   * Looks after the name's schedule, when the run's own work is done: tells of it where nobody has, and records slots that were missed.
   * Absent where there is nothing to look after.
   */
  readonly tendSchedule?: (known: KnownSchedule | undefined) => Promise<void>;
  /** Closes connections that nobody uses now; what comes next opens them again. Never rejects. */
  rest(): Promise<void>;
}

/** Everything outside the runner that a run touches. */
export interface Ports {
  readonly stop: Stop;
  readonly log: RunLog;
  readonly redactor: Redactor;
  readonly telemetry: Telemetry;
  /** Absent where nobody is to be told. */
  readonly alerts: Alerts | undefined;
  readonly database: Database | undefined;
  readonly calendar: Calendar;
  /** Opens what keeps the progress of slots; absent where there is nothing to keep it in. Called once, when something is first asked of it. */
  readonly openCheckpoints: (() => Promise<Checkpoints>) | undefined;
  readonly watchdog: Watchdog;
  readonly clock: Clock;
  readonly terminationLog: TerminationLog;
  readonly programs: Programs;
  /** The last lines of the log and of programs, redacted: what is kept of a run that didn't succeed. */
  readonly lastLines: () => readonly string[];
  /** Absent where standard error is no terminal. */
  readonly progressBar: ProgressBar | undefined;
  /** Asks sidecars that were injected into the pod to stop, so that its Job can end. Never rejects. Absent where there are none. */
  readonly shutDownSidecars: (() => Promise<void>) | undefined;
  /** Waits until what the job has printed by itself is written, `limitMs` at most; returns how many bytes are not. Never rejects. */
  readonly flushOutput: (limitMs: number) => Promise<number>;
  /** The last line has been written: what the job has left behind says nothing after it. */
  readonly endOutput: () => void;
  readonly usage: () => Usage;
  /** In [0, 1). */
  readonly random: () => number;
  /**
   * Loads the job and validates what it was given.
   * @throws {UsageError} bad parameters
   * @throws {ConfigError} a bad environment, or a file that isn't a job
   */
  prepare(): Promise<Prepared>;
  /**
   * Connects what the job needs.
   * @throws {UnavailableError} it can't be reached
   */
  open(job: Job): Promise<OpenResources>;
}
