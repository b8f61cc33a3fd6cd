// What a run knows of itself while it lives, and what it can say of itself at any moment.

import { hasCode } from '../errors.ts';
import type { SpanOptions } from '../job.ts';
import { monotonicMs } from '../process/clock.ts';
import { measure } from '../process/measures.ts';
import { signalExitCode } from '../process/signals.ts';
import { EXIT, type Measures, type Outcome, type Summary } from './outcome.ts';
import type { Lease, RunEnd, RunStart, Slot } from './ports.ts';
import type { Database, OpenResources, Prepared, RunRequest, World } from './request.ts';
import type { StopSignal } from './stop.ts';
import { terminationMessage, writeTermination } from './termination.ts';

/** How much longer than what it guards the watchdog waits: a live event loop always speaks first. */
const WATCHDOG_SLACK_MS = 500;

export class RunState {
  readonly request: RunRequest;
  readonly world: World;
  readonly slot: Slot;
  prepared: Prepared | undefined;
  lease: Lease | undefined;
  attempts = 0;
  /** Whether there is a record of this run that says `running`. */
  recorded = false;
  /** Whether the history holds records that are old enough to be deleted. */
  prunable = false;
  /** Whether the database failed us before the run began: then it can't be told of the end either. */
  databaseFailed = false;
  deadline: Date | undefined;
  /** What was opened for the job, in the order of opening. */
  readonly closing: OpenResources['close'][number][] = [];
  outcome: Outcome | undefined;
  readonly #finishers: (() => void)[] = [];
  #deadlineAt = Number.POSITIVE_INFINITY;

  constructor(request: RunRequest, world: World) {
    this.request = request;
    this.world = world;
    this.slot = { job: request.job, scheduledAt: request.scheduledAt, shard: request.shard };
  }

  /** The timeout starts to count: when the lock is held, so that waiting for it takes nothing from the job. */
  begin(): void {
    const timeoutMs = this.prepared?.timeoutMs ?? 0;
    this.#deadlineAt = monotonicMs() + timeoutMs;
    this.deadline = new Date(Date.now() + timeoutMs);
  }

  /** Milliseconds before the deadline, by a clock that nobody sets. */
  remainingMs(): number {
    return Math.max(0, this.#deadlineAt - monotonicMs());
  }

  /** Uses the database, and remembers when it can't be used. */
  async inDatabase<T>(use: (database: Database) => Promise<T>): Promise<T> {
    const { database } = this.world;
    if (!database) throw new Error('no database is configured');
    try {
      return await use(database);
    } catch (error) {
      if (hasCode(error, 'ERR_RUN_JOB_UNAVAILABLE') || hasCode(error, 'ERR_RUN_JOB_CONFIG')) this.databaseFailed = true;
      throw error;
    }
  }

  /** How the span of a call to the history begins. */
  historySpan(operation: 'INSERT' | 'UPDATE'): SpanOptions {
    return { kind: 'client', attributes: { 'db.operation.name': operation, ...this.world.database?.attributes } };
  }

  /** Something to do as soon as the job has ended. */
  onFinish(finish: () => void): void {
    this.#finishers.push(finish);
  }

  finish(): void {
    for (const finish of this.#finishers) finish();
  }

  /** The parameters as they can be told: validated, with defaults, once the job has been prepared; else as they were given. */
  params(): unknown {
    return this.world.redactor.value(this.prepared ? this.prepared.params : this.request.params);
  }

  /** The beginning of the run's record. */
  start(): RunStart {
    const { request, world } = this;
    return {
      id: request.runId,
      slot: this.slot,
      startedAt: request.startedAt,
      ...(this.deadline && { deadline: this.deadline }),
      params: this.params(),
      dryRun: request.dryRun,
      forced: request.forced,
      ...(world.telemetry.traceId !== undefined && { traceId: world.telemetry.traceId }),
      version: request.version,
      place: request.place,
    };
  }

  /** The end of the run's record. */
  end(outcome: Outcome): RunEnd {
    const measures = measure(this.request.startedAt.getTime());
    return { ...outcome, endedAt: new Date(), attempts: this.attempts, ...measures };
  }

  /** The one account of the run. */
  summary(outcome: Outcome): Summary {
    return this.#account(outcome, measure(this.request.startedAt.getTime()));
  }

  #account<M extends Partial<Measures>>(outcome: Outcome, measures: M): Omit<Summary, keyof Measures> & M {
    const { request, world } = this;
    const { status, exitCode, reason, result, error } = outcome;
    return {
      job: request.job,
      runId: request.runId,
      status,
      exitCode,
      ...(reason && { reason }),
      scheduledAt: request.scheduledAt.toISOString(),
      ...(request.shard.count > 1 && { shard: request.shard }),
      ...(request.dryRun && { dryRun: true }),
      attempts: this.attempts,
      ...measures,
      ...(world.telemetry.traceId !== undefined && { traceId: world.telemetry.traceId }),
      ...(result !== undefined && { result }),
      ...(error && { error }),
    };
  }

  /** From now on the process has this long before the watchdog kills it. */
  armWatchdog(doing: string, inMs: number): void {
    const { request, world } = this;
    world.watchdog.arm(inMs + WATCHDOG_SLACK_MS, {
      doing,
      account: this.#account(this.outcome ?? { status: 'timed_out', exitCode: EXIT.killed }, {}),
      startedAt: request.startedAt.getTime(),
      termination: request.terminationLog,
      ...(this.recorded && !this.outcome && request.databaseUrl && { databaseUrl: request.databaseUrl }),
    });
  }

  /** A second signal came: says at once how it stands, and returns the exit code. */
  sayLastWords(signal: StopSignal): number {
    const outcome = this.outcome ?? { status: 'interrupted', exitCode: signalExitCode(signal) };
    const summary = this.summary(outcome);
    writeTermination(this.request.terminationLog, terminationMessage(summary));
    this.world.log.error(`run ${outcome.status}: ended at once by a second ${signal}`, { ...summary });
    return outcome.exitCode;
  }
}
