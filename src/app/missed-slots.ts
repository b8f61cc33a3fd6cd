// Notices slots that passed without a run, and records each once: whoever looks does so, a later run, `status`, or the console.
import { hasCode } from '../errors.ts';
import type { Queries } from '../postgres/queries.ts';
import { type Schedule, schedulesToJudge } from '../postgres/schedules.ts';
import { type MissedSlot, recordMissed, settle, startedSlots } from '../postgres/slots.ts';
import { SQLSTATE, sqlStateOf } from '../postgres/sqlstate.ts';
import { parseCron } from '../schedule/cron.ts';
import { type Expectation, judgeSlot } from '../schedule/judge.ts';
import { slotsBetween } from '../schedule/slots.ts';
import { zoneOf } from '../schedule/zone.ts';
import { VERSION } from './version.ts';

/** How many slots one look judges at most, of all schedules together: what is left is for the next. */
const MOST_SLOTS = 20_000;

/** What was noticed. */
export interface Noticed {
  /** The schedules in force, by name. */
  readonly schedules: ReadonlyMap<string, Schedule>;
  /** How many records were written that say missed. */
  readonly recorded: number;
  /** By name, the slots that nobody has begun and that may still be started, though late; the oldest first. */
  readonly late: ReadonlyMap<string, readonly Date[]>;
  /** Whether what was missed could be written down: a reader without the right to, or on a standby, can't. */
  readonly written: boolean;
  /** Slots that were missed, where they couldn't be written down. */
  readonly unwritten: readonly MissedSlot[];
}

/** What a schedule's slots are judged by. */
export function expectationOf(schedule: Schedule): Expectation {
  const { startingDeadlineSeconds, deadlineSeconds } = schedule;
  return {
    cron: parseCron(schedule.cron),
    zone: zoneOf(schedule.timeZone),
    lateAfterMs: schedule.lateAfterMs,
    blackouts: schedule.blackouts,
    startingDeadlineMs: startingDeadlineSeconds === undefined ? undefined : startingDeadlineSeconds * 1_000,
    deadlineMs: deadlineSeconds === undefined ? undefined : deadlineSeconds * 1_000,
  };
}

/**
 * Why the times of a schedule can't be told; undefined where they can. Another version of run-job, which knows more zones, may have told of
 * it: such a schedule must not hide how the others are doing.
 */
export function unreadable(schedule: Schedule): string | undefined {
  try {
    expectationOf(schedule);
    return undefined;
  } catch (error) {
    if (hasCode(error, 'ERR_RUN_JOB_USAGE')) return (error as Error).message;
    throw error;
  }
}

/** The database's clock, by which schedules begin and runs are judged. */
export async function databaseNow(connection: Queries): Promise<Date> {
  const { rows } = await connection.query<{ now: Date }>('SELECT clock_timestamp() AS now');
  return rows[0]?.now ?? new Date();
}

/**
 * Judges the slots of all schedules, or of those of some names, that have passed since somebody looked last.
 * @param now by the database's clock, as the schedules' times are
 * @param before only slots before this one: whoever stands for it may begin later than a slot is waited for
 * @param record whether to write down what was missed; whoever knows that he may not needn't try
 */
export async function noticeMissed(
  connection: Queries,
  now: Date,
  names?: readonly string[],
  before?: Date,
  { record = true }: { readonly record?: boolean } = {},
): Promise<Noticed> {
  const schedules = await schedulesToJudge(connection, names);
  const open = openSlots(schedules, before === undefined || before > now ? now : new Date(before.getTime() - 1));
  const started = await startedSlots(
    connection,
    open.flatMap(({ schedule: { name, settledTo }, slots }) => {
      const to = slots.at(-1);
      return to === undefined ? [] : [{ name, after: settledTo, to }];
    }),
  );
  const missed: MissedSlot[] = [];
  const settled: { id: string; to: Date }[] = [];
  const late = new Map<string, Date[]>();
  for (const { schedule, expectation, slots, end, whole } of open) {
    const runs = started.get(schedule.name) ?? new Set();
    const newest = slots.findLast((slot) => runs.has(slot.getTime()));
    let waiting = false;
    let to: Date | undefined;
    for (const slot of slots) {
      const passedOver = newest !== undefined && slot < newest;
      const state = runs.has(slot.getTime()) ? 'done' : judgeSlot(slot, expectation, [], passedOver, now).state;
      if (state === 'late') late.set(schedule.name, [...(late.get(schedule.name) ?? []), slot]);
      if (state === 'late' || state === 'due') waiting = true;
      if (waiting) continue;
      if (state === 'missed') missed.push({ name: schedule.name, job: schedule.job, at: slot });
      to = slot;
    }
    // One that is no longer in force is done with, also where no slot lies at its end.
    if (!waiting && whole && end === schedule.validTo) to = end;
    if (to !== undefined) settled.push({ id: schedule.id, to });
  }
  const written = record ? await write(connection, missed, settled) : undefined;
  const inForce = schedules.filter(({ validTo }) => validTo === undefined).map((one) => [one.name, one] as const);
  return {
    schedules: new Map(inForce),
    recorded: written ?? 0,
    late,
    written: written !== undefined,
    unwritten: written === undefined ? missed : [],
  };
}

interface OpenSlots {
  readonly schedule: Schedule;
  readonly expectation: Expectation;
  readonly slots: readonly Date[];
  readonly end: Date;
  /** Whether these are all of its slots up to `end`. */
  readonly whole: boolean;
}

interface Turn {
  readonly schedule: Schedule;
  readonly expectation: Expectation;
  readonly end: Date;
  readonly slots: Date[];
  readonly rest: Iterator<Date, void>;
  whole: boolean;
}

/** Each schedule in turn gives its next slot: one that nobody has looked at for a month doesn't hide how the others are doing. */
function openSlots(schedules: readonly Schedule[], upTo: Date): OpenSlots[] {
  const turns = schedules
    .filter((schedule) => !schedule.suspend && unreadable(schedule) === undefined)
    .map((schedule): Turn => {
      const expectation = expectationOf(schedule);
      const end = schedule.validTo !== undefined && schedule.validTo < upTo ? schedule.validTo : upTo;
      return {
        schedule,
        expectation,
        end,
        slots: [],
        rest: slotsBetween(expectation, schedule.settledTo, end),
        whole: false,
      };
    });
  let left = MOST_SLOTS;
  for (let open: readonly Turn[] = turns; open.length > 0 && left > 0; open = open.filter(({ whole }) => !whole)) {
    for (const turn of open) {
      const next = turn.rest.next();
      if (next.done) turn.whole = true;
      else if (left-- > 0) turn.slots.push(next.value);
    }
  }
  return turns.filter(({ schedule, slots, end }) => slots.length > 0 || end === schedule.validTo);
}

/** Whoever may only look still looks. */
const MAY_NOT_WRITE: readonly (string | undefined)[] = [
  SQLSTATE.insufficientPrivilege,
  SQLSTATE.readOnlySqlTransaction,
];

/** How many records are new; undefined where nothing can be written. */
async function write(
  connection: Queries,
  missed: readonly MissedSlot[],
  settled: readonly { id: string; to: Date }[],
): Promise<number | undefined> {
  try {
    const recorded = await recordMissed(connection, missed, VERSION);
    await settle(connection, settled);
    return recorded;
  } catch (error) {
    if (MAY_NOT_WRITE.includes(sqlStateOf(error))) return undefined;
    throw error;
  }
}
