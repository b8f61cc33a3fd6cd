// Looks a server over for `run-job doctor`: its version, the clock, the rights of our role, and what stands between it and us.
import type { Connection } from './connect.ts';

/** The rights that a job's role needs, by table of the schema run_job; on the schema itself it needs USAGE. */
export const RIGHTS: Readonly<Record<string, readonly string[]>> = {
  runs: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  job_times: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  schedules: ['SELECT', 'INSERT', 'UPDATE'],
  statistics: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  checkpoints: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  outbox: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  pauses: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  cancellations: ['SELECT', 'INSERT', 'DELETE'],
  check_ins: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  notifications: ['SELECT', 'UPDATE', 'DELETE'],
  live: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  migrations: ['SELECT'],
};

/** The oldest PostgreSQL that we are tested with. */
export const OLDEST_MAJOR = 13;

/** What a server says of itself, and of us. */
export interface ServerFacts {
  /** Such as `18.4`. */
  readonly version: string;
  readonly major: number;
  readonly role: string;
  /** A standby: it takes no writes. */
  readonly standby: boolean;
  /** Whether transactions are read-only unless they say otherwise: on a primary a setting of the server, the database or the role. */
  readonly readOnly: boolean;
  /** How far the server's clock is ahead of ours, in milliseconds, as exact as the round trip lets us see. */
  readonly clockAheadMs: number;
}

/** Asks the server for its facts. */
export async function readFacts(connection: Connection): Promise<ServerFacts> {
  const { rows } = await connection.query<Omit<ServerFacts, 'major' | 'clockAheadMs'> & { number: number }>(
    `SELECT current_setting('server_version') AS version, current_setting('server_version_num')::integer AS number,
       current_user AS role, pg_is_in_recovery() AS standby, current_setting('transaction_read_only')::boolean AS "readOnly"`,
  );
  const [facts] = rows;
  if (facts === undefined) throw new Error('PostgreSQL says nothing about itself.');
  const asked = Date.now();
  const clock = await connection.query<{ now: Date }>('SELECT clock_timestamp() AS now');
  const answered = Date.now();
  return {
    version: facts.version.split(' ')[0] ?? facts.version,
    major: Math.floor(facts.number / 10_000),
    role: facts.role,
    standby: facts.standby,
    readOnly: facts.readOnly,
    clockAheadMs: Math.round((clock.rows[0]?.now.getTime() ?? asked) - (asked + answered) / 2),
  };
}

/** The statements that would give our role the rights that it lacks; none when it has them all, or when there is no schema. */
export async function missingGrants(connection: Connection): Promise<string[]> {
  const { rows: schema } = await connection.query<{ usage: boolean; role: string }>(
    `SELECT has_schema_privilege(oid, 'USAGE') AS usage, quote_ident(current_user) AS role
     FROM pg_namespace WHERE nspname = 'run_job'`,
  );
  const [here] = schema;
  if (here === undefined) return [];
  const { rows } = await connection.query<{ table: string; right: string }>(
    `SELECT relname AS "table", needed."right"
     FROM unnest($1::text[], $2::text[]) AS needed ("table", "right")
     JOIN pg_class ON relname = needed."table" AND relnamespace = 'run_job'::regnamespace
     WHERE NOT has_table_privilege(pg_class.oid, needed."right")`,
    needed(),
  );
  const grants = [...Map.groupBy(rows, ({ table }) => table)].map(
    ([table, lacks]) => `GRANT ${lacks.map(({ right }) => right).join(', ')} ON run_job.${table} TO ${here.role}`,
  );
  return here.usage ? grants : [`GRANT USAGE ON SCHEMA run_job TO ${here.role}`, ...grants];
}

/** The rights as two columns: tables, and rights on them. */
function needed(): [string[], string[]] {
  const pairs = Object.entries(RIGHTS).flatMap(([table, rights]) => rights.map((right) => [table, right] as const));
  return [pairs.map(([table]) => table), pairs.map(([, right]) => right)];
}
