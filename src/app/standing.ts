// How names stand: what their schedules ask for, and what their records tell. What `status` and the console show.
import type { Connection } from '../postgres/connect.ts';
import { type NameOverview, overview } from '../postgres/overview.ts';
import { currentPauses } from '../postgres/pausing.ts';
import { type Schedule, schedulesOf } from '../postgres/schedules.ts';
import { listCheckpoints, type SlotCheckpoint } from '../postgres/slot-checkpoints.ts';
import { type RunOfSlot, recordedSlots, runsOfSlots } from '../postgres/slots.ts';
import { type Statistics, statistics } from '../postgres/statistics.ts';
import type { Pause } from '../runner/decisions.ts';
import type { ErrorInfo } from '../runner/outcome.ts';
import { type JudgedSlot, judgeSlot } from '../schedule/judge.ts';
import { nextSlot, previousSlot } from '../schedule/slots.ts';
import { tellCron } from '../schedule/words.ts';
import { databaseNow, expectationOf, type Noticed, noticeMissed, unreadable } from './missed-slots.ts';

/** How a name is doing, the worst first: what needs a person before what doesn't. */
export const HEALTHS = ['failing', 'overdue', 'paused', 'suspended', 'running', 'unknown', 'ok'] as const;

/**
 * `failing`: the newest run failed, and nothing has succeeded since. `overdue`: a slot has passed, and nobody has begun it in time.
 * `unknown`: nothing has run yet, and nothing is overdue.
 */
export type Health = (typeof HEALTHS)[number];

/** How a name stands. */
export interface Standing extends NameOverview {
  readonly job: string;
  readonly health: Health;
  /** The one in force. */
  readonly schedule?: Schedule;
  /** When its slots are, in words. */
  readonly words?: string;
  /** Why its slots can't be told; it is judged by none then. */
  readonly unreadable?: string;
  /** The next three slots; none while it is suspended. */
  readonly next: readonly Date[];
  /** The first slot since the last success that nobody began in time. */
  readonly overdueSince?: Date;
  /** Of the last 30 days; absent where there were no runs. */
  readonly statistics?: Statistics;
  readonly pause?: Pause;
  /** What slots of it that haven't succeeded have saved. */
  readonly checkpoints: readonly SlotCheckpoint[];
}

/** One name, with its newest slots. */
export interface DetailedStanding extends Standing {
  /** The newest ten, the oldest first. */
  readonly slots: readonly (JudgedSlot & { readonly runId?: string })[];
}

/** How many slots of one name are shown. */
const STRIP = 10;

/** How many of the next slots are told. */
const NEXT = 3;

/** What was seen, and by which clock. */
export interface Seen<T> {
  readonly now: Date;
  readonly standings: T;
  /** Whether slots that were missed could be written down. */
  readonly written: boolean;
}

/** How all names stand, what needs a person first; writes down the slots that were missed. */
export async function standings(connection: Connection, others: readonly string[]): Promise<Seen<Standing[]>> {
  const now = await databaseNow(connection);
  const noticed = await noticeMissed(connection, now);
  const recorded = await overview(connection);
  const { schedules } = noticed;
  const days = await statistics(connection);
  const pauses = await currentPauses(connection);
  const saved = await checkpointsByName(connection);
  const known = new Set(recorded.map(({ name }) => name));
  const silent = [...new Set([...schedules.keys(), ...others])].filter((name) => !known.has(name)).map(neverRan);
  const all = [...recorded, ...silent].map((one) =>
    standingOf(one, now, noticed, schedules.get(one.name), days.get(one.name), {
      pause: pauses.get(one.name),
      checkpoints: saved.get(one.name) ?? [],
    }),
  );
  return { now, standings: all.sort(byNeed), written: noticed.written };
}

/** How one name stands. */
export async function standing(connection: Connection, name: string): Promise<Seen<DetailedStanding>> {
  const now = await databaseNow(connection);
  const noticed = await noticeMissed(connection, now, [name]);
  const [one = neverRan(name)] = await overview(connection, [name]);
  const schedule = noticed.schedules.get(name);
  const days = await statistics(connection, [name]);
  const pauses = await currentPauses(connection, name);
  const known = standingOf(one, now, noticed, schedule, days.get(name), {
    pause: pauses.get(name),
    checkpoints: await listCheckpoints(connection, name),
  });
  return { now, standings: { ...known, slots: await newestSlots(connection, name, now) }, written: noticed.written };
}

/** What names have saved of their progress. */
export async function checkpointsByName(connection: Connection): Promise<Map<string, SlotCheckpoint[]>> {
  return Map.groupBy(await listCheckpoints(connection), ({ name }) => name);
}

/** A name of which there is no record. */
export const neverRan = (name: string): NameOverview => ({
  name,
  lastRun: [],
  running: [],
  consecutiveFailures: 0,
  skips: 0,
  missed: 0,
});

/** Orders names: what needs a person first. */
export const byNeed = (a: Standing, b: Standing): number =>
  HEALTHS.indexOf(a.health) - HEALTHS.indexOf(b.health) || (a.name < b.name ? -1 : 1);

/** Judges a name by what its records and its schedule tell. */
export function standingOf(
  one: NameOverview,
  now: Date,
  noticed: Noticed,
  schedule: Schedule | undefined,
  days: Statistics | undefined,
  { pause, checkpoints }: { readonly pause: Pause | undefined; readonly checkpoints: readonly SlotCheckpoint[] },
): Standing {
  const wrong = schedule && unreadable(schedule);
  const expected = schedule !== undefined && !schedule.suspend && wrong === undefined;
  const unwritten = sinceSuccess(
    one,
    noticed.unwritten.filter(({ name }) => name === one.name).map(({ at }) => at),
  );
  const late = sinceSuccess(one, noticed.late.get(one.name) ?? []);
  const missedSince = earliest([...(one.missedSince ? [one.missedSince] : []), ...unwritten]);
  const overdueSince =
    expected && pause === undefined ? earliest([...(missedSince ? [missedSince] : []), ...late]) : undefined;
  return {
    ...one,
    missed: one.missed + unwritten.length,
    ...(missedSince && { missedSince }),
    job: one.lastRun[0]?.job ?? schedule?.job ?? one.name,
    health: healthOf(one, schedule, overdueSince, pause),
    ...(schedule && { schedule }),
    ...(schedule && wrong === undefined && { words: tellCron(expectationOf(schedule).cron, schedule.timeZone) }),
    ...(wrong !== undefined && { unreadable: wrong }),
    next: expected ? nextSlots(schedule, now) : [],
    ...(overdueSince && { overdueSince }),
    ...(days && { statistics: days }),
    ...(pause && { pause }),
    checkpoints,
  };
}

function sinceSuccess({ lastSuccess }: NameOverview, slots: readonly Date[]): Date[] {
  return slots.filter((at) => lastSuccess === undefined || at > lastSuccess.scheduledAt);
}

const earliest = (times: readonly Date[]): Date | undefined =>
  times.length === 0 ? undefined : times.reduce((a, b) => (a <= b ? a : b));

function healthOf(
  { consecutiveFailures, running, lastRun }: NameOverview,
  schedule: Schedule | undefined,
  overdueSince: Date | undefined,
  pause: Pause | undefined,
): Health {
  if (pause) return 'paused';
  if (consecutiveFailures > 0) return 'failing';
  if (overdueSince) return 'overdue';
  if (running.length > 0) return 'running';
  if (schedule?.suspend) return 'suspended';
  return lastRun.length === 0 ? 'unknown' : 'ok';
}

/** The next slots of a schedule, as many as are told. */
export function nextSlots(schedule: Schedule, after: Date, count = NEXT): Date[] {
  const expectation = expectationOf(schedule);
  const next: Date[] = [];
  for (let slot = nextSlot(expectation, after); slot && next.length < count; slot = nextSlot(expectation, slot))
    next.push(slot);
  return next;
}

/** The newest slots of the schedules that were in force; of a name that has none, those of its records. */
async function newestSlots(connection: Connection, name: string, now: Date): Promise<DetailedStanding['slots']> {
  const schedules = (await schedulesOf(connection, name, new Date(0))).filter(
    (schedule) => !schedule.suspend && unreadable(schedule) === undefined,
  );
  const expected = schedules.length === 0 ? [] : scheduledSlots(schedules, now);
  const slots =
    expected.length > 0
      ? expected
      : (await recordedSlots(connection, name, STRIP)).map((at) => ({ at, schedule: undefined }));
  const ordered = slots.sort((a, b) => a.at.getTime() - b.at.getTime());
  const runs = Map.groupBy(
    await runsOfSlots(
      connection,
      name,
      ordered.map(({ at }) => at),
    ),
    ({ scheduledAt }) => scheduledAt.getTime(),
  );
  return ordered.map(({ at, schedule }) => {
    const own: readonly RunOfSlot[] = runs.get(at.getTime()) ?? [];
    const passedOver = ordered.some((other) => other.at > at && hasBegun(runs.get(other.at.getTime())));
    const judged = judgeSlot(at, schedule && expectationOf(schedule), own, passedOver, now);
    const runId = own.findLast(({ status }) => status !== 'missed')?.runId;
    return { ...judged, ...(runId !== undefined && { runId }) };
  });
}

const hasBegun = (runs: readonly RunOfSlot[] = []): boolean => runs.some(({ status }) => status !== 'missed');

/** Back from now, through one schedule after the other. */
function scheduledSlots(schedules: readonly Schedule[], now: Date): { at: Date; schedule: Schedule }[] {
  const slots: { at: Date; schedule: Schedule }[] = [];
  for (const schedule of schedules.toReversed()) {
    const { validFrom, validTo } = schedule;
    // The slot at this very instant has come.
    let before = new Date((validTo !== undefined && validTo < now ? validTo : now).getTime() + 1);
    while (slots.length < STRIP) {
      const at = previousSlot(expectationOf(schedule), before);
      if (at === undefined || at <= validFrom) break;
      slots.push({ at, schedule });
      before = at;
    }
  }
  return slots;
}

/** The first line of what an error came of. */
export function rootCause(error: ErrorInfo): string {
  const [cause] = error.causes ?? [];
  if (cause) return rootCause(cause);
  return `${error.name}: ${error.message}`.split('\n')[0]?.trim() ?? '';
}

/** A record tells of attempts when the run itself closes it, which a killed one never does. */
const NEVER_CLOSED: readonly string[] = ['running', 'lost'];

/** How often a run has tried. One that hasn't said so is at its first attempt once it has begun its work, until it tells of more. */
export function attemptsMade(
  { attempts, begunAt, status }: { readonly attempts: number; readonly begunAt?: Date; readonly status: string },
  tries: readonly unknown[] | undefined,
): number {
  return Math.max(attempts, tries?.length ?? 0, begunAt && NEVER_CLOSED.includes(status) ? 1 : 0);
}
