// Watches all names: reads a few small tables again and again, and of the names for which these have changed all that the console shows.
import type { Connection } from '../../postgres/connect.ts';
import {
  mayRecord,
  type Pulse,
  placesTaken,
  type RecentRun,
  readPulse,
  recentRuns,
  type Total,
} from '../../postgres/console-reads.ts';
import { type LiveRun, liveOf, waitingRuns } from '../../postgres/live.ts';
import { overview, recordedNames, runningRuns } from '../../postgres/overview.ts';
import { currentPauses } from '../../postgres/pausing.ts';
import type { ReadPool } from '../../postgres/read-pool.ts';
import type { RunRecord } from '../../postgres/records.ts';
import { type Schedule, schedulesInForce } from '../../postgres/schedules.ts';
import { NEWEST, statistics } from '../../postgres/statistics.ts';
import type { Pause } from '../../runner/decisions.ts';
import { noticeMissed } from '../missed-slots.ts';
import { checkpointsByName, neverRan, standingOf } from '../standing.ts';
import { RECENT, type Seen, seenOf } from './seen.ts';

export type { LiveRun };

/** How often is looked while somebody watches, and while nobody does, in milliseconds. */
const BUSY_MS = 1_000;
const IDLE_MS = 15_000;

/** For how long after somebody asked there is somebody who watches. */
const WATCHED_MS = 30_000;

/** How often everything is read anew, so that what was pruned goes. */
const WHOLE_MS = 600_000;

/** At most so much of the time is spent looking: whoever watches must not burden the database. */
const SHARE = 0.25;

/** How many names are read at once: what is read of them is garbage a moment later, and what the first look takes stays with the process. */
const BATCH = 25;

/** What is known of all names. Never changes; a later look gives another. */
export interface Picture {
  /** The instant for which it holds, by the database's clock. */
  readonly at: Date;
  readonly seen: ReadonlyMap<string, Seen>;
  /** Runs that are under way, the oldest first. */
  readonly running: readonly RunRecord[];
  /** What those have said last, by their ids. */
  readonly live: ReadonlyMap<string, LiveRun>;
  /** Runs that wait before they begin, by name. */
  readonly waiting: readonly LiveRun[];
  readonly totals: readonly Total[];
  /** How many places are taken; unknown on a standby. */
  readonly taken: number | undefined;
  /** Whether the database is a standby, on which nobody knows whether a run lives. */
  readonly standby: boolean;
}

/** Whether what is known is still true. */
export interface Freshness {
  /** When the last look was that succeeded, by our clock; undefined before the first. */
  readonly lookedAt: Date | undefined;
  /** Why looking fails, while it does. */
  readonly problem: Error | undefined;
  /** How long the look that is under way has lasted, in milliseconds; 0 between looks. */
  readonly lookingMs: number;
}

export interface WatchOptions {
  /** Throws when the schema isn't one that we know. */
  readonly check: (connection: Connection) => Promise<void>;
  readonly maxConcurrentJobs: number;
}

/** Hears of names that have changed; `undefined` for all, or for whether looking succeeds. */
export type Listener = (names: ReadonlySet<string> | undefined) => void;

/** Looks again and again, until it is stopped. */
export class Watch {
  readonly #pool: ReadPool;
  readonly #options: WatchOptions;
  readonly #listeners = new Set<Listener>();
  readonly #troubled = new Set<(problem: Error | undefined) => void>();
  #picture: Picture | undefined;
  #lookedAt: Date | undefined;
  #problem: Error | undefined;
  #looking: Promise<void> | undefined;
  #lookingSince = 0;
  #timer: NodeJS.Timeout | undefined;
  #askedAt = 0;
  /** From one look to the next while somebody watches: longer than BUSY_MS where a look takes long. */
  #roundMs = BUSY_MS;
  #wholeAt = 0;
  #stopped = false;
  #known: Known = nothingKnown();

  constructor(pool: ReadPool, options: WatchOptions) {
    this.#pool = pool;
    this.#options = options;
  }

  /** Begins to look. */
  start(): void {
    void this.#look();
  }

  /** Looks no more; resolves when the last look has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#looking;
  }

  get freshness(): Freshness {
    const lookingMs = this.#looking === undefined ? 0 : performance.now() - this.#lookingSince;
    return { lookedAt: this.#lookedAt, problem: this.#problem, lookingMs };
  }

  /** Calls `listener` whenever something has changed, until the returned function is called. */
  onChange(listener: Listener): () => void {
    this.#listeners.add(listener);
    this.#watched();
    return () => this.#listeners.delete(listener);
  }

  /** Calls `listener` when looking begins to fail, and with nothing when it succeeds again, until the returned function is called. */
  onProblem(listener: (problem: Error | undefined) => void): () => void {
    this.#troubled.add(listener);
    return () => this.#troubled.delete(listener);
  }

  /**
   * What is known, not older than `maxAgeMs` where looking succeeds; what was known last where it fails. Unless said, what the last look but one
   * might have seen: who asks needn't wait for the next one, which comes by itself.
   * @throws {UnavailableError | ConfigError} nothing was ever known, and why
   */
  async picture(maxAgeMs = 2 * this.#roundMs): Promise<Picture> {
    this.#watched();
    // A look that is under way may have read already what has changed since.
    if (maxAgeMs === 0) await this.#looking;
    if ((maxAgeMs === 0 || this.#age() > maxAgeMs) && this.#problem === undefined) await this.#look();
    else if (this.#picture === undefined) await (this.#looking ?? this.#look());
    if (this.#picture === undefined) throw this.#problem ?? new Error('Nothing is known, and nothing failed.');
    return this.#picture;
  }

  #age(): number {
    return this.#lookedAt === undefined ? Number.POSITIVE_INFINITY : Date.now() - this.#lookedAt.getTime();
  }

  /** Somebody asks: from now on is looked more often. */
  #watched(): void {
    const idle = Date.now() - this.#askedAt > WATCHED_MS;
    this.#askedAt = Date.now();
    if (idle && this.#timer !== undefined) this.#plan(0);
  }

  #look(): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#looking ??= this.#try().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #try(): Promise<void> {
    const startedAt = performance.now();
    this.#lookingSince = startedAt;
    const before = this.#problem;
    try {
      const changed = await this.#pool.use((connection) => this.#read(connection));
      this.#lookedAt = new Date();
      this.#problem = undefined;
      if (before !== undefined) this.#tell(undefined);
      else if (changed.size > 0) this.#tell(changed);
    } catch (error) {
      this.#problem = error as Error;
      // What we know may be of a connection that broke in the middle.
      this.#wholeAt = 0;
      if (before === undefined) this.#tell(undefined);
    }
    const took = performance.now() - startedAt;
    const watched = this.#listeners.size > 0 || Date.now() - this.#askedAt < WATCHED_MS;
    this.#roundMs = Math.max(BUSY_MS, took / SHARE);
    this.#plan((watched ? this.#roundMs : Math.max(IDLE_MS, this.#roundMs)) - took);
  }

  #plan(waitMs: number): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.#look(), Math.max(0, waitMs));
    // The server keeps the process alive, not the look at the database.
    this.#timer.unref();
  }

  /** Tells whoever shows all names that something else than the names has been read anew. */
  renewed(): void {
    for (const listener of this.#listeners) listener(new Set());
  }

  #tell(names: ReadonlySet<string> | undefined): void {
    if (names === undefined) for (const listener of this.#troubled) listener(this.#problem);
    for (const listener of this.#listeners) listener(names);
  }

  async #read(connection: Connection): Promise<Set<string>> {
    const whole = Date.now() - this.#wholeAt > WHOLE_MS;
    if (whole) {
      await this.#options.check(connection);
      this.#known = { ...nothingKnown(), mayRecord: await mayRecord(connection) };
    }
    const known = this.#known;
    const pulse = await readPulse(connection);
    const running = (await runningRuns(connection)).filter(({ status }) => status === 'running');
    const names = new Set<string>(whole ? await recordedNames(connection) : []);
    await this.#compare(connection, pulse, running, names);
    for (const [name, seen] of known.seen) if (seen.changesAt && seen.changesAt <= pulse.now) names.add(name);
    for (const batch of batches([...names])) await this.#readNames(connection, batch, pulse.now);
    const said = await liveOf(
      connection,
      running.map(({ id }) => id),
    );
    const live = new Map(said.map((one) => [one.runId, one]));
    const waiting = await waitingRuns(connection);
    for (const name of heardOf([...said, ...waiting], known.said)) names.add(name);
    known.said = new Map([...said, ...waiting].map((one) => [one.runId, one]));
    known.pulse = pulse;
    known.running = running;
    const { totals, standby } = pulse;
    const taken = standby ? undefined : await placesTaken(connection, this.#options.maxConcurrentJobs);
    this.#picture = { at: pulse.now, seen: new Map(known.seen), running, live, waiting, totals, taken, standby };
    if (whole) this.#wholeAt = Date.now();
    return names;
  }

  /** Adds the names of which something is not as it was. */
  async #compare(
    connection: Connection,
    pulse: Pulse,
    running: readonly RunRecord[],
    names: Set<string>,
  ): Promise<void> {
    const known = this.#known;
    const totals = new Map(pulse.totals.map((total) => [keyOf(total), total.runs]));
    if (known.pulse) {
      for (const total of pulse.totals) if (known.totals.get(keyOf(total)) !== total.runs) names.add(total.name);
    }
    known.totals = totals;
    const before = new Map(known.running.map((run) => [run.id, run]));
    for (const run of running) if (!before.delete(run.id)) names.add(run.name);
    for (const run of before.values()) names.add(run.name);
    if (known.pulse?.schedules !== pulse.schedules) {
      const schedules = new Map((await schedulesInForce(connection)).map((schedule) => [schedule.name, schedule]));
      for (const name of new Set([...schedules.keys(), ...known.schedules.keys()])) {
        if (schedules.get(name)?.id !== known.schedules.get(name)?.id) names.add(name);
      }
      known.schedules = schedules;
    }
    if (known.pulse?.pauses !== pulse.pauses) {
      const pauses = await currentPauses(connection);
      for (const name of [...pauses.keys(), ...known.pauses.keys()]) names.add(name);
      known.pauses = pauses;
    }
  }

  async #readNames(connection: Connection, names: readonly string[], now: Date): Promise<void> {
    const known = this.#known;
    const scheduled = names.filter((name) => known.schedules.has(name));
    const noticed = await noticeMissed(connection, now, scheduled, undefined, { record: known.mayRecord });
    const recorded = new Map((await overview(connection, names)).map((one) => [one.name, one]));
    const checkpoints = await checkpointsByName(connection);
    const days = await statistics(connection, names, NEWEST);
    const runs = await recentRuns(connection, names, RECENT);
    for (const name of names) {
      const own: readonly RecentRun[] = runs.get(name) ?? [];
      const schedule = known.schedules.get(name);
      if (own.length === 0 && schedule === undefined && !known.pauses.has(name)) {
        known.seen.delete(name);
        continue;
      }
      const one = recorded.get(name) ?? neverRan(name);
      const standing = standingOf(one, now, noticed, schedule, days.get(name), {
        pause: known.pauses.get(name),
        checkpoints: checkpoints.get(name) ?? [],
      });
      known.seen.set(name, seenOf(standing, own, now));
    }
  }
}

interface Known {
  mayRecord: boolean;
  pulse: Pulse | undefined;
  totals: ReadonlyMap<string, number>;
  running: readonly RunRecord[];
  said: ReadonlyMap<string, LiveRun>;
  schedules: ReadonlyMap<string, Schedule>;
  pauses: ReadonlyMap<string, Pause>;
  readonly seen: Map<string, Seen>;
}

const nothingKnown = (): Known => ({
  mayRecord: false,
  pulse: undefined,
  totals: new Map(),
  running: [],
  said: new Map(),
  schedules: new Map(),
  pauses: new Map(),
  seen: new Map(),
});

/** The names whose runs have said something new, or nothing any more. */
function* heardOf(said: readonly LiveRun[], before: ReadonlyMap<string, LiveRun>): Generator<string> {
  for (const { runId, name, toldAt } of said) {
    if (before.get(runId)?.toldAt.getTime() !== toldAt.getTime()) yield name;
  }
  const speaking = new Set(said.map(({ runId }) => runId));
  for (const { runId, name } of before.values()) if (!speaking.has(runId)) yield name;
}

const keyOf = ({ name, namespace, status }: Total): string => `${name}\n${namespace}\n${status}`;

function* batches<T>(items: readonly T[]): Generator<T[]> {
  for (let at = 0; at < items.length; at += BATCH) yield items.slice(at, at + BATCH);
}
