// One run from start to outcome; read `perform` as the specification of a run's life, and conclude.ts as that of its end.

import type { Job, SpanOptions } from '../job.ts';
import { monotonicMs } from '../process/clock.ts';
import { type AttemptsResult, makeAttempts } from './attempts.ts';
import { conclude } from './conclude.ts';
import { describeError } from './error-info.ts';
import { graceFor, withinGrace } from './grace.ts';
import { takeLock } from './locking.ts';
import { type ErrorInfo, EXIT, type Outcome, type Summary } from './outcome.ts';
import type { Lease } from './ports.ts';
import { createProgress } from './progress.ts';
import type { OpenResources, Prepared, RunRequest, World } from './request.ts';
import { RunState } from './state.ts';
import { verdictOfAttempts, verdictOfCause, verdictOfRunner } from './verdict.ts';

/** How long the job's module may block the event loop while it loads. */
const PREPARE_LIMIT_MS = 60_000;

/** Runs one job once. Never throws: whatever happens is an outcome. */
export async function live(request: RunRequest, world: World): Promise<Summary> {
  const describe = (error: unknown) => describeError(error, world.redactor);
  const state = new RunState(request, world);
  world.stop.signal.addEventListener('abort', () => onStop(state, describe), { once: true });
  world.stop.lastWords = (signal) => state.sayLastWords(signal);
  world.stop.onLateError = (error, origin) =>
    world.log.error(`${origin} when it was decided already how the run ends; that stands`, { error: describe(error) });

  let outcome: Outcome;
  try {
    outcome = await perform(state, describe);
  } catch (error) {
    outcome = world.stop.cause
      ? verdictOfCause(world.stop.cause, { ok: false, error }, describe)
      : verdictOfRunner(error, describe);
  }
  world.stop.settle();
  return conclude(state, outcome, describe);
}

async function perform(state: RunState, describe: (error: unknown) => ErrorInfo): Promise<Outcome> {
  const { request, world } = state;
  const { stop, telemetry } = world;

  // The job's module is the first code that isn't ours.
  state.armWatchdog('loading the job', PREPARE_LIMIT_MS + request.graceMs);
  const prepared = await telemetry.span('job.prepare', {}, () => stop.race(world.prepare()));
  state.prepared = prepared;
  state.armWatchdog('connecting', request.connectLimitMs + request.lockWaitMs + request.graceMs);
  const opened = await telemetry.span('job.connect', {}, () => stop.race(open(state, prepared.job)));

  if (world.database) {
    const lease = await telemetry.span('job.lock', lockSpan(state), () => lock(state));
    if ('status' in lease) return lease;
    state.lease = lease;
    lease.lost.then((error) => stop.request({ kind: 'lock_lost', error }));
    const done =
      request.forced || request.dryRun || request.ownSlot
        ? undefined
        : await state.inDatabase((db) => db.history.succeeded(state.slot));
    if (done) {
      world.log.warn('skipped: this scheduled time has already succeeded; --force runs it again', {
        reason: 'slot_succeeded',
        succeededRunId: done.runId,
        succeededAt: done.endedAt,
      });
      return { status: 'skipped', exitCode: EXIT.ok, reason: 'slot_succeeded' };
    }
  } else {
    world.log.info('DATABASE_URL is not set: this run is neither locked nor recorded');
  }

  state.begin();
  if (world.database) await telemetry.span('job.history', state.historySpan('INSERT'), () => record(state));
  stop.signal.throwIfAborted();
  const attempts = await runAttempts(state, prepared, opened, describe);
  return stop.cause ? verdictOfCause(stop.cause, attempts, describe) : verdictOfAttempts(attempts, describe);
}

/** Connects what the job needs; what arrives after the run was told to stop is still closed. */
async function open(state: RunState, job: Job): Promise<OpenResources> {
  const opened = await state.world.open(job);
  state.closing.push(...opened.close);
  return opened;
}

function lock(state: RunState): Promise<Lease | Outcome> {
  const { request, world } = state;
  return takeLock({
    policy: request.locked,
    waitMs: request.lockWaitMs,
    stop: world.stop,
    log: world.log,
    random: world.random,
    acquire: () =>
      state.inDatabase((db) =>
        db.locks.acquire({ runId: request.runId, slot: state.slot, limit: request.maxConcurrentJobs }),
      ),
  });
}

const lockSpan = ({ request, world }: RunState): SpanOptions => ({
  kind: 'client',
  attributes: { 'job.locked_policy': request.locked, ...world.database?.attributes },
});

async function record(state: RunState): Promise<void> {
  const { lost, outdated } = await state.inDatabase((db) => db.history.start(state.start(), state.request.historyDays));
  state.recorded = true;
  state.prunable = outdated;
  for (const runId of lost) {
    state.world.log.warn('an earlier run of this job died without a word; its record now says lost', {
      lostRunId: runId,
    });
  }
}

async function runAttempts(
  state: RunState,
  { job, params, timeoutMs }: Prepared,
  { resources }: OpenResources,
  describe: (error: unknown) => ErrorInfo,
): Promise<AttemptsResult> {
  const { request, world } = state;
  const { stop, telemetry } = world;
  const deadline = state.deadline ?? new Date();
  // Doesn't keep the process alive: an event loop with nothing but this timer left can never finish the job.
  const timer = setTimeout(() => stop.request({ kind: 'deadline', timeoutMs }), state.remainingMs()).unref();
  world.log.info('run started', {
    scheduledAt: request.scheduledAt,
    deadline,
    params: state.params(),
    ...(request.shard.count > 1 && { shard: request.shard }),
    ...(request.dryRun && { dryRun: true }),
  });

  const call = (attempt: number) => {
    const log = world.log.child({ attempt });
    const progress = createProgress(log, world.terminal, monotonicMs);
    state.onFinish(() => progress.end());
    return telemetry.span('job.attempt', { attributes: { 'job.attempt': attempt } }, () =>
      withinGrace(
        (async () =>
          job.run({
            job: job.name,
            runId: request.runId,
            attempt,
            params,
            signal: stop.signal,
            log,
            scheduledAt: request.scheduledAt,
            deadline,
            shard: request.shard,
            dryRun: request.dryRun,
            progress: progress.report,
            span: (name, options, step) => telemetry.span(name, options, step),
            count: (item, amount, attributes) => telemetry.count(item, amount, attributes),
            previousRuns: async (limit) =>
              (await world.database?.history.previousRuns(job.name, request.shard, limit)) ?? [],
            // What the job didn't ask for isn't there: its type says so too.
            ...(resources as Required<typeof resources>),
          }))(),
        stop,
        request.graceMs,
      ),
    );
  };

  try {
    return await makeAttempts(call, {
      policy: job.retry,
      stop,
      remainingMs: () => state.remainingMs(),
      random: world.random,
      describe,
      log: (attempt) => world.log.child({ attempt }),
      onAttempt: (attempt) => {
        state.attempts = attempt;
        state.armWatchdog('running the job', state.remainingMs() + request.graceMs);
      },
    });
  } finally {
    clearTimeout(timer);
  }
}

/** Says that the run is asked to stop, and gives it the grace period and no more. */
function onStop(state: RunState, describe: (error: unknown) => ErrorInfo): void {
  const { stop, log } = state.world;
  const cause = stop.cause;
  if (!cause) return;
  const graceMs = graceFor(stop, state.request.graceMs);
  state.armWatchdog('stopping the job', graceMs);
  const error = describe(stop.signal.reason);
  if (cause.kind === 'crash' || cause.kind === 'drained') log.error(`crashed: ${error.message}`, { error });
  else log.warn(`stopping: ${error.message}`, { cause: cause.kind, graceMs });
}
