// What the database knows of why a slot has no success: its runs, what was under way when it came, and whether its name was paused.
import type { Connection } from './connect.ts';
import { RUN_COLUMNS, type RunRecord, read, readOnly } from './records.ts';
import { WORKED_UNTIL } from './slots.ts';

/** A pause that a slot fell into. */
export interface PastPause {
  readonly since: Date;
  readonly why: string;
  readonly by?: string;
  /** When it ends, or ended, by itself. */
  readonly until?: Date;
  /** When somebody ended it. */
  readonly endedAt?: Date;
}

const RUNS = `
SELECT ${RUN_COLUMNS} FROM run_job.runs r WHERE r.name = $1 AND r.scheduled_at = $2 AND r.status <> 'missed' AND NOT r.dry_run
ORDER BY r.started_at, r.id`;

const UNDER_WAY = `
SELECT ${RUN_COLUMNS} FROM run_job.runs r
WHERE r.id = (
  SELECT p.id FROM run_job.runs p
  WHERE p.name = $1 AND p.started_at <= $2 AND p.scheduled_at <> $2 AND p.status NOT IN ('skipped', 'missed') AND NOT p.dry_run
  ORDER BY p.started_at DESC LIMIT 1
) AND ${WORKED_UNTIL} > $2`;

const PAUSE = `
SELECT since, why, paused_by AS by, until, ended_at AS "endedAt" FROM run_job.pauses
WHERE name = $1 AND since <= $2 AND (ended_at IS NULL OR ended_at > $2) AND (until IS NULL OR until > $2)
ORDER BY since DESC LIMIT 1`;

const NOW_RUNNING = `SELECT ${RUN_COLUMNS} FROM run_job.runs r WHERE r.name = $1 AND r.status = 'running' ORDER BY r.started_at`;

/** The runs that stood for a slot, the oldest first, without dry ones. */
export const runsFor = (connection: Connection, name: string, slot: Date): Promise<RunRecord[]> =>
  readOnly(connection, () => read(connection, RUNS, [name, slot]));

/** The run of another slot of the name that was under way at an instant. */
export async function underWayAt(connection: Connection, name: string, at: Date): Promise<RunRecord | undefined> {
  return (await readOnly(connection, () => read(connection, UNDER_WAY, [name, at])))[0];
}

/** The runs of a name that work now. */
export async function runningNow(connection: Connection, name: string): Promise<RunRecord[]> {
  const runs = await readOnly(connection, () => read(connection, NOW_RUNNING, [name]));
  return runs.filter(({ status }) => status === 'running');
}

/** The pause that an instant fell into. */
export async function pauseAt(connection: Connection, name: string, at: Date): Promise<PastPause | undefined> {
  const { rows } = await connection.query<Record<keyof PastPause, unknown>>(PAUSE, [name, at]);
  const [row] = rows;
  return row && (Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)) as unknown as PastPause);
}
