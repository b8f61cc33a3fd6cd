// Whether a run may begin, by what people and its schedule have decided: asked each time that it asks for its lock.
import { parseDuration } from '../duration.ts';
import type { After } from '../job.ts';
import { type Decisions, type Dependency, type Pause, tellPause, type Unmet } from './decisions.ts';
import { EXIT, type Outcome, type SkipReason } from './outcome.ts';
import type { History, Lease } from './ports.ts';
import type { RunState } from './state.ts';

/** Why a run doesn't begin now. */
export type Refusal =
  | { readonly kind: 'skipped'; readonly outcome: Outcome }
  /** It comes after another that hasn't succeeded yet. */
  | { readonly kind: 'early'; readonly unmet: Unmet };

/**
 * What keeps the run from beginning, if anything does.
 * @param lease the run's own; without it, what takes further questions is left for when there is one
 * @throws the cause, where the run is cancelled or asked to stop
 */
export async function admit(
  state: RunState,
  { cancellation, pause, rules }: Decisions,
  lease: Lease | undefined,
): Promise<Refusal | undefined> {
  const { request, ports, prepared, slot } = state;
  const { stop, calendar } = ports;
  if (cancellation) {
    stop.request({ kind: 'cancelled', cancellation });
    stop.signal.throwIfAborted();
  }
  if (pause) return skipped('paused', tellPause(pause));
  // A run that stands for no slot is one that a person wants now.
  const bySchedule = request.scheduledBy === 'schedule' && !request.forced && !request.dryRun;
  if (bySchedule && rules?.blackouts !== undefined) {
    const { blackouts, timeZone } = rules;
    const blackout = await stop.race(calendar.blackoutAt({ blackouts, timeZone }, slot.scheduledAt));
    if (blackout) return skipped('blackout', `${slot.scheduledAt.toISOString()} lies in a blackout: ${blackout}`);
  }
  if (lease === undefined || request.dryRun) return undefined;
  const failures = rules?.pauseAfter ?? prepared?.job.pauseAfter;
  if (failures !== undefined) {
    state.pauseAfter = failures;
    // Those that died without a word pause nothing by themselves.
    const made = await stop.race(state.inDatabase((db) => db.history.pauseAfter(slot.name, failures, lease)));
    if (made) return skipped('paused', tellTripped(state, made));
  }
  const dependencies = rules?.after.length ? rules.after : (prepared?.job.after ?? []).map(toDependency);
  if (!bySchedule) return undefined;
  for (const dependency of dependencies) {
    const unmet = await stop.race(findUnmet(state, dependency, lease));
    if (unmet) return { kind: 'early', unmet };
  }
  return undefined;
}

/** Says that the name has been paused because of its failures; returns the sentence. */
export function tellTripped({ request, ports }: RunState, pause: Pause): string {
  ports.log.error(`${request.name} is paused now: ${pause.why}; run-job resume ${request.name} when that is mended`, {
    pausedName: request.name,
    failures: pause.failures,
  });
  return tellPause(pause);
}

const skipped = (reason: SkipReason, why: string): Refusal => ({
  kind: 'skipped',
  outcome: { status: 'skipped', exitCode: EXIT.ok, reason, why },
});

function toDependency({ name, slot, within }: After): Dependency {
  const withinMs = within === undefined ? undefined : parseDuration(within);
  return { name, slot, ...(withinMs !== undefined && { withinMs }) };
}

async function findUnmet(
  state: RunState,
  { name, slot, withinMs }: Dependency,
  lease: Lease,
): Promise<Unmet | undefined> {
  const { scheduledAt } = state.slot;
  const ask = <T>(question: (history: History) => Promise<T>) => state.inDatabase((db) => question(db.history));
  let at = slot === 'same' ? scheduledAt : undefined;
  if (at === undefined) {
    const schedule = await ask((history) => history.scheduleOf(name, lease));
    const latest = schedule && (await state.ports.calendar.latestSlot(schedule, scheduledAt));
    // What was due before it had this schedule is told by its runs.
    if (latest && latest > schedule.since) at = latest;
  }
  const standing = await ask((history) => history.standing(name, at ? { at } : { upTo: scheduledAt }, lease));
  if (standing?.succeeded) return undefined;
  return {
    name,
    ...(standing && { scheduledAt: standing.scheduledAt }),
    ...(standing?.status !== undefined && { status: standing.status }),
    ...(withinMs !== undefined && { withinMs }),
  };
}
