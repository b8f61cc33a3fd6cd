// The slots of a cron line in a time zone, by the steps of the CronJob controller (robfig/cron v3, `SpecSchedule.Next`): where clocks are
// set forward, a time that is skipped has no slot that day; where they are set back, a time that is repeated has two.
import type { Cron } from './cron.ts';
import type { Zone } from './zone.ts';

const MINUTE = 60;
const HOUR = 3_600;
const DAY = 86_400;

/** A line that fits no day of so many years, such as the 30th of February, has no slots. */
const YEARS = 5;

/** When a name is to run: a cron line, and whose wall clock it speaks of. */
export interface CronIn {
  readonly cron: Cron;
  readonly zone: Zone;
}

/** The first slot after an instant; undefined when there is none within five years. */
export function nextSlot({ cron, zone }: CronIn, after: Date): Date | undefined {
  const begin = (Math.floor(after.getTime() / 60_000) + 1) * MINUTE;
  const walk = new Walk(zone, begin);
  const lastYear = walk.year + YEARS;
  while (walk.year <= lastYear) {
    if (toMonth(walk, cron) && toDay(walk, cron) && toHour(walk, cron) && toMinute(walk, cron)) {
      return new Date(walk.instant * 1_000);
    }
  }
  return undefined;
}

/** The slots after one instant, up to and with another, the oldest first. */
export function* slotsBetween(schedule: CronIn, after: Date, to: Date): Generator<Date, void, undefined> {
  for (let slot = nextSlot(schedule, after); slot !== undefined && slot <= to; slot = nextSlot(schedule, slot)) {
    yield slot;
  }
}

/** Spans to look back, each only when nothing was found in the one before, in milliseconds: two hours, 2 days, 32 days, a year, five. */
const LOOK_BACK = [2 * HOUR, 2 * DAY, 32 * DAY, 366 * DAY, YEARS * 366 * DAY].map((seconds) => seconds * 1_000);

/** The last slot before an instant; undefined when there is none within five years. */
export function previousSlot(schedule: CronIn, before: Date): Date | undefined {
  const to = new Date(before.getTime() - 1);
  for (const span of LOOK_BACK) {
    let last: Date | undefined;
    for (const slot of slotsBetween(schedule, new Date(before.getTime() - span), to)) last = slot;
    if (last !== undefined) return last;
  }
  return undefined;
}

/** An instant that is moved forward, and what the wall clock shows at it. */
class Walk {
  readonly #zone: Zone;
  #instant = 0;
  #wall = 0;
  /** The date of the day that was looked at last: arithmetic tells the rest, and a year of lines is walked through in a moment. */
  #date = new Date(0);
  #dayOfDate = 0;
  /** Whether it has been moved: from then on it stands at the beginning of whatever was looked for last. */
  #moved = false;

  constructor(zone: Zone, instant: number) {
    this.#zone = zone;
    this.#goTo(instant);
  }

  get instant(): number {
    return this.#instant;
  }
  get year(): number {
    return this.#date.getUTCFullYear();
  }
  /** From 1 on. */
  get month(): number {
    return this.#date.getUTCMonth() + 1;
  }
  get day(): number {
    return this.#date.getUTCDate();
  }
  get dayOfWeek(): number {
    return this.#date.getUTCDay();
  }
  get hour(): number {
    return Math.floor((this.#wall - this.#dayOfDate * DAY) / HOUR);
  }
  get minute(): number {
    return Math.floor((this.#wall - this.#dayOfDate * DAY) / MINUTE) % 60;
  }

  /** Before the first move: to the beginning of the month, the day or the hour. */
  startAt(part: 'month' | 'day' | 'hour'): void {
    if (this.#moved) return;
    this.#moved = true;
    const start = part === 'month' ? this.#dayOfDate - this.day + 1 : this.#dayOfDate;
    this.#goTo(this.#zone.instantOf(start * DAY + (part === 'hour' ? this.hour * HOUR : 0)));
  }

  /** By the calendar: the same time of the next month. */
  addMonth(): void {
    this.#toDay(Date.UTC(this.year, this.month, this.day) / (DAY * 1_000));
  }

  /** By the calendar: the same time of the next day. */
  addDay(): void {
    this.#toDay(this.#dayOfDate + 1);
  }

  /** By the stopwatch. */
  add(seconds: number): void {
    this.#moved = true;
    this.#goTo(this.#instant + seconds);
  }

  #toDay(day: number): void {
    this.#goTo(this.#zone.instantOf(day * DAY + this.#wall - this.#dayOfDate * DAY));
  }

  #goTo(instant: number): void {
    this.#instant = instant;
    this.#wall = this.#zone.wallAt(instant);
    const day = Math.floor(this.#wall / DAY);
    if (day === this.#dayOfDate) return;
    this.#dayOfDate = day;
    this.#date = new Date(day * DAY * 1_000);
  }
}

// Each of these goes forward to what fits, and returns false where it came into the next year, month, day or hour: then all that is
// larger has to be looked at again.

function toMonth(walk: Walk, { months }: Cron): boolean {
  while (!months[walk.month]) {
    walk.startAt('month');
    walk.addMonth();
    if (walk.month === 1) return false;
  }
  return true;
}

function toDay(walk: Walk, cron: Cron): boolean {
  while (!fitsDay(walk, cron)) {
    walk.startAt('day');
    walk.addDay();
    // A day whose midnight the clocks skip begins at one, and the controller goes back to 23:00 of the day before.
    const { hour } = walk;
    if (hour > 12) walk.add((24 - hour) * HOUR);
    else if (hour > 0) walk.add(-hour * HOUR);
    if (walk.day === 1) return false;
  }
  return true;
}

function fitsDay({ day, dayOfWeek }: Walk, { daysOfMonth, daysOfWeek, bothDays }: Cron): boolean {
  const ofMonth = daysOfMonth[day] ?? false;
  const ofWeek = daysOfWeek[dayOfWeek] ?? false;
  return bothDays ? ofMonth && ofWeek : ofMonth || ofWeek;
}

function toHour(walk: Walk, { hours }: Cron): boolean {
  while (!hours[walk.hour]) {
    walk.startAt('hour');
    walk.add(HOUR);
    if (walk.hour === 0) return false;
  }
  return true;
}

function toMinute(walk: Walk, { minutes }: Cron): boolean {
  while (!minutes[walk.minute]) {
    walk.add(MINUTE);
    if (walk.minute === 0) return false;
  }
  return true;
}
