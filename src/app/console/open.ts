// What the console reads, and where it comes from: `run-job serve` composes this with the pages.
import { ConfigError } from '../../errors.ts';
import { type AuditEntry, actionsOn, recordAction } from '../../postgres/audit.ts';
import { closeDead, requestCancellation } from '../../postgres/cancellations.ts';
import type { Connection } from '../../postgres/connect.ts';
import {
  type Busy,
  barsOf,
  type Checkpoint,
  checkpointOf,
  crowding,
  type DayCount,
  type MissedRecord,
  missedOf,
  type PauseRecord,
  pausesOf,
  type RecentRun,
  recentRuns,
  siblingsOf,
} from '../../postgres/console-reads.ts';
import { liveOf } from '../../postgres/live.ts';
import { MIGRATIONS, readState } from '../../postgres/migrate.ts';
import { pauseName, resumeName } from '../../postgres/pausing.ts';
import { ReadPool } from '../../postgres/read-pool.ts';
import { findRuns, type RunRecord, readOnly } from '../../postgres/records.ts';
import type { Server } from '../../postgres/server.ts';
import { begin, inTransaction } from '../../postgres/undisturbed.ts';
import type { Told } from '../../runner/ports.ts';
import { Days } from './days.ts';
import { Kept } from './kept.ts';
import { type Listener, Watch } from './watch.ts';

export type { RecentRun, RunRecord };
export { barsOf };

/** At most so many connections, whatever is asked; with the one that sends (one-connection.ts) that makes four. */
const CONNECTIONS = 3;

/** The newest runs of a name that its page shows, and the newest of its missed slots. */
const RUNS_OF_JOB = 200;
const MISSED_OF_JOB = 20;

/** What a page says of runs that belong together, at most. */
const SIBLINGS = 200;

/** When what the last 24 hours were like is read anew, and how old what is shown may be meanwhile. */
const NIGHT = { freshMs: 5_000, oldestMs: 60_000 };

/** The steps of a day in which runs are counted. */
const STEP_MS = 5 * 60_000;
const DAY_MS = 86_400_000;

export interface OpenOptions {
  readonly maxConcurrentJobs: number;
  /** Hears of a run whose record was closed as lost. */
  readonly onLost: (runId: string) => void;
}

/** Opens all of it; nothing is read before `start`. */
export function openConsole(server: Server, { maxConcurrentJobs, onLost }: OpenOptions) {
  const pool = new ReadPool(server, CONNECTIONS);
  const watch = new Watch(pool, { check: checkSchema, maxConcurrentJobs });
  const reading = <T>(work: (connection: Connection) => Promise<T>): Promise<T> =>
    pool.use((connection) => readOnly(connection, () => work(connection)));
  const days = new Days();
  const night = new Kept(
    NIGHT,
    (now: Date) => {
      const span = { from: new Date(now.getTime() - DAY_MS), to: now, stepMs: STEP_MS };
      return reading(async (connection) => ({ ...span, ...(await crowding(connection, span)) }));
    },
    () => watch.renewed(),
  );

  return {
    start: () => watch.start(),
    picture: (maxAgeMs?: number) => watch.picture(maxAgeMs),
    get freshness() {
      return watch.freshness;
    },
    onChange: (listener: Listener) => watch.onChange(listener),
    onProblem: (listener: (problem: Error | undefined) => void) => watch.onProblem(listener),
    /** How many connections are open now. */
    get connections() {
      return pool.size;
    },
    maxConcurrentJobs,

    /** What only the page of a name shows. */
    job: (name: string, now: Date): Promise<JobRecords> =>
      reading(async (connection) => ({
        runs: (await recentRuns(connection, [name], RUNS_OF_JOB)).get(name) ?? [],
        days: await days.of(connection, name, now),
        missed: await missedOf(connection, name, MISSED_OF_JOB),
        pauses: await pausesOf(connection, name),
        actions: await actionsOn(connection, name),
      })),

    /** One run, all that its record holds, and what belongs to it; undefined where there is none. */
    run: (id: string): Promise<RunRecords | undefined> =>
      pool.use(async (connection) => {
        const [run] = (await findRuns(connection, id)).filter((found) => found.id === id.toLowerCase());
        if (run === undefined) return undefined;
        const { jobUid } = run.place;
        const siblings = await siblingsOf(connection, { ...run, ...(jobUid !== undefined && { jobUid }) }, SIBLINGS);
        const [live] = await liveOf(connection, [run.id]);
        return { run, siblings, told: live?.told, checkpoint: await checkpointOf(connection, run) };
      }),

    /** The ids that begin or end like this, ten at most. */
    find: (part: string) => pool.use(async (connection) => (await findRuns(connection, part)).map(({ id }) => id)),

    /** The last 24 hours: how crowded they were, and which names worked, the busiest first. */
    crowding: (now: Date): Promise<Crowding> => night.get(now),

    /** Reaches the database, and knows its schema. @throws {UnavailableError | ConfigError} */
    ready: () => pool.use(checkSchema),

    /** Pauses a name, and writes down who did. */
    pause: (name: string, { who, why, until }: { who: string; why: string; until: Date | undefined }) =>
      changing(pool, async (connection) => {
        await pauseName(connection, { name, why, by: who, until });
        await recordAction(connection, { who, action: 'pause', name, why });
      }),

    /** Ends the pause of a name; false where it wasn't paused. */
    resume: (name: string, who: string) =>
      changing(pool, async (connection) => {
        const ended = await resumeName(connection, name, who);
        if (ended) await recordAction(connection, { who, action: 'resume', name });
        return ended !== undefined;
      }),

    /** Asks a run to end; a dead one's record is closed. False where it has ended already. */
    async cancel(run: RunRecord, { who, why }: { who: string; why: string | undefined }): Promise<boolean> {
      if (run.endedAt !== undefined) return false;
      const dead = await changing(pool, async (connection) => {
        const closed = await closeDead(connection, run.id);
        if (!closed) await requestCancellation(connection, run.id, { by: who, why });
        await recordAction(connection, { who, action: 'cancel', name: run.name, runId: run.id, why });
        return closed;
      });
      if (dead) onLost(run.id);
      return true;
    },

    /** Looks no more and closes all connections. Never rejects. */
    async close(): Promise<void> {
      await pool.close({ now: true });
      await watch.stop();
    },
  };
}

/** What only the page of a name shows. */
export interface JobRecords {
  /** The newest by their slots, the newest slot first. */
  readonly runs: readonly RecentRun[];
  readonly days: readonly DayCount[];
  readonly missed: readonly MissedRecord[];
  readonly pauses: readonly PauseRecord[];
  readonly actions: readonly (AuditEntry & { readonly at: Date })[];
}

/** A run, and what belongs to it. */
export interface RunRecords {
  readonly run: RunRecord;
  readonly siblings: readonly RecentRun[];
  /** What it has said last, while it lives or where it was killed. */
  readonly told: Told | undefined;
  readonly checkpoint: Checkpoint | undefined;
}

/** What the last 24 hours were like. */
export interface Crowding {
  readonly from: Date;
  readonly to: Date;
  readonly stepMs: number;
  readonly names: readonly Busy[];
  /** How many runs worked in each step. */
  readonly crowd: readonly number[];
}

/** How long one statement of a change may take on the server, in milliseconds. */
const CHANGE_TIMEOUT_MS = 10_000;

/** Both or neither: what somebody did, and that it is written down. */
async function changing<T>(pool: ReadPool, work: (connection: Connection) => Promise<T>): Promise<T> {
  return pool.use((connection) => inTransaction(connection, begin(CHANGE_TIMEOUT_MS), () => work(connection)));
}

/** @throws {ConfigError} the schema is older than what we know, or of a newer run-job that has shut us out */
async function checkSchema(connection: Connection): Promise<void> {
  const { version, pending, tooNew } = await readState(connection, MIGRATIONS);
  if (version === 0) throw new ConfigError('there is no schema run_job in this database: run `run-job migrate`');
  if (tooNew) {
    throw new ConfigError(
      `the schema run_job is at version ${version}, of a newer run-job that this one can't read: update the console`,
    );
  }
  if (pending.length > 0) {
    const names = pending.map(({ name }) => name).join(', ');
    throw new ConfigError(
      `the schema run_job is at version ${version}, and this console needs ${names}: run \`run-job migrate\``,
    );
  }
}
