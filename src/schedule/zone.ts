// Time zones: what a wall clock shows at an instant, and the instant at which it shows something. Times are whole seconds since the epoch.
import { UsageError } from '../errors.ts';

const DAY = 86_400;

/** A wall clock's reading as if it were UTC's, in seconds: arithmetic with it is that of a calendar. */
export type Wall = number;

/** One IANA time zone. It remembers what it has looked up, since looking costs more than all the arithmetic. */
export class Zone {
  readonly name: string;
  readonly #format: Intl.DateTimeFormat | undefined;
  /** The offset at the beginning of each day of UTC that was asked for. */
  readonly #offsets = new Map<number, number>();
  /** The instant at which the clocks jump, of each day that has one. */
  readonly #jumps = new Map<number, number>();

  constructor(name: string) {
    this.name = name;
    this.#format = /^(?:Etc\/)?(?:UTC|UCT|Universal|Zulu)$/.test(name) ? undefined : formatOf(name);
  }

  /** How far the wall clock is ahead of UTC, in seconds. */
  offsetAt(instant: number): number {
    if (this.#format === undefined) return 0;
    const day = Math.floor(instant / DAY);
    const before = this.#offsetOfDay(day);
    const after = this.#offsetOfDay(day + 1);
    if (before === after) return before;
    return instant < this.#jumpOf(day, before) ? before : after;
  }

  /** What the wall clock shows. */
  wallAt(instant: number): Wall {
    return instant + this.offsetAt(instant);
  }

  /**
   * The instant at which the wall clock shows this. Of a time that is repeated, one of the two; of one that is skipped, what the clock
   * would show had it not been set yet. That is what Go's `time.Date` makes of it, and so the CronJob controller.
   */
  instantOf(wall: Wall): number {
    return wall - this.offsetAt(wall - this.offsetAt(wall));
  }

  #offsetOfDay(day: number): number {
    const known = this.#offsets.get(day);
    if (known !== undefined) return known;
    const offset = this.#look(day * DAY);
    this.#offsets.set(day, offset);
    return offset;
  }

  #jumpOf(day: number, before: number): number {
    const known = this.#jumps.get(day);
    if (known !== undefined) return known;
    let [low, high] = [day * DAY, (day + 1) * DAY];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.#look(middle) === before) low = middle;
      else high = middle;
    }
    this.#jumps.set(day, high);
    return high;
  }

  #look(instant: number): number {
    const parts = this.#format?.formatToParts(instant * 1_000) ?? [];
    const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = [
      'year',
      'month',
      'day',
      'hour',
      'minute',
      'second',
    ].map((type) => Number(parts.find((part) => part.type === type)?.value));
    return Date.UTC(year, month - 1, day, hour, minute, second) / 1_000 - instant;
  }
}

const zones = new Map<string, Zone>();

/**
 * The zone of this name.
 * @throws {UsageError} there is none, or Kubernetes wouldn't take it
 */
export function zoneOf(name: string): Zone {
  const known = zones.get(name);
  if (known !== undefined) return known;
  const zone = new Zone(name);
  zones.set(name, zone);
  return zone;
}

function formatOf(name: string): Intl.DateTimeFormat {
  const wrong = (hint: string) => new UsageError(`"${name}" isn't an IANA time zone: ${hint}`);
  const usual = 'write one such as Etc/UTC or Europe/Berlin';
  // Intl takes offsets too, which Kubernetes doesn't.
  if (!/^[A-Za-z][A-Za-z0-9_+/-]*$/.test(name)) throw wrong(usual);
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      calendar: 'gregory',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    throw wrong(usual);
  }
  const { timeZone } = format.resolvedOptions();
  // Go looks for a file of this name, capitals and all.
  if (timeZone !== name && timeZone.toLowerCase() === name.toLowerCase()) throw wrong(`did you mean ${timeZone}?`);
  return format;
}
