// The end of a run, whatever its outcome: record, unlock, close, flush, tell. Each step has a time limit, and none changes the outcome.

import { tellTripped } from './admission.ts';
import { ownerOf } from './kept.ts';
import { limited, orAborted, STEP_LIMITS } from './limited.ts';
import { EXIT, type Outcome, type Status, type Summary } from './outcome.ts';
import type { Database } from './request.ts';
import type { RunState } from './state.ts';
import { terminationMessage } from './termination.ts';

/**
 * The longest that the end can take besides recording it and the telemetry's flush: programs, looking whether the name is to be paused and
 * pruning, the schedule, the checkpoint's file, and closing RabbitMQ, the job's pool and the history.
 */
const CONCLUDE_LIMIT_MS =
  STEP_LIMITS.programs +
  STEP_LIMITS.unlock +
  5 * STEP_LIMITS.close +
  STEP_LIMITS.shutdownUrls +
  STEP_LIMITS.output +
  2 * STEP_LIMITS.lastLine;

/** What the last line has of a run whose time is up, in milliseconds: the watchdog waits for longer than that. */
const LEAST_LAST_LINE_MS = 250;

/** What a run that may not wait for the database has to tell it that it was turned away, in milliseconds. */
const LEAST_RECORD_MS = 1_000;

/** How long pruning goes on beginning batches: what is left is for the next run. */
const PRUNE_MS = STEP_LIMITS.close / 2;

/** The most characters of JSON that a result may have. A larger one is left out as a whole: half of it could be taken for all of it. */
const MAX_RESULT = 4 * 1024 * 1024;

/** Ends the run and returns its summary, which has been logged and left as the termination message. */
export async function conclude(state: RunState, decided: Outcome): Promise<Summary> {
  const { request, ports } = state;
  const { log, telemetry, database, clock, alerts } = ports;
  state.finish();
  state.live.end();
  const outcome = withPlainResult(decided, state);
  await state.claim('ending');
  state.outcome = outcome;
  state.armWatchdog(
    'ending the run',
    CONCLUDE_LIMIT_MS + recordLimit(state) + Math.max(request.flushMs, ports.alerts ? request.notifyMs : 0),
  );
  // Already now: whoever is killed while it tidies up has said how it ended.
  tell(state, state.summary(outcome));

  const step = async (what: string, limitMs: number, work: () => Promise<unknown>): Promise<boolean> => {
    try {
      await orAborted(limited(what, limitMs, work(), { timers: clock }), state.outOfTime.signal);
      return true;
    } catch (error) {
      log.warn(`${what} failed; the outcome stands`, { error: state.describe(error) });
      return false;
    }
  };

  // Before the lock is free and the record closed, nothing of the run works any more.
  await step('ending programs that nobody waited for', STEP_LIMITS.programs, () => ports.programs.endAll());
  const end = state.end(outcome);
  const recorded = Promise.withResolvers<boolean>();
  // What is told needs no record where it is clear without one, and takes its time beside all that follows.
  alerts?.ended(state.start(), end, state.started, recorded.promise);
  // What nobody waits for any more may still work: then the lock dies with the process, as the last thing.
  const lease = state.abandoned ? undefined : state.lease;
  const unlock = () => lease && step('releasing the lock', STEP_LIMITS.unlock, () => lease.release());
  // Nobody counts on the lock of a run that never began, and it may hold what the record has to wait for.
  if (!state.recorded) await unlock();
  let told = false;
  const done = outcome.status === 'succeeded' && !request.dryRun && keeps(state) ? ownerOf(state) : undefined;
  if (database && (state.recorded || state.startInDoubt || !state.databaseFailed)) {
    told = await step('recording the end of the run', recordLimit(state), () =>
      telemetry.span('job.history', state.historySpan(state.recorded ? 'UPDATE' : 'INSERT'), () =>
        state.recorded
          ? database.history.end(request.runId, end, lease, done)
          : database.history.record(state.start(), end),
      ),
    );
  }
  recorded.resolve(told);
  if (told) state.closeRecord();
  if (done && state.checkpointing) {
    await step('deleting the checkpoint', STEP_LIMITS.close, async () => (await state.checkpointing)?.forget());
  }
  if (state.recorded) await unlock();
  const tidyUntil = clock.monotonicMs() + STEP_LIMITS.close;
  await pauseAfterFailures(state, outcome, told ? database : undefined, step);
  const tidyMs = tidyUntil - clock.monotonicMs();
  if (told && database && state.prunable && tidyMs > PRUNE_MS) {
    const prune = () => database.history.prune(request.historyDays, PRUNE_MS);
    await step('pruning the history', tidyMs, prune);
  }
  if (told && state.recorded && !request.dryRun && database?.tendSchedule) {
    await step('looking after the schedule', STEP_LIMITS.close, async () =>
      database.tendSchedule?.(state.started?.schedule),
    );
  }
  for (const { what, close } of state.closing.reverse()) await step(`closing ${what}`, STEP_LIMITS.close, close);
  const closeHistory = () => database && step('closing the history', STEP_LIMITS.close, () => database.close());
  if (!alerts) await closeHistory();

  telemetry.end(state.start(), end);
  const [flushed, untold = []] = await Promise.all([
    telemetry.flush(Math.min(request.flushMs, state.lockLostLimitMs)),
    alerts?.flush(Math.min(request.notifyMs, state.lockLostLimitMs)),
  ]);
  for (const warning of [...(flushed?.warning ? [flushed.warning] : []), ...untold]) log.warn(warning);
  if (alerts) await closeHistory();
  await orAborted(Promise.resolve(ports.shutDownSidecars?.()), state.outOfTime.signal).catch(() => undefined);

  const unwritten = await ports.flushOutput(Math.min(STEP_LIMITS.output, state.lockLostLimitMs / 2));
  if (unwritten > 0) log.warn(`nobody read ${unwritten} bytes of what the job printed in time; they are lost`);
  const summary = { ...state.summary(outcome), ...(flushed && { telemetryFlushed: flushed.flushed }) };
  await state.claim('leaving');
  tell(state, summary);
  log[LEVEL_OF[outcome.status]](`run ${outcome.status.replace('_', ' ')}`, { ...summary });
  ports.endOutput();
  // The last line too may have to wait for its reader, whatever is left of the time.
  await ports.flushOutput(Math.max(LEAST_LAST_LINE_MS, Math.min(STEP_LIMITS.lastLine, state.lockLostLimitMs / 2)));
  return summary;
}

/** The last of so many failures in a row pauses the name, whose next runs are skipped then. */
async function pauseAfterFailures(
  state: RunState,
  outcome: Outcome,
  database: Database | undefined,
  step: (what: string, limitMs: number, work: () => Promise<unknown>) => Promise<boolean>,
): Promise<void> {
  const { request, pauseAfter } = state;
  if (database === undefined || pauseAfter === undefined || outcome.exitCode === EXIT.ok) return;
  await step('looking whether the name is to be paused', STEP_LIMITS.close, async () => {
    const pause = await database.history.pauseAfter(request.name, pauseAfter);
    if (pause) tellTripped(state, pause);
  });
}
/** Whether the slot may have a checkpoint. */
const keeps = ({ checkpointed, checkpointing }: RunState): boolean => checkpointed || checkpointing !== undefined;

/**
 * A run that never began has less to lose than the pod that waits for it; where its start is in doubt, only once it was asked to stop. And
 * one that has waited in vain for the database tells it of that for no longer than it was to wait.
 */
function recordLimit({ recorded, startInDoubt, databaseBusy, request, ports }: RunState): number {
  if (recorded || (startInDoubt && !ports.stop.cause)) return request.recordMs;
  return databaseBusy
    ? Math.min(STEP_LIMITS.record, Math.max(LEAST_RECORD_MS, request.lockWaitMs))
    : STEP_LIMITS.record;
}

const LEVEL_OF: Record<Status, 'info' | 'warn' | 'error'> = {
  succeeded: 'info',
  skipped: 'warn',
  continued: 'info',
  interrupted: 'warn',
  failed: 'error',
  rejected: 'error',
  unavailable: 'error',
  crashed: 'error',
  misconfigured: 'error',
  cancelled: 'warn',
  timed_out: 'error',
  lost: 'error',
};

/** The outcome with a result that is plain JSON, holds no secret and isn't too large; what had to be changed for that is a warning. */
function withPlainResult(outcome: Outcome, { ports: { redactor, log } }: RunState): Outcome {
  if (outcome.result === undefined) return outcome;
  const { value, problems, cut } = redactor.plain(outcome.result, MAX_RESULT);
  if (cut) {
    const resultOmitted = `the result takes more than ${MAX_RESULT / 1024 / 1024} MiB as JSON`;
    log.warn(`${resultOmitted}; it is left out: return a summary, and keep the rest where it belongs`);
    return { ...outcome, result: { resultOmitted } };
  }
  if (problems.length > 0)
    log.warn('the result is not JSON; it was changed to be told', { problems: problems.slice(0, 10) });
  return { ...outcome, result: value };
}

function tell({ ports }: RunState, summary: Summary): void {
  ports.terminationLog.write(terminationMessage(summary));
}
