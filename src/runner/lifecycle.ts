// One run from start to outcome; read `perform` as the specification of a run's life, and conclude.ts as that of its end.

import { hasCode } from '../errors.ts';
import type { Job, PreviousRun, PreviousRunsOptions, SpanOptions } from '../job.ts';
import { admit } from './admission.ts';
import { allowSuccess } from './all-done.ts';
import { type AttemptsResult, makeAttempts } from './attempts.ts';
import { conclude } from './conclude.ts';
import type { Unmet } from './decisions.ts';
import { graceFor, withinGrace } from './grace.ts';
import { allowContinue, keptFor, saveRest } from './kept.ts';
import { takeLock, whenThereIsRoom } from './locking.ts';
import { EXIT, type Outcome, type Summary } from './outcome.ts';
import type { Lease, Started } from './ports.ts';
import { execFor } from './programs.ts';
import { createProgress } from './progress.ts';
import type { Database, OpenResources, Ports, Prepared, RunRequest } from './request.ts';
import { RunState } from './state.ts';
import { UnderWay } from './undone.ts';
import { asksToContinue, verdictOfAttempts, verdictOfCause, verdictOfRunner } from './verdict.ts';
import { Waiting, type WaitingOptions } from './waiting.ts';

/** How long the job's module may block the event loop while it loads. */
const PREPARE_LIMIT_MS = 60_000;

/** How long it may take to see whether the checkpoint of a run that asks for a new pod has advanced; that has a limit of its own. */
const ADVANCE_LIMIT_MS = 15_000;

/** How long it may take to prove the lock once more, at the end. */
const PROOF_LIMIT_MS = 10_000;

/** How many errors are told that come too late: what a job has left behind may fail as often as it likes, and the last line has to wait behind it. */
const MOST_LATE_ERRORS = 100;

/** Of a run without a history. */
const NOTHING_KNOWN: Started = { lost: [], outdated: false, fence: 0, checkpointed: false };

/** Runs one job once. Never throws: whatever happens is an outcome. */
export async function runOnce(request: RunRequest, ports: Ports): Promise<Summary> {
  const state = new RunState(request, ports);
  const describe = (error: unknown) => state.describe(error);
  ports.stop.signal.addEventListener('abort', () => onStop(state), { once: true });
  ports.stop.lastWords = (signal) => state.sayLastWords(signal);
  let late = 0;
  ports.stop.onLateError = (error, origin) => {
    late += 1;
    if (late > MOST_LATE_ERRORS) return;
    const rest = late === MOST_LATE_ERRORS ? ', and what follows is not told' : '';
    ports.log.error(`${origin} when it was decided already how the run ends; that stands${rest}`, {
      error: describe(error),
    });
  };
  ports.stop.onIgnoredSignal = (signal) => ports.log.warn(`${signal} arrived, which means nothing to a run; ignored`);

  let outcome: Outcome;
  try {
    outcome = await perform(state);
  } catch (error) {
    outcome = ports.stop.cause
      ? verdictOfCause(ports.stop.cause, { ok: false, error }, describe)
      : verdictOfRunner(error, describe);
  }
  ports.stop.settle();
  return conclude(state, outcome);
}

async function perform(state: RunState): Promise<Outcome> {
  const describe = (error: unknown) => state.describe(error);
  const { request, ports } = state;
  const { stop, telemetry } = ports;

  // The job's module is the first code that isn't ours.
  state.armWatchdog('loading the job', PREPARE_LIMIT_MS + request.graceMs);
  const prepared = await telemetry.span('job.prepare', {}, () => stop.race(ports.prepare()));
  state.prepared = prepared;
  state.armWatchdog('connecting', request.connectLimitMs + request.lockWaitMs + request.graceMs);

  if (ports.database) {
    const lease = await telemetry.span('job.lock', lockSpan(state), () => lock(state, ports.database as Database));
    if ('status' in lease) return lease;
    state.lease = lease;
    lease.cancelled.then((cancellation) => stop.request({ kind: 'cancelled', cancellation }));
    lease.lost.then((error) => {
      state.loseLock();
      stop.request({ kind: 'lock_lost', error });
    });
    const done =
      request.forced || request.dryRun || request.scheduledBy === 'start'
        ? undefined
        : await stop.race(state.inDatabase((db) => db.history.succeeded(state.slot, lease)));
    if (done) {
      const why = 'this scheduled time has already succeeded; --force runs it again';
      ports.log.warn(`skipped: ${why}`, {
        reason: 'slot_succeeded',
        succeededRunId: done.runId,
        succeededAt: done.endedAt,
      });
      return { status: 'skipped', exitCode: EXIT.ok, reason: 'slot_succeeded', why };
    }
  }

  // Only now: a run that waits holds no connection.
  const opened = await telemetry.span('job.connect', {}, () => stop.race(open(state, prepared.job)));
  state.begin();
  if (ports.database) {
    await telemetry.span('job.history', state.historySpan('INSERT'), () => stop.race(record(state)));
  }
  ports.alerts?.begun(state.start(), state.started ?? NOTHING_KNOWN);
  stop.signal.throwIfAborted();
  const made = await allowSuccess(state, await runAttempts(state, prepared, opened), opened);
  if (asksToContinue(made)) state.armWatchdog('looking whether the checkpoint has advanced', ADVANCE_LIMIT_MS);
  const attempts = await allowContinue(state, made);
  if (stop.cause) return verdictOfCause(stop.cause, attempts, describe);
  // What comes from now on comes too late to change what the job has made of it.
  stop.settle();
  return verdictWithLock(state, attempts);
}

/** The ends that are told only with a proof of the lock. */
const PROVED: readonly number[] = [EXIT.ok, EXIT.failed, EXIT.continued];

/**
 * Whoever says that the work is done must have had the lock to the end; and a job that fails with its lock has most often failed by the same.
 * The event loop may have been blocked until now, so that what the connection had to tell hasn't been heard.
 */
async function verdictWithLock(state: RunState, attempts: AttemptsResult): Promise<Outcome> {
  const describe = (error: unknown) => state.describe(error);
  const { lease } = state;
  const verdict = verdictOfAttempts(attempts, describe);
  if (!lease || !PROVED.includes(verdict.exitCode)) return verdict;
  state.armWatchdog('proving that it still holds its lock', PROOF_LIMIT_MS);
  if (await lease.prove()) return verdict;
  return verdictOfCause({ kind: 'lock_lost', error: await lease.lost }, attempts, describe);
}

/** The pods of a Job of Kubernetes that no CronJob made stand for one slot. */
async function shareScheduledTime(state: RunState): Promise<void> {
  const { scheduledBy, place, startedAt } = state.request;
  const { jobUid } = place;
  if (scheduledBy !== 'job' || jobUid === undefined) return;
  const { stop } = state.ports;
  state.scheduledAt = await stop.race(state.inDatabase((db) => db.history.scheduledTimeOf(jobUid, startedAt)));
}

/** Connects what the job needs; what arrives after the run was told to stop is still closed. */
async function open(state: RunState, job: Job): Promise<OpenResources> {
  const opened = await state.ports.open(job);
  state.closing.push(...opened.close);
  return opened;
}

async function lock(state: RunState, database: Database): Promise<Lease | Outcome> {
  const { request, ports } = state;
  const { stop, log, random, clock } = ports;
  const rest = () => database.rest();
  const tell: WaitingOptions['tell'] = (waits, leftMs) => state.live.waits(waits, leftMs);
  const wait = (waitMs: number) => new Waiting({ waitMs, stop, log, random, clock, rest, tell });
  const waiting = wait(request.lockWaitMs);
  await whenThereIsRoom(waiting, () => shareScheduledTime(state));
  return takeLock({
    policy: request.locked,
    limit: request.maxConcurrentJobs,
    stop,
    log,
    waiting,
    admit: (decisions, lease) => admit(state, decisions, lease),
    waitForSlot: slotWaits(state, wait),
    acquire: () =>
      state.inDatabase(({ locks }) =>
        locks.acquire({
          runId: request.runId,
          name: state.prepared?.job.exclusive ? request.job : request.name,
          shard: request.shard,
          // A run that stands for no slot could be of any.
          ...(state.prepared?.job.overlap === 'slots' &&
            request.scheduledBy !== 'start' && { slot: state.scheduledAt }),
          limit: request.maxConcurrentJobs,
          runsAs: request.name,
          jobUid: request.place.jobUid,
        }),
      ),
  });
}

/** How the slots that a run comes after are waited for: each as long as is said, counted from when the first of them was found missing. */
function slotWaits(state: RunState, wait: (waitMs: number) => Waiting): (unmet: Unmet) => Waiting {
  const { request, ports } = state;
  const waits = new Map<string, Waiting>();
  let since: number | undefined;
  return ({ name, withinMs = request.lockWaitMs }) => {
    const known = waits.get(name);
    if (known) return known;
    const now = ports.clock.monotonicMs();
    since ??= now;
    const leftMs = Math.max(0, withinMs - (now - since));
    const waiting = wait(leftMs);
    waits.set(name, waiting);
    state.armWatchdog(`waiting for ${name}`, leftMs + request.connectLimitMs + request.lockWaitMs + request.graceMs);
    return waiting;
  };
}

const lockSpan = ({ request, ports }: RunState): SpanOptions => ({
  kind: 'client',
  attributes: { 'job.locked_policy': request.locked, ...ports.database?.attributes },
});

async function record(state: RunState): Promise<void> {
  state.startInDoubt = true;
  const started = await state
    .inDatabase((db) => db.history.start(state.start(), state.request.historyDays, state.lease))
    .catch((error) => {
      // Then the statement itself was refused.
      if (hasCode(error, 'ERR_RUN_JOB_CONFIG')) state.startInDoubt = false;
      throw error;
    });
  state.recorded = true;
  state.started = started;
  state.prunable = started.outdated;
  state.fence = started.fence;
  state.checkpointed = started.checkpointed;
  for (const runId of started.lost) {
    state.ports.log.warn('an earlier run of this job died without a word; its record now says lost', {
      lostRunId: runId,
    });
  }
}

async function runAttempts(
  state: RunState,
  { job, params, timeoutMs }: Prepared,
  opened: OpenResources,
): Promise<AttemptsResult> {
  const { request, ports } = state;
  const { stop, telemetry } = ports;
  const deadline = state.deadline ?? ports.clock.now();
  // Doesn't keep the process alive: an event loop with nothing but this timer left can never finish the job.
  const cancelTimer = ports.clock.startTimer(state.remainingMs(), () => stop.request({ kind: 'deadline', timeoutMs }));
  state.armWatchdog('running the job', state.remainingMs() + request.graceMs);
  ports.log.info('run started', {
    scheduledAt: state.scheduledAt,
    deadline,
    params: state.params(),
    ...(request.shard.count > 1 && { shard: request.shard }),
    ...(request.dryRun && { dryRun: true }),
  });

  const call = (attempt: number) => {
    const log = ports.log.child({ attempt });
    const tell = (done: number, total: number | undefined) => state.live.progress(done, total);
    const progress = createProgress(log, ports.progressBar, ports.clock, tell);
    state.onFinish(() => progress.end());
    return telemetry.span('job.attempt', { attributes: { 'job.attempt': attempt } }, () =>
      withinGrace(
        keeping(state, async () =>
          job.run({
            job: job.name,
            name: request.name,
            runId: request.runId,
            attempt,
            params,
            signal: stop.signal,
            log,
            scheduledAt: state.scheduledAt,
            deadline,
            shard: request.shard,
            fence: state.fence,
            dryRun: request.dryRun,
            progress: progress.report,
            span: (name, options, step) =>
              state.underWay.track(`the step of span ${name} was not over`, telemetry.span(name, options, step)),
            count: (item, amount, attributes) => telemetry.count(item, amount, attributes),
            exec: execFor(state, { job, attempt, params, deadline, log, progress: progress.report }),
            previousRuns: (limit, options) =>
              state.underWay.track('previousRuns had not answered', previousRuns(state, limit, options)),
            // What the job didn't ask for isn't there: its type says so too.
            ...(opened.resources as Required<typeof opened.resources>),
            ...keptFor(state, job, opened),
          }),
        ),
        stop,
        request.graceMs,
        ports.clock,
      ),
    );
  };

  try {
    return await makeAttempts(call, {
      policy: job.retry,
      stop,
      remainingMs: () => state.remainingMs(),
      random: ports.random,
      clock: ports.clock,
      describe: (error) => state.describe(error),
      log: (attempt) => ports.log.child({ attempt }),
      onAttempt: (attempt) => {
        state.attempts = attempt;
        state.underWay = new UnderWay();
        state.live.attemptBegins();
        state.armWatchdog('running the job', state.remainingMs() + request.graceMs);
      },
      onFailure: (error, retryInMs) => state.live.attemptFailed(error, retryInMs),
    });
  } finally {
    cancelTimer();
  }
}

async function previousRuns(
  { request, ports }: RunState,
  limit: number,
  options?: PreviousRunsOptions,
): Promise<PreviousRun[]> {
  return (await ports.database?.history.previousRuns(request.name, request.shard, limit, options)) ?? [];
}

/** Counts a call of the job for as long as it works, and saves the rest of its progress where it didn't do all of the work. */
async function keeping<T>(state: RunState, work: () => Promise<T>): Promise<T> {
  return worked(state, async () => {
    const { stop } = state.ports;
    const onFailure = (error: unknown) =>
      state.ports.log.warn('the last checkpoint is not saved', { error: state.describe(error) });
    const onStop = () => void saveRest(state).catch(onFailure);
    stop.signal.addEventListener('abort', onStop, { once: true });
    let done = false;
    try {
      const result = await work();
      done = !stop.cause;
      return result;
    } finally {
      stop.signal.removeEventListener('abort', onStop);
      if (!done) await saveRest(state).catch(onFailure);
    }
  });
}

/** Keeps count of the calls that have not ended. */
function worked<T>(state: RunState, work: () => Promise<T>): Promise<T> {
  state.working += 1;
  return work().finally(() => {
    state.working -= 1;
  });
}

/** Says that the run is asked to stop, and gives it the grace period and no more. */
function onStop(state: RunState): void {
  const { stop, log } = state.ports;
  const cause = stop.cause;
  if (!cause) return;
  const graceMs = graceFor(stop, state.request.graceMs);
  state.armWatchdog('stopping the job', graceMs);
  const error = state.describe(stop.signal.reason);
  if (cause.kind === 'crash' || cause.kind === 'drained') log.error(`crashed: ${error.message}`, { error });
  else log.warn(`stopping: ${error.message}`, { cause: cause.kind, graceMs });
}
