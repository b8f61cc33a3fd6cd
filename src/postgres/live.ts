// What a run says of itself while it waits or works: one row of run_job.live a run, for whoever watches.
import type { RunStart, Told } from '../runner/ports.ts';
import { toJson } from './json.ts';
import type { Queries } from './queries.ts';
import { attemptsOf, type TriedRow } from './rows.ts';
import type { Statement } from './run-sql.ts';

/** Whose row it is, and what is shown beside what it says. */
export type Teller = Pick<RunStart, 'id' | 'job' | 'slot' | 'place'>;

/**
 * Nobody waits for the disk on account of it: what a crash of the server forgets is said anew. The deletion deletes nothing: whose role may
 * not delete is refused already here, where it matters to nobody, and not in the statement that closes its record.
 */
const TELL = `
WITH none AS (DELETE FROM run_job.live WHERE run_id = $1 AND false)
INSERT INTO run_job.live AS l (run_id, name, job, scheduled_at, shard_index, shard_count, place, told)
SELECT $1::uuid, $2, $3, $4::timestamptz, $5::integer, $6::integer, $7, $8::jsonb
FROM set_config('synchronous_commit', 'off', true)
ON CONFLICT (run_id) DO UPDATE SET told = excluded.told, told_at = excluded.told_at`;

/** Says it. */
export function tellLive({ id, job, slot, place }: Teller, told: Told): Statement {
  const where = place.podName ?? `${place.host}, process ${place.pid}`;
  const { name, scheduledAt, shard } = slot;
  return { text: TELL, values: [id, name, job, scheduledAt, shard.index, shard.count, where, toJson(told)] };
}

/** The same statement, which also takes back what the run has said. */
export function withoutLive({ text, values }: Statement, id: string): Statement {
  const taken = `silent AS (DELETE FROM run_job.live WHERE run_id = $${values.length + 1})`;
  const more = /^\s*WITH\s/i.test(text) ? text.replace(/^\s*WITH\s/i, `WITH ${taken}, `) : `WITH ${taken} ${text}`;
  return { text: more, values: [...values, id] };
}

/** A run, and what it has said last. */
export interface LiveRun {
  readonly runId: string;
  readonly name: string;
  readonly scheduledAt: Date;
  readonly shard: { readonly index: number; readonly count: number };
  /** The pod, or the host and the process. */
  readonly place: string;
  readonly toldAt: Date;
  readonly told: Told;
}

interface Row extends Omit<LiveRun, 'shard' | 'told'> {
  readonly index: number;
  readonly count: number;
  readonly told: {
    readonly waiting?: Omit<NonNullable<Told['waiting']>, 'since' | 'until'> & {
      readonly since: string;
      readonly until: string;
    };
    readonly attempts?: readonly TriedRow[];
    readonly progress?: Told['progress'];
  };
}

const COLUMNS = `l.run_id AS "runId", l.name, l.scheduled_at AS "scheduledAt", l.shard_index AS index, l.shard_count AS count, l.place,
  l.told_at AS "toldAt", l.told`;

/** A run that waits asks again after 15 s at the latest, and says so; one that hasn't for so long is gone. */
const SILENT = `interval '45 seconds'`;

const WAITING = `
SELECT ${COLUMNS} FROM run_job.live l
WHERE l.told_at > clock_timestamp() - ${SILENT} AND l.told ? 'waiting' AND NOT EXISTS (SELECT FROM run_job.runs r WHERE r.id = l.run_id)
ORDER BY l.name, l.told -> 'waiting' ->> 'since' LIMIT 1000`;

/** The runs that wait before they begin, by name. */
export async function waitingRuns(connection: Queries): Promise<LiveRun[]> {
  return (await connection.query<Row>(WAITING)).rows.map(toLive);
}

/** What these runs have said, those that have. */
export async function liveOf(connection: Queries, runIds: readonly string[]): Promise<LiveRun[]> {
  if (runIds.length === 0) return [];
  const text = `SELECT ${COLUMNS} FROM run_job.live l WHERE l.run_id = ANY($1)`;
  return (await connection.query<Row>(text, [runIds])).rows.map(toLive);
}

function toLive({ index, count, told: { waiting, attempts, progress }, ...row }: Row): LiveRun {
  return {
    ...row,
    shard: { index, count },
    told: {
      ...(waiting && { waiting: { ...waiting, since: new Date(waiting.since), until: new Date(waiting.until) } }),
      ...(attempts && { attempts: attemptsOf(attempts) }),
      ...(progress && { progress }),
    },
  };
}
