// The keys of our advisory locks: 64 bits of a SHA-256, so that names of any length never meet by accident.
import { crypto } from './crypto.ts';

/** Apart from other programs' advisory locks in the same database. */
const NAMESPACE = 'run-job';

/** Held by a run of the whole job alone, shared by the runs of its shards. */
export const jobKey = (job: string): bigint => key('job', job);

/** Held by the run of one shard. */
export const shardKey = (job: string, index: number): bigint => key('shard', job, index);

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
