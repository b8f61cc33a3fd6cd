// One run from start to outcome; read `perform` as the specification of a run's life, and conclude.ts as that of its end.

import type { Job, SpanOptions } from '../job.ts';
import { type AttemptsResult, makeAttempts } from './attempts.ts';
import { conclude } from './conclude.ts';
import { graceFor, withinGrace } from './grace.ts';
import { takeLock } from './locking.ts';
import { EXIT, type Outcome, type Summary } from './outcome.ts';
import type { Lease } from './ports.ts';
import { execFor } from './programs.ts';
import { createProgress } from './progress.ts';
import type { OpenResources, Ports, Prepared, RunRequest } from './request.ts';
import { RunState } from './state.ts';
import { verdictOfAttempts, verdictOfCause, verdictOfRunner } from './verdict.ts';

/** How long the job's module may block the event loop while it loads. */
const PREPARE_LIMIT_MS = 60_000;

/** Runs one job once. Never throws: whatever happens is an outcome. */
export async function runOnce(request: RunRequest, ports: Ports): Promise<Summary> {
  const state = new RunState(request, ports);
  const describe = (error: unknown) => state.describe(error);
  ports.stop.signal.addEventListener('abort', () => onStop(state), { once: true });
  ports.stop.lastWords = (signal) => state.sayLastWords(signal);
  ports.stop.onLateError = (error, origin) =>
    ports.log.error(`${origin} when it was decided already how the run ends; that stands`, { error: describe(error) });
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
  const opened = await telemetry.span('job.connect', {}, () => stop.race(open(state, prepared.job)));

  if (ports.database) {
    await shareScheduledTime(state);
    const lease = await telemetry.span('job.lock', lockSpan(state), () => lock(state));
    if ('status' in lease) return lease;
    state.lease = lease;
    lease.lost.then((error) => stop.request({ kind: 'lock_lost', error }));
    const done =
      request.forced || request.dryRun || request.scheduledBy === 'start'
        ? undefined
        : await state.inDatabase((db) => db.history.succeeded(state.slot));
    if (done) {
      ports.log.warn('skipped: this scheduled time has already succeeded; --force runs it again', {
        reason: 'slot_succeeded',
        succeededRunId: done.runId,
        succeededAt: done.endedAt,
      });
      return { status: 'skipped', exitCode: EXIT.ok, reason: 'slot_succeeded' };
    }
  }

  state.begin();
  if (ports.database) await telemetry.span('job.history', state.historySpan('INSERT'), () => record(state));
  stop.signal.throwIfAborted();
  const attempts = await runAttempts(state, prepared, opened);
  return stop.cause ? verdictOfCause(stop.cause, attempts, describe) : verdictOfAttempts(attempts, describe);
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

function lock(state: RunState): Promise<Lease | Outcome> {
  const { request, ports } = state;
  return takeLock({
    policy: request.locked,
    waitMs: request.lockWaitMs,
    stop: ports.stop,
    log: ports.log,
    random: ports.random,
    clock: ports.clock,
    acquire: () =>
      state.inDatabase((db) =>
        db.locks.acquire({
          runId: request.runId,
          name: state.prepared?.job.exclusive ? request.job : request.name,
          shard: request.shard,
          limit: request.maxConcurrentJobs,
        }),
      ),
  });
}

const lockSpan = ({ request, ports }: RunState): SpanOptions => ({
  kind: 'client',
  attributes: { 'job.locked_policy': request.locked, ...ports.database?.attributes },
});

async function record(state: RunState): Promise<void> {
  const { lost, outdated } = await state.inDatabase((db) => db.history.start(state.start(), state.request.historyDays));
  state.recorded = true;
  state.prunable = outdated;
  for (const runId of lost) {
    state.ports.log.warn('an earlier run of this job died without a word; its record now says lost', {
      lostRunId: runId,
    });
  }
}

async function runAttempts(
  state: RunState,
  { job, params, timeoutMs }: Prepared,
  { resources }: OpenResources,
): Promise<AttemptsResult> {
  const { request, ports } = state;
  const { stop, telemetry } = ports;
  const deadline = state.deadline ?? ports.clock.now();
  // Doesn't keep the process alive: an event loop with nothing but this timer left can never finish the job.
  const cancelTimer = ports.clock.startTimer(state.remainingMs(), () => stop.request({ kind: 'deadline', timeoutMs }));
  ports.log.info('run started', {
    scheduledAt: state.scheduledAt,
    deadline,
    params: state.params(),
    ...(request.shard.count > 1 && { shard: request.shard }),
    ...(request.dryRun && { dryRun: true }),
  });

  const call = (attempt: number) => {
    const log = ports.log.child({ attempt });
    const progress = createProgress(log, ports.progressBar, ports.clock);
    state.onFinish(() => progress.end());
    return telemetry.span('job.attempt', { attributes: { 'job.attempt': attempt } }, () =>
      withinGrace(
        (async () =>
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
            dryRun: request.dryRun,
            progress: progress.report,
            span: (name, options, step) => telemetry.span(name, options, step),
            count: (item, amount, attributes) => telemetry.count(item, amount, attributes),
            exec: execFor(state, { job, attempt, params, deadline, log, progress: progress.report }),
            previousRuns: async (limit) =>
              (await ports.database?.history.previousRuns(request.name, request.shard, limit)) ?? [],
            // What the job didn't ask for isn't there: its type says so too.
            ...(resources as Required<typeof resources>),
          }))(),
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
        state.armWatchdog('running the job', state.remainingMs() + request.graceMs);
      },
    });
  } finally {
    cancelTimer();
  }
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
