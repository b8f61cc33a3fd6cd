// What a run knows of itself while it lives, and what it can say of itself at any moment.

import { hasCode, isPassing } from '../errors.ts';
import type { SpanOptions } from '../job.ts';
import type { Checkpointing } from './checkpointing.ts';
import { describeError } from './error-info.ts';
import { LOCK_LOST_END_MS, LOCK_LOST_GRACE_MS } from './grace.ts';
import { Live } from './live.ts';
import {
  type ErrorInfo,
  EXIT,
  type Measures,
  type Outcome,
  type ProgramExit,
  type StopSignal,
  type Summary,
  signalExitCode,
} from './outcome.ts';
import type { EndStage, Lease, Ordered, RunEnd, RunStart, Slot, Started } from './ports.ts';
import type { Database, OpenResources, Ports, Prepared, RunRequest } from './request.ts';
import { terminationMessage } from './termination.ts';
import { UnderWay } from './undone.ts';

/** How much longer than what it guards the watchdog waits: a live event loop always speaks first. */
const WATCHDOG_SLACK_MS = 500;

/** How much of the end of a run without its lock is kept for its last line, in milliseconds. */
const LAST_LINE_MS = 500;

export class RunState {
  readonly request: RunRequest;
  readonly ports: Ports;
  scheduledAt: Date;
  prepared: Prepared | undefined;
  lease: Lease | undefined;
  attempts = 0;
  /** What is said of the run while it lives. */
  readonly live: Live;
  begunAt: Date | undefined;
  /** Whether there is a record of this run that says `running`. */
  recorded = false;
  /** Whether the start may have been recorded although nobody has told us so. */
  startInDoubt = false;
  /** Whether the record says how the run has ended. */
  closed = false;
  /** Of two runs that one lock kept apart, the later one has the larger number; where there is no lock, the time of the start. */
  fence: number;
  /** After how many failures in a row the name is to be paused; undefined where nobody said. */
  pauseAfter: number | undefined;
  /** Whether earlier runs of the slot have left a checkpoint. */
  checkpointed = false;
  /** What the run keeps of its slot, once something has been asked of it. */
  checkpointing: Promise<Checkpointing> | undefined;
  /** Whether the history holds records that are old enough to be deleted. */
  prunable = false;
  /** Whether the database couldn't be reached, or isn't as it must be: then it can't be told of the end either. */
  databaseFailed = false;
  /** Whether the database was full, just starting or silent when it was asked last. */
  databaseBusy = false;
  /** What the history said when the run began. */
  started: Started | undefined;
  deadline: Date | undefined;
  /** How the program of a command ended, in its latest attempt. */
  program: ProgramExit | undefined;
  /** What was opened for the job, in the order of opening. */
  readonly closing: OpenResources['close'][number][] = [];
  outcome: Outcome | undefined;
  /** How many calls of the job have not ended yet, waited for or not. */
  working = 0;
  /** Calls of what this attempt of the job was given that have not ended yet. */
  underWay = new UnderWay();
  /** Whether the job has returned before all that it began was done. */
  leftUndone = false;
  /** Aborts when a run without its lock must be at its end. */
  readonly outOfTime = new AbortController();
  #databaseReached = false;
  #lockLostAt: number | undefined;
  #armedUntil = Number.POSITIVE_INFINITY;
  #doing = '';
  #lastWordsSaid = false;
  readonly #finishers: (() => void)[] = [];
  /** When the run began, by the monotonic clock. */
  readonly #startedAtMs: number;
  #deadlineAt = Number.POSITIVE_INFINITY;

  constructor(request: RunRequest, ports: Ports) {
    this.request = request;
    this.ports = ports;
    this.#startedAtMs = ports.clock.monotonicMs() - (ports.clock.now().getTime() - request.startedAt.getTime());
    this.scheduledAt = request.scheduledAt;
    this.fence = request.startedAt.getTime() * 1_000;
    this.live = new Live({
      clock: ports.clock,
      history: ports.database?.history,
      run: () => ({ id: request.runId, job: request.job, slot: this.slot, place: request.place }),
    });
  }

  /** The piece of work that this run is for. */
  get slot(): Slot {
    const { name, shard } = this.request;
    return { name, scheduledAt: this.scheduledAt, shard, paramsDigest: this.prepared?.paramsDigest ?? '' };
  }

  /** The timeout starts to count: when the lock is held, so that waiting for it takes nothing from the job. */
  begin(): void {
    const timeoutMs = this.prepared?.timeoutMs ?? 0;
    const { clock } = this.ports;
    this.#deadlineAt = clock.monotonicMs() + timeoutMs;
    this.begunAt = clock.now();
    this.deadline = new Date(this.begunAt.getTime() + timeoutMs);
  }

  /** Milliseconds before the deadline, by a clock that nobody sets. */
  remainingMs(): number {
    return Math.max(0, this.#deadlineAt - this.ports.clock.monotonicMs());
  }

  #measures(): Measures {
    const { clock, usage } = this.ports;
    return { durationMs: Math.round(clock.monotonicMs() - this.#startedAtMs), ...usage() };
  }

  /** Whatever was thrown, as it can be told. */
  describe(error: unknown): ErrorInfo {
    return describeError(error, this.ports.redactor);
  }

  /** Uses the database, and remembers when it can't be used. */
  async inDatabase<T>(use: (database: Database) => Promise<T>): Promise<T> {
    const { database } = this.ports;
    if (!database) throw new Error('no database is configured');
    try {
      const answer = await use(database);
      this.databaseBusy = false;
      this.#databaseReached = true;
      return answer;
    } catch (error) {
      this.databaseBusy = isPassing(error);
      if (this.databaseBusy) throw error;
      // One that has answered before may be back in a moment.
      const away = hasCode(error, 'ERR_RUN_JOB_UNAVAILABLE') && !this.#databaseReached;
      if (away || hasCode(error, 'ERR_RUN_JOB_CONFIG')) this.databaseFailed = true;
      throw error;
    }
  }

  /** How the span of a call to the history begins. */
  historySpan(operation: 'INSERT' | 'UPDATE'): SpanOptions {
    return { kind: 'client', attributes: { 'db.operation.name': operation, ...this.ports.database?.attributes } };
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
    return this.ports.redactor.value(this.prepared ? this.prepared.params : this.request.params);
  }

  /** The beginning of the run's record. */
  start(): RunStart {
    const { request, ports } = this;
    const checkIn = ports.alerts?.checkInId(this.slot);
    return {
      id: request.runId,
      job: request.job,
      slot: this.slot,
      startedAt: request.startedAt,
      ...(this.begunAt && { begunAt: this.begunAt }),
      ...(this.deadline && { deadline: this.deadline }),
      params: this.params(),
      dryRun: request.dryRun,
      forced: request.forced,
      ...(request.ordered && { ordered: ports.redactor.value(request.ordered) as Ordered }),
      ...(ports.telemetry.traceId !== undefined && { traceId: ports.telemetry.traceId }),
      version: request.version,
      place: request.place,
      retries: request.retries,
      ...(checkIn !== undefined && { checkIn }),
    };
  }

  /** The end of the run's record. */
  end(outcome: Outcome): RunEnd {
    return {
      ...outcome,
      endedAt: this.ports.clock.now(),
      attempts: this.attempts,
      ...this.#measures(),
      ...(this.program && { program: this.program }),
      ...(outcome.exitCode !== EXIT.ok && { output: this.ports.lastLines() }),
      ...(this.live.tries && { tries: this.live.tries }),
    };
  }

  /** The one account of the run. */
  summary(outcome: Outcome): Summary {
    return this.#account(outcome, this.#measures());
  }

  #account<M extends Partial<Measures>>(outcome: Outcome, measures: M): Omit<Summary, keyof Measures> & M {
    const { request, ports } = this;
    const { status, exitCode, reason, why, result, error } = outcome;
    return {
      job: request.job,
      name: request.name,
      runId: request.runId,
      status,
      exitCode,
      ...(reason && { reason }),
      ...(why !== undefined && { why: ports.redactor.text(why) }),
      scheduledAt: this.scheduledAt.toISOString(),
      ...(request.shard.count > 1 && { shard: request.shard }),
      ...(request.dryRun && { dryRun: true }),
      ...(request.warning !== undefined && { warning: request.warning }),
      attempts: this.attempts,
      ...(this.program && { program: this.program }),
      ...measures,
      ...(ports.telemetry.traceId !== undefined && { traceId: ports.telemetry.traceId }),
      ...(result !== undefined && { result }),
      ...(error && { error }),
    };
  }

  /** Whether something of the job may still work although nobody waits for it any more. */
  get abandoned(): boolean {
    const cause = this.ports.stop.cause?.kind;
    return this.working > 0 || this.leftUndone || cause === 'crash' || cause === 'drained';
  }

  /** How long the run may still take, whatever is configured: without end while it has its lock. */
  get lockLostLimitMs(): number {
    if (this.#lockLostAt === undefined) return Number.POSITIVE_INFINITY;
    const endsAt = this.#lockLostAt + LOCK_LOST_GRACE_MS + LOCK_LOST_END_MS;
    return Math.max(0, endsAt - this.ports.clock.monotonicMs());
  }

  /** The lock is lost: from now on the end is near, also where the run was stopping or ending already. */
  loseLock(): void {
    const { clock } = this.ports;
    if (this.#lockLostAt !== undefined) return;
    this.#lockLostAt = clock.monotonicMs();
    clock.startTimer(this.lockLostLimitMs - LAST_LINE_MS, () =>
      this.outOfTime.abort(new Error('the lock is lost, so that another run may have begun: this one ends without it')),
    );
    this.#rearmWatchdog();
  }

  /** The watchdog learns of what has changed, and the process has no more time than it had. */
  #rearmWatchdog(): void {
    this.armWatchdog(this.#doing, this.#armedUntil - this.ports.clock.monotonicMs());
  }

  /** The record says how the run has ended. */
  closeRecord(): void {
    this.closed = true;
    this.#rearmWatchdog();
  }

  /** From now on the process has this long before the watchdog kills it. */
  armWatchdog(doing: string, limitMs: number): void {
    const inMs = Math.max(0, Math.min(limitMs, this.lockLostLimitMs));
    this.#doing = doing;
    this.#armedUntil = this.ports.clock.monotonicMs() + inMs;
    this.ports.watchdog.arm(inMs + WATCHDOG_SLACK_MS, {
      doing,
      account: this.#account(this.outcome ?? this.#overdue(), {}),
      startedAtMs: this.#startedAtMs,
      recorded: (this.recorded || this.startInDoubt) && !this.closed,
      ended: this.outcome !== undefined,
      decided: this.outcome !== undefined || this.ports.stop.cause !== undefined,
      locked: this.lease !== undefined,
      lockLost: this.#lockLostAt !== undefined,
      requests: (this.outcome === undefined && this.ports.alerts?.ifKilled(doing)) || [],
    });
  }

  /** What is true of a run that doesn't end in time. */
  #overdue(): Outcome {
    const cancelled = this.ports.stop.cause?.kind === 'cancelled';
    return { status: cancelled ? 'cancelled' : 'timed_out', exitCode: EXIT.killed };
  }

  /** Goes on to say how the run ends. Never resolves where somebody else says so: a second signal or the watchdog. */
  async claim(stage: EndStage): Promise<void> {
    if (this.#lastWordsSaid) await new Promise(() => undefined);
    this.ports.watchdog.claim(stage);
  }

  /** A second signal came: says at once how it stands, and returns the exit code. */
  sayLastWords(signal: StopSignal): number {
    this.ports.watchdog.claim('leaving');
    this.#lastWordsSaid = true;
    const outcome = this.outcome ?? { status: 'interrupted', exitCode: signalExitCode(signal) };
    const summary = this.summary(outcome);
    this.ports.terminationLog.write(terminationMessage(summary));
    this.ports.log.error(`run ${outcome.status}: ended at once by a second ${signal}`, { ...summary });
    this.ports.endOutput();
    return outcome.exitCode;
  }
}
