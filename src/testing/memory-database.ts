// The database of a run in a test: every lock is free, no record is kept, and the past is what the test says it is.
import type { PreviousRun } from '../job.ts';
import type { Database } from '../runner/request.ts';

/** Makes one in which these runs have succeeded before, newest first, in which a run has this fence, and whose slot has a checkpoint or not. */
export function memoryDatabase(previousRuns: readonly PreviousRun[], fence: number, checkpointed: boolean): Database {
  return {
    attributes: {},
    locks: {
      acquire: async () => ({
        held: true,
        decisions: {},
        lease: {
          cancelled: new Promise(() => undefined),
          lost: new Promise(() => undefined),
          descriptor: undefined,
          prove: async () => true,
          release: async () => undefined,
        },
      }),
    },
    history: {
      scheduledTimeOf: async (_, startedAt) => startedAt,
      succeeded: async () => undefined,
      start: async () => ({ lost: [], outdated: false, fence, checkpointed }),
      end: async () => undefined,
      record: async () => undefined,
      tell: async () => undefined,
      prune: async () => 0,
      pauseAfter: async () => undefined,
      scheduleOf: async () => undefined,
      // What the job comes after has succeeded: there is nobody else who could do it.
      standing: async (_, slot) => ({ scheduledAt: 'at' in slot ? slot.at : slot.upTo, succeeded: true }),
      previousRuns: async (_name, _shard, limit) => previousRuns.slice(0, limit),
    },
    rest: async () => undefined,
    close: async () => undefined,
  };
}
