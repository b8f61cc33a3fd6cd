// The contract of checkpoints, held to PostgreSQL and to a file.
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { openCheckpoints } from '../../src/postgres/checkpoints.ts';
import { Session } from '../../src/postgres/session.ts';
import { openCheckpointFile } from '../../src/process/checkpoint-file.ts';
import type { CheckpointOwner, Lease } from '../../src/runner/ports.ts';
import { type CheckpointsUnderTest, checkpointsContract } from '../contracts/checkpoints.ts';
import { runOf, slotOf } from '../contracts/runs.ts';
import { openAdapter } from '../postgres/support.ts';

async function inPostgres(): Promise<CheckpointsUnderTest> {
  const adapter = await openAdapter();
  const session = new Session(adapter.server);
  const slot = slotOf('keeps');
  let lease: Lease | undefined;
  return {
    checkpoints: openCheckpoints(session),
    async begin(jobUid): Promise<CheckpointOwner> {
      await lease?.release();
      const run = runOf(slot);
      const lock = await adapter.locks.acquire({ runId: run.id, name: slot.name, shard: slot.shard, limit: 10 });
      if (!lock.held) throw new Error('the lock is held');
      lease = lock.lease;
      const { fence } = await adapter.history.start(run, 90, lease);
      return { slot, runId: run.id, fence, ...(jobUid !== undefined && { jobUid }) };
    },
    async [Symbol.asyncDispose]() {
      await lease?.release();
      await session.close();
      await adapter[Symbol.asyncDispose]();
    },
  };
}

describe('PostgreSQL', () => {
  checkpointsContract(inPostgres);

  test('a run that another has followed claims and saves no more', async () => {
    await using it = await inPostgres();
    const first = await it.begin();
    await it.checkpoints.claim(first, false);
    const second = await it.begin();
    await it.checkpoints.claim(second, false);
    expect(await it.checkpoints.save(first, { value: '1' })).toBe(false);
    expect(await it.checkpoints.claim(first, false)).toBeUndefined();
    expect(await it.checkpoints.save(second, { value: '2' })).toBe(true);
  });
});

describe('a file', () => {
  checkpointsContract(async () => {
    const folder = mkdtempSync(join(inject('scratchFolder'), 'checkpoints-'));
    const slot = slotOf('keeps');
    let fence = 0;
    return {
      checkpoints: openCheckpointFile(join(folder, 'progress.json')),
      async begin(jobUid) {
        fence += 1;
        return { slot, runId: runOf(slot).id, fence, ...(jobUid !== undefined && { jobUid }) };
      },
      [Symbol.asyncDispose]: async () => undefined,
    };
  });
});
