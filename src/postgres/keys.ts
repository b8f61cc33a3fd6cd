// The keys of our advisory locks: 64 bits of a SHA-256, so that names of any length never meet by accident.
import { crypto } from './crypto.ts';

/** Apart from other programs' advisory locks in the same database. */
const NAMESPACE = 'run-job';

/** Held by a run of the whole work of a name alone, shared by the runs of its shards. */
export const nameKey = (name: string): bigint => key('job', name);

/** Held by the run of one shard. */
export const shardKey = (name: string, index: number): bigint => key('shard', name, index);

/** Held by the run of one slot of a name whose slots may overlap, shared by those of its shards. */
export const slotKey = (name: string, slot: Date): bigint => key('slot', name, slot.toISOString());

/** How many of a key's lowest bits can hold a count of shards; RUN_JOB_SHARDS is at most 10,000. */
export const COUNT_BITS = 14;

/** Shared by the runs of shards of one count: the name in the upper bits, the count in the lowest, so that other counts can be seen. */
export const countKey = (name: string, count: number): bigint =>
  BigInt.asIntN(64, ((key('count', name) >> BigInt(COUNT_BITS)) << BigInt(COUNT_BITS)) | BigInt(count));

/** Held by a run as long as it lives: a record that says running whose key nobody holds is a dead run's. */
export const runKey = (runId: string): bigint => key('run', runId);

/** The places that running runs take, across all jobs of the database. */
export const placeKeys = (limit: number): bigint[] => Array.from({ length: limit }, (_, index) => key('place', index));

/** A lock's key, signed as PostgreSQL's bigint is. */
function key(...names: readonly (string | number)[]): bigint {
  return crypto()
    .hash('sha256', [NAMESPACE, ...names].join('/'), 'buffer')
    .readBigInt64BE();
}
