// What has become of a slot: judged by the schedule that was in force, and the runs that stood for it.
import { type Blackouts, blackoutAt } from './blackouts.ts';
import { type CronIn, nextSlot } from './slots.ts';

/** What has become of a slot. `due`: it has passed, and a run that began now would not be late. */
export type SlotState = 'done' | 'running' | 'due' | 'late' | 'failed' | 'skipped' | 'missed';

/** By what a slot is judged. */
export interface Expectation extends CronIn {
  /** How long after its slot a run may begin without being late, in milliseconds. */
  readonly lateAfterMs: number;
  /** How late Kubernetes still starts a slot, in milliseconds; until the next one is due unless set. */
  readonly startingDeadlineMs?: number | undefined;
  /** How long all that is done for a slot may take, in milliseconds; without end unless set. */
  readonly deadlineMs?: number | undefined;
  readonly blackouts?: Blackouts | undefined;
}

/** A run that stands for a slot, as its record tells it. */
export interface SlotRun {
  readonly status: string;
  readonly reason?: string | undefined;
  readonly startedAt: Date;
  readonly shard: { readonly index: number; readonly count: number };
}

/** A slot, judged. */
export interface JudgedSlot {
  readonly at: Date;
  readonly state: SlotState;
  /** Why it was skipped or missed, or the status of the run that failed. */
  readonly reason?: string | undefined;
}

/**
 * Judges one slot.
 * @param runs those that stand for it, without dry ones; a record that says `missed` is one of them
 * @param passedOver whether a run stands for a later slot: the controller starts only the newest
 */
export function judgeSlot(
  at: Date,
  expectation: Expectation | undefined,
  runs: readonly SlotRun[],
  passedOver: boolean,
  now: Date,
): JudgedSlot {
  const real = runs.filter(({ status }) => status !== 'missed');
  if (real.length > 0) return { at, ...judgeRuns(at, expectation, real, now) };
  const missed = runs.find(({ status }) => status === 'missed');
  if (missed) return { at, state: 'missed', reason: missed.reason };
  if (expectation === undefined) return { at, state: 'missed' };
  if (inBlackout(expectation, at)) return { at, state: 'skipped', reason: 'blackout' };
  if (now.getTime() < at.getTime() + expectation.lateAfterMs) return { at, state: 'due' };
  return { at, state: passedOver || isOver(expectation, at, now) ? 'missed' : 'late' };
}

/** Whether a slot lies in a blackout. */
export function inBlackout({ blackouts, zone }: Expectation, at: Date): boolean {
  return blackouts !== undefined && blackoutAt(blackouts, zone.name, at) !== undefined;
}

/** Whether nobody will start the slot any more. */
function isOver({ startingDeadlineMs, lateAfterMs, ...schedule }: Expectation, at: Date, now: Date): boolean {
  if (startingDeadlineMs !== undefined)
    return now.getTime() >= at.getTime() + Math.max(startingDeadlineMs, lateAfterMs);
  const next = nextSlot(schedule, at);
  return next !== undefined && now >= next;
}

function judgeRuns(
  at: Date,
  expectation: Expectation | undefined,
  runs: readonly SlotRun[],
  now: Date,
): Omit<JudgedSlot, 'at'> {
  const cuts = Map.groupBy(runs, ({ shard }) => shard.count);
  for (const [parts, cut] of cuts) if (isWhole(parts, headsOf(cut))) return { state: 'done' };
  const newest = runs.reduce((a, b) => (b.startedAt >= a.startedAt ? b : a));
  // Of a slot that was cut into another number of parts meanwhile, and in none has succeeded, the newest cut counts.
  const { count } = newest.shard;
  const heads = headsOf(cuts.get(count) ?? []);
  const inTime = expectation?.deadlineMs === undefined || now.getTime() < at.getTime() + expectation.deadlineMs;
  if (heads.some(({ status }) => status === 'running' || (status === 'continued' && inTime)))
    return { state: 'running' };
  const failed = heads.find((run) => !isDone(run) && run.status !== 'skipped');
  if (failed) return { state: 'failed', reason: failed.status };
  const skipped = heads.find((run) => !isDone(run));
  if (skipped) return { state: 'skipped', reason: skipped.reason };
  return inTime ? { state: 'running' } : { state: 'failed', reason: 'incomplete' };
}

const headsOf = (runs: readonly SlotRun[]): SlotRun[] =>
  [...Map.groupBy(runs, ({ shard }) => shard.index).values()].map(headOf);

const isWhole = (count: number, heads: readonly SlotRun[]): boolean => heads.length === count && heads.every(isDone);

/** What counts of one part: a success, else what works, else the newest. One that asked for a new pod counts until that has ended. */
function headOf(runs: readonly SlotRun[]): SlotRun {
  const newest = runs.reduce((a, b) => (b.startedAt >= a.startedAt ? b : a));
  return runs.find(isDone) ?? runs.find(({ status }) => status === 'running') ?? newest;
}

const isDone = ({ status, reason }: SlotRun): boolean =>
  status === 'succeeded' || (status === 'skipped' && reason === 'slot_succeeded');
