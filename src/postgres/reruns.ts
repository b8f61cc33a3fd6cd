// What a recorded run was asked to do, for whoever runs it again.
import type { Ordered } from '../runner/ports.ts';
import type { Connection } from './connect.ts';

const ORDER = `
SELECT r.ordered, r.params_digest,
  coalesce(r.cronjob_name, s.cronjob_name) AS cronjob_name, coalesce(r.namespace, s.namespace) AS namespace
FROM run_job.runs r LEFT JOIN run_job.schedules s ON s.name = r.name AND s.valid_to IS NULL
WHERE r.id = $1`;

/** What is recorded of it beside the run itself. */
export interface RecordedOrder {
  /** Absent in records of before it was kept. */
  readonly ordered?: Ordered;
  /** Of its validated parameters; empty where they never were. */
  readonly paramsDigest: string;
  /** The CronJob that it belongs to, or else that of the name's schedule. */
  readonly cronJob?: { readonly name: string; readonly namespace?: string };
}

/** Reads it; undefined when there is no such record. */
export async function readOrder(connection: Connection, id: string): Promise<RecordedOrder | undefined> {
  const { rows } = await connection.query<{
    ordered: Ordered | null;
    params_digest: string;
    cronjob_name: string | null;
    namespace: string | null;
  }>(ORDER, [id]);
  const [row] = rows;
  if (row === undefined) return undefined;
  const { ordered, params_digest, cronjob_name, namespace } = row;
  return {
    ...(ordered && { ordered }),
    paramsDigest: params_digest,
    ...(cronjob_name !== null && { cronJob: { name: cronjob_name, ...(namespace !== null && { namespace }) } }),
  };
}

/** The newest of a name, those first that a CronJob has started: what a person asks for by hand may be something else. */
const NEWEST = `
SELECT ordered FROM (
  (SELECT 1 AS choice, r.ordered FROM run_job.runs r
   WHERE r.name = $1 AND r.ordered IS NOT NULL AND r.cronjob_name IS NOT NULL AND NOT r.dry_run AND r.status <> 'rejected'
   ORDER BY r.started_at DESC LIMIT 1)
  UNION ALL
  (SELECT 2, r.ordered FROM run_job.runs r
   WHERE r.name = $1 AND r.ordered IS NOT NULL AND NOT r.dry_run AND r.status <> 'rejected'
   ORDER BY r.started_at DESC LIMIT 1)
) AS found ORDER BY choice LIMIT 1`;

/** What the newest run of a name was asked to do; undefined where no record tells. */
export async function newestOrder(connection: Connection, name: string): Promise<Ordered | undefined> {
  const { rows } = await connection.query<{ ordered: Ordered }>(NEWEST, [name]);
  return rows[0]?.ordered;
}
