// The SQL that takes a run's locks. Everything goes to the server in one message: one round trip.
import { ADVISORY_LOCKS, LOCK_KEY } from './holder.ts';
import { COUNT_BITS } from './keys.ts';

/** The keys of one run's locks. */
export interface Keys {
  readonly name: bigint;
  /** Absent when the run does the whole work. */
  readonly shard?: { readonly index: bigint; readonly count: bigint };
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
 * A sharded run shares the name's lock with its sisters, so that it and a run of the whole exclude each other; and it looks for sisters
 * of another count only after it has taken the lock of its own, so that of two that begin at once at least one sees the other.
 */
export function takeLocks(keys: Keys): string {
  const { shard } = keys;
  const whole = shard === undefined ? tryLock(keys.name) : tryShared(keys.name);
  const part = shard === undefined ? 'true' : `${tryShared(shard.count)} AND ${tryLock(shard.index)}`;
  const alone =
    shard === undefined ? 'true' : `NOT EXISTS (SELECT FROM ${ADVISORY_LOCKS} AND ${ofAnotherCount(shard.count)})`;
  const places = keys.places.map((place) => `(${literal(place)})`).join();
  return `BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY;
${SETTINGS};
SELECT CASE
  WHEN NOT ${whole} THEN 'locked'
  WHEN NOT (${part}) THEN 'locked'
  WHEN NOT ${alone} THEN 'locked'
  WHEN NOT EXISTS (SELECT FROM (VALUES ${places}) AS place (key) WHERE pg_try_advisory_xact_lock(key)) THEN 'limit'
  WHEN NOT ${tryLock(keys.run)} THEN 'locked'
  ELSE 'held'
END AS taken`;
}

/** Of a lock in pg_locks: whether it is that of shards of the same name and another count. */
export const ofAnotherCount = (count: bigint): string =>
  `(${LOCK_KEY}) >> ${COUNT_BITS} = ${literal(count)} >> ${COUNT_BITS} AND (${LOCK_KEY}) <> ${literal(count)}`;

const tryShared = (key: bigint): string => `pg_try_advisory_xact_lock_shared(${literal(key)})`;

const tryLock = (key: bigint): string => `pg_try_advisory_xact_lock(${literal(key)})`;

/** Quoted, since the smallest bigint can't be written as a number with a sign. */
const literal = (key: bigint): string => `'${key}'::bigint`;
