// The SQL that takes a run's locks, and that carries them from one transaction into the next.
import { type DecidedFor, type DecisionsRow, decisionColumns } from './decisions-sql.ts';
import { ADVISORY_LOCKS, LOCK_KEY } from './holder.ts';
import { COUNT_BITS } from './keys.ts';
import { begin } from './undisturbed.ts';

/** The key of a lock, and whether others may hold it at the same time. */
interface Key {
  readonly key: bigint;
  readonly shared: boolean;
}

/** The keys of one run's locks. */
export interface Keys {
  /** Of what only one run at a time may do; in the order in which they are taken. */
  readonly work: readonly Key[];
  /** What the runs of shards of one count share; absent when the run does the whole work. */
  readonly count?: bigint;
  readonly run: bigint;
  readonly places: readonly bigint[];
}

/** The locks that a run holds: all of its keys, and one of the places. */
export type HeldKeys = Omit<Keys, 'places'> & { readonly place: bigint };

/**
 * What the last two statements say: why no lock was taken, or which place was; the newest step of the schema that shuts out older programs; and
 * what is decided of the run.
 */
export interface Taken extends DecisionsRow {
  readonly taken: 'locked' | 'limit' | `${bigint}`;
  readonly breaking: number | null;
}

/**
 * What notices a client that is gone, set short, so that a lost node frees its locks in about 25 s: keepalives see a silent host,
 * `tcp_user_timeout` one that was lost while an answer was under way.
 */
const GONE_CLIENT = {
  tcp_keepalives_idle: '10',
  tcp_keepalives_interval: '5',
  tcp_keepalives_count: '3',
  tcp_user_timeout: '25000',
};

/**
 * Begins the transaction that holds the locks, and takes all of them or stops at the first that is refused. Everything goes to the server
 * in one message: one round trip. A transaction that only takes advisory locks has no id, and between its statements no snapshot.
 * CASE evaluates its branches in order, so that a refused run takes nothing after the refusal.
 * A sharded run shares the lock of the whole with its sisters, so that it and a run of the whole exclude each other; and it looks for sisters
 * of another count only after it has taken the lock of its own, so that of two that begin at once at least one sees the other.
 * @param statementMs how long a statement of it may take on the server
 */
export function takeLocks(keys: Keys, decidedFor: DecidedFor, statementMs: number): string {
  const refused = keys.work.map((one) => `WHEN NOT ${tryLock(one)} THEN 'locked'`);
  const alone =
    keys.count === undefined ? 'true' : `NOT EXISTS (SELECT FROM ${ADVISORY_LOCKS} AND ${ofAnotherCount(keys.count)})`;
  const places = keys.places.map((place) => `(${literal(place)})`).join();
  return `${begin(statementMs, GONE_CLIENT)};
SELECT CASE
  ${refused.join('\n  ')}
  WHEN NOT ${alone} THEN 'locked'
  WHEN NOT ${tryLock({ key: keys.run, shared: false })} THEN 'locked'
  ELSE coalesce(
    (SELECT key::text FROM (VALUES ${places}) AS place (key) WHERE pg_try_advisory_xact_lock(key) LIMIT 1),
    'limit'
  )
END AS taken;
SELECT (SELECT max(version) FROM run_job.migrations WHERE breaking) AS breaking,
  ${decisionColumns(decidedFor)}`;
}

/**
 * Commits the transaction that holds the locks, and takes them again in a new one, in one message. Session locks hold the keys meanwhile,
 * so that they are never free: a message is never split between two of a pooler's connections, and by its end they are gone.
 * The last statement but one says whether all is as it was.
 */
export function carryLocks({ work, run, place }: HeldKeys): string {
  const locks = [...work, { key: run, shared: false }, { key: place, shared: false }];
  const each = (call: (key: string, suffix: string) => string) =>
    locks.map(({ key, shared }) => call(literal(key), shared ? '_shared' : ''));
  return `SELECT ${each((key, suffix) => `pg_advisory_lock${suffix}(${key})`).join()};
COMMIT;
${begin(0, GONE_CLIENT)};
SELECT ${each((key, suffix) => `pg_try_advisory_xact_lock${suffix}(${key})`).join(' AND ')} AS carried;
SELECT ${each((key, suffix) => `pg_advisory_unlock${suffix}(${key})`).join()}`;
}

/** Of a lock in pg_locks: whether it is that of shards of the same name and another count. */
const ofAnotherCount = (count: bigint): string =>
  `(${LOCK_KEY}) >> ${COUNT_BITS} = ${literal(count)} >> ${COUNT_BITS} AND (${LOCK_KEY}) <> ${literal(count)}`;

const tryLock = ({ key, shared }: Key): string =>
  `pg_try_advisory_xact_lock${shared ? '_shared' : ''}(${literal(key)})`;

/** Quoted, since the smallest bigint can't be written as a number with a sign. */
const literal = (key: bigint): string => `'${key}'::bigint`;
