// What is left of a schedule that has been played: of each run, by one clock, what it did, what was done to it, and what it says of itself.
import type { Summary } from '../../src/runner/outcome.ts';
import type { Start } from './schedule.ts';

/** The connection that holds the run's lock was ended, if it had one then: some time between these two. */
export interface Loss {
  readonly from: number;
  readonly to: number;
  /** What the run said, when this is what it noticed by itself. */
  readonly noticed?: string;
}

/** What a run left, and what it met. Times are milliseconds of the clock of `now` in work.ts. */
export interface RunEvidence {
  readonly run: number;
  readonly start: Start;
  /** Runs of the same piece of work have the same; undefined where each run is a piece of its own. */
  readonly slot: string | undefined;
  readonly startedAt: number;
  /** When its end was seen. */
  readonly endedAt: number;
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Its last log line. */
  readonly summary: (Summary & { readonly level: string; readonly msg: string }) | undefined;
  readonly termination: Summary | undefined;
  /** When its work began, when it last gave a sign of life, and when it was done. */
  readonly work:
    | {
        readonly begin: number;
        readonly last: number;
        readonly done: number | undefined;
        /** What fences its writes. */
        readonly fence: number | undefined;
      }
    | undefined;
  /** When it was sent SIGKILL by us. */
  readonly killedAt: number | undefined;
  /** When it was sent SIGTERM. */
  readonly termedAt: readonly number[];
  readonly losses: readonly Loss[];
  /** Whether it had no way to the database when it ended. */
  readonly cutOff: boolean;
  /** Whether its row is in the table `work`. */
  readonly row: boolean;
  readonly record: RecordEvidence | undefined;
  readonly output: string;
}

/** A row of `run_job.runs`, as far as it is compared. */
export interface RecordEvidence {
  readonly id: string;
  readonly status: string;
  readonly exit_code: number | null;
  readonly reason: string | null;
}

/** All that is left when everything has ended and each name has run once more. */
export interface Evidence {
  readonly limit: number;
  readonly runs: readonly RunEvidence[];
  /** What went wrong while it was played: a run that hung, a lock that stayed. */
  readonly problems: readonly string[];
}
