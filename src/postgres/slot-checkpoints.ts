// Reads the checkpoints of slots for people: what a slot that hasn't succeeded has saved.
import type { DoneStep } from '../runner/ports.ts';
import type { Connection } from './connect.ts';
import { type RunRecord, readOnly } from './records.ts';

/** What is kept of a slot. */
export interface SlotCheckpoint {
  readonly name: string;
  readonly scheduledAt: Date;
  readonly shard: { readonly index: number; readonly count: number };
  /** The run that may save, or was the last that could. */
  readonly runId: string;
  /** How many runs have worked on the slot since its first checkpoint. */
  readonly runs: number;
  readonly saves: number;
  /** Absent where nothing has been saved yet. */
  readonly savedAt?: Date;
  /** Of the value as JSON. */
  readonly bytes: number;
  /** How many steps are done. */
  readonly steps: number;
}

/** The same with what was saved. */
export interface CheckpointDetails extends Omit<SlotCheckpoint, 'steps'> {
  readonly value?: unknown;
  readonly steps: readonly DoneStep[];
}

interface Row {
  readonly name: string;
  readonly scheduled_at: Date;
  readonly shard_index: number;
  readonly shard_count: number;
  readonly run_id: string;
  readonly runs: number;
  readonly saves: number;
  readonly saved_at: Date | null;
  readonly bytes: number;
}

const COLUMNS = `c.name, c.scheduled_at, c.shard_index, c.shard_count, c.run_id, c.runs, c.saves::float8, c.saved_at,
  coalesce(octet_length(c.value::text), 0)::integer AS bytes`;

/** Those that something has been saved in, of the newest scheduled time of each name first. */
const listed = (which: string) => `SELECT ${COLUMNS}, coalesce(json_array_length(c.steps), 0) AS steps
FROM run_job.checkpoints c WHERE c.saved_at IS NOT NULL${which} ORDER BY c.name, c.scheduled_at DESC, c.shard_index LIMIT 1000`;

const OF_RUN = `SELECT ${COLUMNS}, c.value::text AS value, coalesce(c.steps, '[]')::text AS steps
FROM run_job.checkpoints c JOIN run_job.runs r USING (name, scheduled_at, shard_index, shard_count, params_digest)
WHERE r.id = $1 AND c.saved_at IS NOT NULL`;

/** The checkpoints of all slots, or of those of one name, a thousand at most. */
export function listCheckpoints(connection: Connection, name?: string): Promise<SlotCheckpoint[]> {
  const of = name === undefined ? [] : [name];
  return readOnly(connection, async () => {
    const text = listed(name === undefined ? '' : ' AND c.name = $1');
    const { rows } = await connection.query<Row & { steps: number }>(text, of);
    return rows.map((row) => ({ ...toCheckpoint(row), steps: row.steps }));
  });
}

/** What is kept of the slot of a run; undefined where nothing is. */
export function checkpointOf(connection: Connection, { id }: RunRecord): Promise<CheckpointDetails | undefined> {
  return readOnly(connection, async () => {
    const { rows } = await connection.query<Row & { value: string | null; steps: string }>(OF_RUN, [id]);
    const [row] = rows;
    if (row === undefined) return undefined;
    return {
      ...toCheckpoint(row),
      ...(row.value !== null && { value: JSON.parse(row.value) as unknown }),
      steps: JSON.parse(row.steps) as DoneStep[],
    };
  });
}

const toCheckpoint = (row: Row) => ({
  name: row.name,
  scheduledAt: row.scheduled_at,
  shard: { index: row.shard_index, count: row.shard_count },
  runId: row.run_id,
  runs: row.runs,
  saves: row.saves,
  ...(row.saved_at !== null && { savedAt: row.saved_at }),
  bytes: row.bytes,
});
