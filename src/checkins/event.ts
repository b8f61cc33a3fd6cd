// What services are told of a run.

/** `log`: something of note that changes nothing, such as a failure that is tried again. */
export type CheckInKind = 'start' | 'log' | 'success' | 'failure';

/** One thing that is told of a run. */
export interface CheckInEvent {
  readonly kind: CheckInKind;
  /** A UUID that all runs of one Job share. */
  readonly id: string;
  /** What the run is known by. */
  readonly name: string;
  readonly job: string;
  readonly runId: string;
  readonly scheduledAt: Date;
  readonly host: string;
  readonly environment?: string | undefined;
  readonly traceId?: string | undefined;
  readonly status?: string | undefined;
  readonly exitCode?: number | undefined;
  /** From the first start to the end; absent where that isn't known. */
  readonly durationMs?: number | undefined;
  /** For people; without secrets. */
  readonly text: string;
  /** What a service that makes its own monitors is to expect. */
  readonly monitor?: MonitorSettings | undefined;
}

/** What a monitor is to expect of a name. */
export interface MonitorSettings {
  readonly cron: string;
  readonly timeZone: string;
  /** How long after its slot a run may begin without being late, in milliseconds. */
  readonly lateAfterMs: number;
  /** How long a Job with all its retries may take, in milliseconds. */
  readonly deadlineMs: number;
  readonly owner?: string | undefined;
  /** A URL of what to do when something is wrong. */
  readonly runbook?: string | undefined;
  readonly tags: readonly string[];
}
