// The SQL that takes a run's locks. Everything goes to the server in one message: one round trip.

/** The keys of one run's locks. */
export interface Keys {
  readonly job: bigint;
  /** Absent when the run does the whole job. */
  readonly shard?: bigint;
  readonly run: bigint;
  readonly places: readonly bigint[];
}

/** What the last statement says. */
export type Taken = 'held' | 'locked' | 'limit';

/**
 * What would end an idle transaction, turned off; and what notices a client that is gone, set short, so that a lost
 * node frees its locks in about 25 s: keepalives see a silent host, `tcp_user_timeout` one that was lost while an
 * answer was under way. SET LOCAL, since behind a pooler the server's connection is somebody else's next.
 * Settings that this version of PostgreSQL doesn't have (14 and 17 brought some) are left out.
 */
const SETTINGS = `
SELECT set_config(name, value, true)
FROM (VALUES
  ('idle_in_transaction_session_timeout', '0'),
  ('idle_session_timeout', '0'),
  ('transaction_timeout', '0'),
  ('statement_timeout', '0'),
  ('lock_timeout', '0'),
  ('tcp_keepalives_idle', '10'),
  ('tcp_keepalives_interval', '5'),
  ('tcp_keepalives_count', '3'),
  ('tcp_user_timeout', '25000')
) AS setting (name, value)
WHERE current_setting(name, true) IS NOT NULL`;

/**
 * Begins the transaction that holds the locks, and takes all of them or stops at the first that is refused.
 * READ COMMITTED, since a stricter level would keep a snapshot and hold VACUUM back; READ ONLY, so that it never gets
 * a transaction id. CASE evaluates its branches in order, so that a refused run takes nothing after the refusal.
 * A sharded run shares the job's lock with its sisters, so that it and a run of the whole job exclude each other.
 */
export function takeLocks(keys: Keys): string {
  const job = keys.shard === undefined ? tryLock(keys.job) : `pg_try_advisory_xact_lock_shared(${literal(keys.job)})`;
  const shard = keys.shard === undefined ? 'true' : tryLock(keys.shard);
  const places = keys.places.map((place) => `(${literal(place)})`).join();
  return `BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY;
${SETTINGS};
SELECT CASE
  WHEN NOT ${job} THEN 'locked'
  WHEN NOT ${shard} THEN 'locked'
  WHEN NOT EXISTS (SELECT FROM (VALUES ${places}) AS place (key) WHERE pg_try_advisory_xact_lock(key)) THEN 'limit'
  WHEN NOT ${tryLock(keys.run)} THEN 'locked'
  ELSE 'held'
END AS taken`;
}

const tryLock = (key: bigint): string => `pg_try_advisory_xact_lock(${literal(key)})`;

/** Quoted, since the smallest bigint can't be written as a number with a sign. */
const literal = (key: bigint): string => `'${key}'::bigint`;
