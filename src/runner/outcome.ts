// Every way that a run can end: one status and one exit code each.
// The codes are sysexits(3) where it has one, GNU timeout's 124, and 128 + signal number as shells report it.

/** How a run can end. */
export const STATUSES = [
  'succeeded',
  'skipped',
  'failed',
  'rejected',
  'unavailable',
  'crashed',
  'misconfigured',
  'cancelled',
  'continued',
  'timed_out',
  'interrupted',
  'lost',
] as const;

/** How a run ended. */
export type Status = (typeof STATUSES)[number];

/** What a record can say: a run that is under way, one that has ended, or a slot that passed without one. */
export type RecordStatus = 'running' | Status | 'missed';

/** Why a slot was missed: its name was paused, the run before it was still under way, or nobody knows. */
export type MissReason = 'paused' | 'previous_running' | 'unknown';

/** The exit code of each way to end. */
export const EXIT = {
  ok: 0,
  failed: 1,
  /** EX_USAGE */
  rejected: 64,
  /** EX_DATAERR: the job threw PermanentError. */
  permanent: 65,
  /** EX_UNAVAILABLE */
  unavailable: 69,
  /** EX_SOFTWARE */
  crashed: 70,
  /** EX_IOERR: what a command was asked for couldn't be printed. Never a run's: its log has no say in how it ends. */
  unprinted: 74,
  /** EX_TEMPFAIL: `--locked=fail`, or a run that waited in vain: for its lock, for a place, or for the slot that it comes after. */
  locked: 75,
  /** EX_CONFIG */
  misconfigured: 78,
  /** `run-job cancel`. */
  cancelled: 79,
  /** The job saved its progress and asks for a new pod. */
  continued: 80,
  /** As GNU timeout. */
  timedOut: 124,
  /** 128 + SIGABRT: V8's heap was exhausted. */
  aborted: 134,
  /** 128 + SIGKILL: the watchdog had to kill, or somebody else did. */
  killed: 137,
} as const;

/** The signals that ask a run to stop, and their numbers on Linux. */
export const STOP_SIGNALS = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGXCPU: 24,
  SIGVTALRM: 26,
  SIGIO: 29,
  SIGPWR: 30,
} as const;

export type StopSignal = keyof typeof STOP_SIGNALS;

/** 128 + the signal's number, as shells report it. */
export function signalExitCode(signal: StopSignal): number {
  return 128 + STOP_SIGNALS[signal];
}

/** An error as it is logged, recorded and shown: redacted, and plain data. */
export interface ErrorInfo {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
  readonly causes?: readonly ErrorInfo[];
}

/** How a run ended, before it is told to anybody. */
export interface Outcome {
  readonly status: Status;
  readonly exitCode: number;
  readonly result?: unknown;
  readonly error?: ErrorInfo;
  /** Why a run was skipped, for machines. */
  readonly reason?: SkipReason;
  /** Why a run was skipped, for people: one sentence. */
  readonly why?: string;
}

/**
 * Why a run was skipped: the lock was held, every place taken, the slot has succeeded already, its program said so with exit code 75, its name
 * is paused, its slot lies in a blackout, or the slot that it comes after hasn't succeeded.
 */
export type SkipReason = 'locked' | 'limit' | 'slot_succeeded' | 'program' | 'paused' | 'blackout' | 'after';

/** How a command's program ended: with an exit code, or by a signal. */
export interface ProgramExit {
  readonly exitCode: number | null;
  readonly signal: string | null;
}

/** What a run has taken so far. */
export interface Measures {
  readonly durationMs: number;
  readonly peakRssBytes: number;
  readonly cpuMs: number;
}

/** The one account of a run: its last log line, the core of its record, and its termination message. */
export interface Summary extends Outcome, Measures {
  readonly job: string;
  /** What the run is known by: the job's own name unless `--as` gave another. */
  readonly name: string;
  readonly runId: string;
  /** RFC 3339 */
  readonly scheduledAt: string;
  readonly shard?: { readonly index: number; readonly count: number };
  readonly attempts: number;
  readonly traceId?: string;
  /** Absent when telemetry is off. */
  readonly telemetryFlushed?: boolean;
  readonly dryRun?: boolean;
  /** What the run lacked and ought to have had, such as a lock. */
  readonly warning?: string;
  /** How the program of a command ended; absent for a job in TypeScript, and when it never began. */
  readonly program?: ProgramExit;
}
