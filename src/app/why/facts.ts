// All that the database knows of one slot.
import { UsageError } from '../../errors.ts';
import type { Connection } from '../../postgres/connect.ts';
import { readFacts } from '../../postgres/inspect.ts';
import type { RunRecord } from '../../postgres/records.ts';
import { type AfterName, type Schedule, schedulesOf } from '../../postgres/schedules.ts';
import { recordedSlots, runsOfSlots } from '../../postgres/slots.ts';
import { type PastPause, pauseAt, runningNow, runsFor, underWayAt } from '../../postgres/why.ts';
import { blackoutAt } from '../../schedule/blackouts.ts';
import { type JudgedSlot, judgeSlot } from '../../schedule/judge.ts';
import { nextSlot, previousSlot } from '../../schedule/slots.ts';
import { databaseNow, expectationOf } from '../missed-slots.ts';
import { standing } from '../standing.ts';

/** What a slot comes after, and what has become of that. */
export interface Waited {
  readonly name: string;
  readonly at: Date;
  readonly state: JudgedSlot['state'];
}

/** What is known. */
export interface Facts {
  readonly name: string;
  readonly job: string;
  /** By the database's clock. */
  readonly now: Date;
  /** How far that is ahead of ours, in milliseconds. */
  readonly clockAheadMs: number;
  /** Absent where the name has never had one. */
  readonly slot?: JudgedSlot;
  /** Whether somebody asked for another time, before which this is the last slot. */
  readonly moved?: boolean;
  /** The schedule that was in force then. */
  readonly schedule?: Schedule;
  /** Whether the slot is one of its times, and not one that somebody ran it at by hand. */
  readonly bySchedule?: boolean;
  /** The one in force now. */
  readonly current?: Schedule;
  /** The next slot after now. */
  readonly next?: Date;
  /** Those that stood for the slot, the oldest first. */
  readonly runs: readonly RunRecord[];
  /** The run of an earlier slot that was under way when this one came. */
  readonly underWay?: RunRecord;
  /** What runs of the name now. */
  readonly running: readonly RunRecord[];
  /** The pause that the slot fell into. */
  readonly pause?: PastPause;
  /** The pause that is in force now. */
  readonly paused?: PastPause;
  /** The blackout that the slot lies in, in words. */
  readonly blackout?: string;
  /** What it comes after. */
  readonly after: readonly Waited[];
}

/**
 * Looks a name's slot up.
 * @param at the slot that is meant, or a time after it; the newest one that hasn't succeeded unless given
 * @throws {UsageError} `at` is later than now
 */
export async function findFacts(connection: Connection, name: string, at: Date | undefined): Promise<Facts> {
  const { clockAheadMs } = await readFacts(connection);
  const now = await databaseNow(connection);
  if (at !== undefined && at > now) throw new UsageError(`--at ${at.toISOString()} is still to come`);
  const { standings: one } = await standing(connection, name);
  const schedules = await schedulesOf(connection, name, new Date(0));
  const current = schedules.findLast(({ validTo }) => validTo === undefined);
  const found = at === undefined ? newestUndone(one.slots) : await slotAt(connection, name, at, schedules);
  const next = current && !current.suspend ? nextSlot(expectationOf(current), now) : undefined;
  const paused = await pauseAt(connection, name, now);
  const common = {
    name,
    job: one.job,
    now,
    clockAheadMs,
    ...(current && { current }),
    ...(next && { next }),
    running: await runningNow(connection, name),
    ...(paused && { paused }),
  };
  if (found === undefined) return { ...common, runs: [], after: [] };
  const schedule = inForceAt(schedules, found);
  const runs = await runsFor(connection, name, found);
  const underWay = await underWayAt(connection, name, found);
  const pause = await pauseAt(connection, name, found);
  const blackout = schedule?.blackouts && blackoutAt(schedule.blackouts, schedule.timeZone, found);
  return {
    ...common,
    slot: await judgedAt(connection, name, found, schedule, now),
    ...(at !== undefined && found < at && { moved: true }),
    ...(schedule && { schedule, bySchedule: isSlot(schedule, found) }),
    runs,
    ...(underWay && { underWay }),
    ...(pause && { pause }),
    ...(blackout !== undefined && { blackout }),
    after: await lookAfter(connection, schedule?.after ?? [], found, now),
  };
}

/** What could still be done in time is no slot to ask about, unless there is no other. */
function newestUndone(slots: readonly JudgedSlot[]): Date | undefined {
  const undone = slots.findLast(({ state }) => state !== 'done' && state !== 'due');
  return (undone ?? slots.at(-1))?.at;
}

/** A time that a run stands for is a slot; else the last one of the schedule. */
async function slotAt(
  connection: Connection,
  name: string,
  at: Date,
  schedules: readonly Schedule[],
): Promise<Date | undefined> {
  if ((await runsOfSlots(connection, name, [at])).length > 0) return at;
  const schedule = inForceAt(schedules, at) ?? schedules.at(-1);
  if (schedule === undefined) return (await recordedSlots(connection, name, 1)).length > 0 ? at : undefined;
  // The one before the next millisecond is this instant, if it is a slot.
  return previousSlot(expectationOf(schedule), new Date(at.getTime() + 1)) ?? at;
}

const inForceAt = (schedules: readonly Schedule[], at: Date): Schedule | undefined =>
  schedules.findLast(({ validFrom, validTo }) => validFrom < at && (validTo === undefined || at <= validTo));

/** The one before the next millisecond is this instant, if it is a slot. */
const isSlot = (schedule: Schedule, at: Date): boolean =>
  previousSlot(expectationOf(schedule), new Date(at.getTime() + 1))?.getTime() === at.getTime();

async function judgedAt(
  connection: Connection,
  name: string,
  at: Date,
  schedule: Schedule | undefined,
  now: Date,
): Promise<JudgedSlot> {
  const runs = await runsOfSlots(connection, name, [at]);
  return judgeSlot(at, schedule && expectationOf(schedule), runs, false, now);
}

async function lookAfter(
  connection: Connection,
  after: readonly AfterName[],
  slot: Date,
  now: Date,
): Promise<Waited[]> {
  const waited: Waited[] = [];
  for (const { name, slot: which } of after) {
    const other = inForceAt(await schedulesOf(connection, name, new Date(slot.getTime() - 1)), slot);
    const latest = other && previousSlot(expectationOf(other), new Date(slot.getTime() + 1));
    const at = which === 'same' ? slot : (latest ?? slot);
    const { state } = await judgedAt(connection, name, at, other, now);
    waited.push({ name, at, state });
  }
  return waited;
}
