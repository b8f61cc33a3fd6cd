// What a run that checks in asks of the history, beside what its start has told.
import type { RunStart } from '../runner/ports.ts';
import type { Queries } from './queries.ts';

/** What is known of the Job of a run that never began. */
export interface JobSoFar {
  /** How many of its runs have failed before in a way that Kubernetes counts. */
  readonly failures: number;
  /** Whether one of them has succeeded. */
  readonly succeeded: boolean;
}

export async function jobSoFar(connection: Queries, { id, slot, place }: RunStart): Promise<JobSoFar> {
  const { name, scheduledAt, shard } = slot;
  const values = [id, name, scheduledAt, place.jobUid ?? null, shard.index, shard.count];
  const { rows } = await connection.query<JobSoFar>(
    `SELECT run_job.failed_pods($1, $2, $3, $4, $5, $6) AS failures, EXISTS (
       SELECT FROM run_job.runs
       WHERE name = $2 AND scheduled_at = $3 AND job_uid = $4 AND shard_index = $5 AND shard_count = $6 AND status = 'succeeded' AND NOT dry_run
     ) AS succeeded`,
    values,
  );
  return rows[0] ?? { failures: 0, succeeded: false };
}

/** Whether it is this run's to tell that a Job in shards has succeeded: the one that completes the slot does, once. */
export async function claimSuccess(connection: Queries, run: RunStart): Promise<boolean> {
  const { name, scheduledAt, shard, paramsDigest } = run.slot;
  const { rowCount } = await connection.query(
    `UPDATE run_job.check_ins SET ended_as = 'success'
     WHERE id = $1 AND ended_as IS DISTINCT FROM 'success' AND (
       SELECT count(DISTINCT shard_index) FROM run_job.runs
       WHERE name = $2 AND scheduled_at = $3 AND shard_count = $4 AND params_digest IN ($5, '') AND status = 'succeeded' AND NOT dry_run
     ) >= $4`,
    [run.checkIn, name, scheduledAt, shard.count, paramsDigest],
  );
  return rowCount === 1;
}

/** Whether it is this finder's to tell that a Job in shards has failed: its first shard that did tells so. */
export async function claimFailure(connection: Queries, checkIn: string): Promise<boolean> {
  const { rowCount } = await connection.query(
    `UPDATE run_job.check_ins SET ended_as = 'failure' WHERE id = $1 AND ended_as IS DISTINCT FROM 'failure'`,
    [checkIn],
  );
  return rowCount === 1;
}

/** Which of these ids runs have checked in by. */
export async function checkedIn(connection: Queries, ids: readonly string[]): Promise<Set<string>> {
  const { rows } = await connection.query<{ id: string }>('SELECT id FROM run_job.check_ins WHERE id = ANY($1)', [ids]);
  return new Set(rows.map(({ id }) => id));
}

/** A run that was found dead. */
export interface LostRun {
  readonly id: string;
  readonly name: string;
  readonly job: string;
  readonly scheduledAt: Date;
  readonly shards: number;
  readonly jobUid: string | null;
  readonly host: string;
  /** Whether Kubernetes starts another pod for it, as far as its record says. */
  readonly retried: boolean;
}

/** Those of these runs whose slot nobody has done since: what has succeeded is no failure any more. */
export async function lostRuns(connection: Queries, ids: readonly string[]): Promise<LostRun[]> {
  const { rows } = await connection.query<LostRun>(
    `SELECT id, name, job, scheduled_at AS "scheduledAt", shard_count AS shards, job_uid AS "jobUid", host,
       job_uid IS NOT NULL AND coalesce(retries, 0) > run_job.failed_pods(id, name, scheduled_at, job_uid, shard_index, shard_count) AS retried
     FROM run_job.runs r
     WHERE id = ANY($1) AND NOT dry_run AND NOT EXISTS (
       SELECT FROM run_job.runs s
       WHERE s.name = r.name AND s.scheduled_at = r.scheduled_at AND s.shard_index = r.shard_index AND s.shard_count = r.shard_count
         AND s.status = 'succeeded' AND NOT s.dry_run
     )
     ORDER BY started_at`,
    [ids],
  );
  return rows;
}

/** Lost runs that their finders have closed and not told of, since they died in between. Nobody else takes them for a minute. */
export async function takeUntold(connection: Queries): Promise<string[]> {
  const { rows } = await connection.query<{ id: string }>('SELECT id FROM run_job.take_untold() AS id');
  return rows.map(({ id }) => id);
}

/** They have been told of. */
export async function settleUntold(connection: Queries, ids: readonly string[]): Promise<void> {
  await connection.query('SELECT run_job.settle_untold($1)', [ids]);
}
