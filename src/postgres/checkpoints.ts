// The runner's Checkpoints in PostgreSQL: one row of run_job.checkpoints a slot, which only the run with the largest fence can change.
//
// A run claims the row before it reads it: the claim waits for a transaction of an earlier run that has changed the row, and refuses all
// of its later ones. So what is read is the last that can ever have been committed before this run's own.
import type { QueryResult } from 'pg';
import { PermanentError, UnavailableError } from '../errors.ts';
import type { CheckpointOwner, Checkpoints, DoneStep, SlotProgress } from '../runner/ports.ts';
import { runKey } from './keys.ts';
import { SQLSTATE, sqlStateOf } from './sqlstate.ts';

/** Runs one statement in a transaction of its own, and again when its connection broke. */
export interface Asker {
  ask(text: string, values: readonly unknown[], withinMs?: number): Promise<QueryResult>;
}

/**
 * How long a claim waits, in milliseconds, for what an earlier run has under way: a run that has lost its lock is dead sooner, and its
 * statements are cancelled.
 */
const CLAIM_WITHIN_MS = 30_000;

/** By which run_job.save_checkpoint tells that it isn't this run's to save. */
const REFUSAL = 'run_job.checkpoint_of_another_run';

const SLOT = 'name = $1 AND scheduled_at = $2 AND shard_index = $3 AND shard_count = $4 AND params_digest = $5';

/**
 * Whether the run $7 lives for everybody else: its record is open, and somebody, which can only be itself, holds the run's own lock $8.
 * To try for the lock costs nothing; where it is free, the error that follows frees it again.
 */
const HELD = `EXISTS (SELECT FROM run_job.runs WHERE id = $7 AND status = 'running') AND NOT pg_try_advisory_xact_lock_shared($8)`;

const CLAIM = `
INSERT INTO run_job.checkpoints AS kept (name, scheduled_at, shard_index, shard_count, params_digest, fence, run_id, job_uid)
SELECT $1, $2, $3, $4, $5, $6, $7, $9 WHERE ${HELD}
ON CONFLICT (name, scheduled_at, shard_index, shard_count, params_digest) DO UPDATE SET
  fence = excluded.fence, run_id = excluded.run_id, job_uid = excluded.job_uid,
  runs = kept.runs + (kept.run_id <> excluded.run_id)::integer,
  (value, steps) = (SELECT kept.value, kept.steps WHERE NOT ($10 AND (excluded.job_uid IS NULL OR kept.job_uid IS DISTINCT FROM excluded.job_uid)))
WHERE kept.fence <= excluded.fence
RETURNING value::text, steps::text, current_setting('server_encoding') = ANY ('{UTF8,SQL_ASCII}') AS takes_all`;

/** Few values, since each costs the server some hundredths of a millisecond. */
const SAVE_VALUE = 'SELECT run_job.save_checkpoint($1, $2, NULL)';
const SAVE_STEPS = 'SELECT run_job.save_checkpoint($1, NULL, $2)';

const READ = `SELECT value::text, steps::text FROM run_job.checkpoints WHERE ${SLOT}`;

/** Keeps checkpoints through the run's own session. The record's end deletes those of slots that have succeeded. */
export function openCheckpoints(session: Asker): Checkpoints {
  let spell = (json: string) => json;
  return {
    async claim(owner, restart) {
      const { rows } = await session.ask(CLAIM, claimValues(owner, restart), CLAIM_WITHIN_MS).catch(explainWait);
      const [row] = rows;
      if (row?.takes_all === false) spell = inAscii;
      return row && toProgress(row);
    },

    async save(owner, change, client) {
      const [text, json] = 'value' in change ? [SAVE_VALUE, change.value] : [SAVE_STEPS, JSON.stringify(change.steps)];
      const values = [owner.runId, json && spell(json)];
      try {
        await (client ? client.query(text, values) : session.ask(text, values).catch(explainWait));
        return true;
      } catch (error) {
        if (isRefusal(error)) return false;
        throw client && isElsewhere(error) ? new PermanentError(ELSEWHERE, { cause: error }) : error;
      }
    },

    async read(owner) {
      const { rows } = await session.ask(READ, slotValues(owner));
      return rows[0] ? toProgress(rows[0]) : { value: undefined, steps: [] };
    },
  };
}

const slotValues = ({ slot }: CheckpointOwner): unknown[] => [
  slot.name,
  slot.scheduledAt,
  slot.shard.index,
  slot.shard.count,
  slot.paramsDigest,
];

const claimValues = (owner: CheckpointOwner, restart: boolean): unknown[] => [
  ...slotValues(owner),
  owner.fence,
  owner.runId,
  String(runKey(owner.runId)),
  owner.jobUid ?? null,
  restart,
];

function toProgress({ value, steps }: { value: string | null; steps: string | null }): SlotProgress {
  return { value: value ?? undefined, steps: steps === null ? [] : (JSON.parse(steps) as DoneStep[]) };
}

/** JSON by escapes, for a database whose encoding lacks characters: a statement that failed would have ended the transaction of the work. */
const inAscii = (json: string): string =>
  json.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

const ELSEWHERE =
  'the checkpoint is not saved: the database of the client has no checkpoints; give checkpoint.save the client of a transaction on the database of DATABASE_URL';

const isElsewhere = (error: unknown): boolean => {
  const sqlState = sqlStateOf(error);
  return sqlState === SQLSTATE.invalidSchemaName || sqlState === SQLSTATE.undefinedFunction;
};

const isRefusal = (error: unknown): boolean => error instanceof Error && error.message.includes(REFUSAL);

/** What still holds the row after all that time is no run that is about to die. */
function explainWait(error: unknown): never {
  const cause = (error as { cause?: unknown } | null)?.cause;
  if (sqlStateOf(error) !== SQLSTATE.queryCanceled && sqlStateOf(cause) !== SQLSTATE.queryCanceled) throw error;
  throw new UnavailableError(
    "a transaction that saved this slot's checkpoint has still not ended. Where it is one of this run: end it before you load, or save without client",
    { cause: error },
  );
}
