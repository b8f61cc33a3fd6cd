// The slots of a span of time that a backfill is to do: those of the schedules that were in force, and what has become of each.
import { UsageError } from '../../errors.ts';
import type { Connection } from '../../postgres/connect.ts';
import { type Schedule, schedulesInForce, schedulesOf } from '../../postgres/schedules.ts';
import { type RunOfSlot, runsOfSlots } from '../../postgres/slots.ts';
import { type JudgedSlot, judgeSlot } from '../../schedule/judge.ts';
import { slotsBetween } from '../../schedule/slots.ts';
import { expectationOf, noticeMissed } from '../missed-slots.ts';

/**
 * Which slots to do. `missing`: no run of it has come to an end of its own. `failed`: a run of it has failed, or died. `all`: whatever hasn't
 * succeeded.
 */
export const ONLY = ['missing', 'failed', 'all'] as const;

export type Only = (typeof ONLY)[number];

/** A span of time, and how its slots are found. */
export interface BackfillSpan {
  readonly from: Date;
  readonly to: Date;
  readonly only: Only;
  /** Whether the schedule in force now counts for all of it, in place of those that were in force. */
  readonly currentSchedule: boolean;
}

/** A slot, what has become of it, and by which schedule it is one. */
export interface PlannedSlot extends JudgedSlot {
  readonly schedule: Schedule;
  /** The parts of its work that haven't succeeded. */
  readonly parts: readonly number[];
  /** Its newest run. */
  readonly run?: RunOfSlot;
}

/** What there is to do, the oldest first, and what else the span holds. */
export interface Plan {
  readonly slots: readonly PlannedSlot[];
  /** Slots that have succeeded. */
  readonly done: number;
  /** Slots that lie in a blackout: their runs would be skipped. */
  readonly inBlackout: number;
  /** Slots that haven't succeeded, and that `only` leaves out. */
  readonly others: number;
  /** Slots that there would have been, had the schedule not been suspended. */
  readonly suspended: number;
  /** Where the span begins before any schedule was known: since when one is. */
  readonly unknownBefore?: Date;
}

/** How many slots are looked up at once. */
const CHUNK = 5_000;

/** A line that runs each minute has as many slots in two years. */
const MOST_SLOTS = 1_100_000;

/**
 * Finds the slots of a name.
 * @param now by the database's clock: what is later isn't due yet
 * @throws {UsageError} no schedule of the name is known, or the span has too many slots to look at
 */
export async function planBackfill(connection: Connection, name: string, span: BackfillSpan, now: Date): Promise<Plan> {
  await noticeMissed(connection, now, [name]);
  const to = span.to < now ? span.to : now;
  const schedules = await schedulesFor(connection, name, span);
  const expected = schedules.flatMap((schedule) => slotsOf(schedule, span.from, to));
  if (expected.length > MOST_SLOTS) {
    throw new UsageError(`there are more than ${MOST_SLOTS} slots from --from to --to; choose a shorter span`);
  }
  const live = expected.filter(({ schedule }) => span.currentSchedule || !schedule.suspend);
  const judged: PlannedSlot[] = [];
  for (let start = 0; start < live.length; start += CHUNK) {
    judged.push(...(await judge(connection, name, live.slice(start, start + CHUNK), now)));
  }
  const open = judged.filter(({ state }) => state !== 'done');
  const inBlackout = open.filter(isInBlackout);
  const slots = open.filter((slot) => !isInBlackout(slot) && isWanted(slot, span.only));
  const [first] = schedules;
  return {
    slots,
    done: judged.length - open.length,
    inBlackout: inBlackout.length,
    others: open.length - inBlackout.length - slots.length,
    suspended: expected.length - live.length,
    ...(!span.currentSchedule && first && first.validFrom > span.from && { unknownBefore: first.validFrom }),
  };
}

/** What has become of one slot meanwhile. */
export async function lookAgain(
  connection: Connection,
  { at, schedule }: Pick<PlannedSlot, 'at' | 'schedule'>,
  now: Date,
): Promise<PlannedSlot | undefined> {
  const [slot] = await judge(connection, schedule.name, [{ at, schedule }], now);
  return slot;
}

async function schedulesFor(connection: Connection, name: string, span: BackfillSpan): Promise<Schedule[]> {
  if (!span.currentSchedule) {
    const all = (await schedulesOf(connection, name, span.from)).filter(({ validFrom }) => validFrom < span.to);
    if (all.length > 0) return all;
  }
  const [current] = await schedulesInForce(connection, [name]);
  if (current === undefined) {
    throw new UsageError(
      `no schedule of ${name} is known, by which its slots could be found: the chart tells of it, or run-job schedules apply --file <path>`,
    );
  }
  if (!span.currentSchedule) {
    throw new UsageError(
      `no schedule of ${name} was in force from ${span.from.toISOString()} to ${span.to.toISOString()}: one is known since ${current.validFrom.toISOString()}; --current-schedule takes its times for the past too`,
    );
  }
  return [{ ...current, validFrom: new Date(0) }];
}

interface ExpectedSlot {
  readonly at: Date;
  readonly schedule: Schedule;
}

function slotsOf(schedule: Schedule, from: Date, to: Date): ExpectedSlot[] {
  const { validFrom, validTo } = schedule;
  const after = new Date(Math.max(validFrom.getTime(), from.getTime() - 1));
  const end = validTo !== undefined && validTo < to ? validTo : to;
  const slots: ExpectedSlot[] = [];
  for (const at of slotsBetween(expectationOf(schedule), after, end)) {
    slots.push({ at, schedule });
    if (slots.length > MOST_SLOTS) break;
  }
  return slots;
}

async function judge(
  connection: Connection,
  name: string,
  slots: readonly ExpectedSlot[],
  now: Date,
): Promise<PlannedSlot[]> {
  const found = await runsOfSlots(
    connection,
    name,
    slots.map(({ at }) => at),
  );
  const bySlot = Map.groupBy(found, ({ scheduledAt }) => scheduledAt.getTime());
  const newestBegun = Math.max(
    ...found.filter(({ status }) => status !== 'missed').map(({ scheduledAt }) => scheduledAt.getTime()),
  );
  const expectations = new Map(slots.map(({ schedule }) => [schedule.id, expectationOf(schedule)]));
  return slots.map(({ at, schedule }) => {
    const runs = bySlot.get(at.getTime()) ?? [];
    const judged = judgeSlot(at, expectations.get(schedule.id), runs, at.getTime() < newestBegun, now);
    const run = runs.findLast(({ status }) => status !== 'missed');
    return { ...judged, schedule, parts: partsLeft(schedule, runs), ...(run && { run }) };
  });
}

function partsLeft({ shards }: Schedule, runs: readonly RunOfSlot[]): number[] {
  const done = new Set(
    runs
      .filter(({ status, shard }) => status === 'succeeded' && shard.count === shards)
      .map(({ shard }) => shard.index),
  );
  return Array.from({ length: shards }, (_, index) => index).filter((index) => !done.has(index));
}

const isInBlackout = ({ state, reason }: PlannedSlot): boolean => state === 'skipped' && reason === 'blackout';

/** Ends that no run chose: it was killed, or told to stop. */
const CUT_SHORT: readonly (string | undefined)[] = ['lost', 'interrupted'];

function isWanted({ state, reason }: PlannedSlot, only: Only): boolean {
  // What runs now is waited for: it may succeed.
  if (only === 'all' || state === 'running') return true;
  if (state === 'failed') return only === 'failed' || CUT_SHORT.includes(reason);
  return only === 'missing';
}
