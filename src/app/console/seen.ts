// What is known of one name at a time: its standing, its newest slots, and how long its runs took. What each row of the console shows.
import type { RecentRun } from '../../postgres/console-reads.ts';
import type { Schedule } from '../../postgres/schedules.ts';
import { type Expectation, type JudgedSlot, judgeSlot } from '../../schedule/judge.ts';
import { slotsBetween } from '../../schedule/slots.ts';
import { expectationOf, unreadable } from '../missed-slots.ts';
import type { Standing } from '../standing.ts';

/** How many slots are shown of a name. */
export const STRIP = 30;

/** How many of the newest runs of a name are read for its slots: parts, attempts and skipped runs are more than one a slot. */
export const RECENT = 90;

/** A slot, what became of it, and the run that says so. */
export interface SeenSlot extends JudgedSlot {
  readonly runId?: string;
}

/** A name, as it was seen last. */
export interface Seen {
  readonly standing: Standing;
  /** The newest STRIP slots at most, the oldest first, as `slotsOf` reads them: as text, since of a thousand names they are most of what is held. */
  readonly packedSlots: string;
  /** How long its newest runs took that succeeded, in milliseconds, the oldest first. */
  readonly durations: readonly number[];
  /** The newest run that ended, and wasn't skipped. */
  readonly lastEnded?: RecentRun;
  /** The namespace of the schedule, or of the newest run. */
  readonly namespace: string;
  /** When time alone changes something of this. */
  readonly changesAt: Date | undefined;
}

/** The slots of a name, with their times as JSON has them. */
export const slotsOf = ({
  packedSlots,
}: Pick<Seen, 'packedSlots'>): (Omit<SeenSlot, 'at'> & { readonly at: string })[] => JSON.parse(packedSlots);

/** Puts together what is known of a name. `runs` are its newest, the newest slot first. */
export function seenOf(standing: Standing, runs: readonly RecentRun[], now: Date): Seen {
  const { schedule } = standing;
  const slots = newestSlots(schedule, standing.next, runs, now);
  const ended = runs
    .filter(({ status, endedAt }) => endedAt !== undefined && status !== 'skipped' && status !== 'missed')
    .sort((a, b) => (b.endedAt?.getTime() ?? 0) - (a.endedAt?.getTime() ?? 0));
  const [lastEnded] = ended;
  return {
    standing,
    packedSlots: JSON.stringify(slots),
    durations: ended
      .filter(({ status }) => status === 'succeeded')
      .slice(0, STRIP)
      .map(({ durationMs }) => durationMs ?? 0)
      .reverse(),
    ...(lastEnded && { lastEnded }),
    namespace: schedule?.namespace ?? runs.find(({ namespace }) => namespace !== undefined)?.namespace ?? '',
    changesAt: changesAt(standing, slots, now),
  };
}

function newestSlots(
  schedule: Schedule | undefined,
  next: readonly Date[],
  runs: readonly RecentRun[],
  now: Date,
): SeenSlot[] {
  const bySlot = Map.groupBy(runs, ({ scheduledAt }) => scheduledAt.getTime());
  const judged = schedule && !schedule.suspend && unreadable(schedule) === undefined;
  const expectation = judged ? expectationOf(schedule) : undefined;
  const expected = new Set(
    schedule && expectation
      ? lastSlots(expectation, schedule.validFrom, now, gapOf(next)).map((at) => at.getTime())
      : [],
  );
  const times = [...new Set([...bySlot.keys(), ...expected])].sort((a, b) => a - b).slice(-STRIP);
  const begun = times.filter((at) => bySlot.get(at)?.some(({ status }) => status !== 'missed'));
  const newest = begun.at(-1);
  return times.map((time) => {
    const own = bySlot.get(time) ?? [];
    const slot = judgeSlot(
      new Date(time),
      expected.has(time) ? expectation : undefined,
      own,
      newest !== undefined && newest > time,
      now,
    );
    const runId = own.findLast(({ status }) => status !== 'missed')?.runId;
    return { ...slot, ...(runId !== undefined && { runId }) };
  });
}

/** The time between two slots, as a guess at how far back the newest ones are. */
function gapOf([first, second]: readonly Date[]): number {
  return first && second ? second.getTime() - first.getTime() : 86_400_000;
}

/** The newest slots after `since`, STRIP at most: looks back twice as far until there are enough. */
function lastSlots(expectation: Expectation, since: Date, now: Date, gapMs: number): Date[] {
  for (let span = gapMs * (STRIP + 2); ; span *= 2) {
    const from = new Date(Math.max(since.getTime(), now.getTime() - span));
    const slots = [...slotsBetween(expectation, from, now)];
    if (slots.length >= STRIP || from.getTime() === since.getTime()) return slots.slice(-STRIP);
  }
}

/** The next instant at which a slot comes, or turns from due to late or from late to missed. */
function changesAt({ schedule, next, pause }: Standing, slots: readonly SeenSlot[], now: Date): Date | undefined {
  const times: number[] = next[0] ? [next[0].getTime()] : [];
  if (pause?.until) times.push(pause.until.getTime());
  if (schedule) {
    const { lateAfterMs, startingDeadlineSeconds, deadlineSeconds } = schedule;
    for (const { at, state } of slots) {
      if (state === 'due' || state === 'late') {
        times.push(at.getTime() + lateAfterMs);
        if (startingDeadlineSeconds !== undefined) times.push(at.getTime() + startingDeadlineSeconds * 1_000);
      }
      if (state === 'running' && deadlineSeconds !== undefined) times.push(at.getTime() + deadlineSeconds * 1_000);
    }
  }
  const coming = times.filter((time) => time > now.getTime());
  return coming.length === 0 ? undefined : new Date(Math.min(...coming));
}
