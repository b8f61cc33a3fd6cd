// What every keeper of locks must do, whatever it is made of.
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import type { LockResult, Locks } from '../../src/runner/ports.ts';
import { jobLease, slotOf } from './runs.ts';

/** Registers the suite. `setUp` gives a keeper with no locks taken, and what it needs to be taken down. */
export function locksContract(setUp: () => Promise<{ locks: Locks } & AsyncDisposable>): void {
  const acquire = (
    locks: Locks,
    job: string,
    { shard = { index: 0, count: 1 }, limit = 100, runId = randomUUID() } = {},
  ) => locks.acquire({ runId, ...slotOf(job, shard), limit });
  const reason = (result: LockResult) => (result.held ? 'held' : result.reason);

  const releaseAll = (results: LockResult[]) =>
    Promise.all(results.map((result) => (result.held ? result.lease.release() : undefined)));

  test('a job runs once at a time, and again when the first run is over', async () => {
    await using keeper = await setUp();
    const first = jobLease(await acquire(keeper.locks, 'report'));
    expect(reason(await acquire(keeper.locks, 'report'))).toBe('locked');
    await first.release();
    await jobLease(await acquire(keeper.locks, 'report')).release();
  });

  test('different jobs run at the same time', async () => {
    await using keeper = await setUp();
    const leases = [jobLease(await acquire(keeper.locks, 'report')), jobLease(await acquire(keeper.locks, 'cleanup'))];
    for (const lease of leases) await lease.release();
  });

  test('whoever is refused learns who holds the lock', async () => {
    await using keeper = await setUp();
    const runId = randomUUID();
    const lease = jobLease(await acquire(keeper.locks, 'report', { runId }));
    expect(await acquire(keeper.locks, 'report')).toMatchObject({ held: false, reason: 'locked', holder: { runId } });
    await lease.release();
  });

  test('of twenty runs of one job that start at once, exactly one gets the lock', async () => {
    await using keeper = await setUp();
    const results = await Promise.all(Array.from({ length: 20 }, () => acquire(keeper.locks, 'report')));
    expect(results.map(reason).sort()).toEqual(['held', ...Array(19).fill('locked')]);
    await releaseAll(results);
  });

  test('of twelve jobs that start at once against a limit of five, exactly five run', async () => {
    await using keeper = await setUp();
    const results = await Promise.all(
      Array.from({ length: 12 }, (_, n) => acquire(keeper.locks, `job_${n}`, { limit: 5 })),
    );
    expect(results.map(reason).sort()).toEqual([...Array(5).fill('held'), ...Array(7).fill('limit')]);
    await releaseAll(results);
  });

  test('a run over the limit leaves its job free for another run', async () => {
    await using keeper = await setUp();
    const other = jobLease(await acquire(keeper.locks, 'other', { limit: 1 }));
    expect(reason(await acquire(keeper.locks, 'report', { limit: 1 }))).toBe('limit');
    await jobLease(await acquire(keeper.locks, 'report', { limit: 2 })).release();
    await other.release();
  });

  test('a run whose job is locked takes no place from others', async () => {
    await using keeper = await setUp();
    const first = jobLease(await acquire(keeper.locks, 'report', { limit: 2 }));
    expect(reason(await acquire(keeper.locks, 'report', { limit: 2 }))).toBe('locked');
    const second = jobLease(await acquire(keeper.locks, 'cleanup', { limit: 2 }));
    expect(reason(await acquire(keeper.locks, 'third', { limit: 2 }))).toBe('limit');
    await first.release();
    await second.release();
  });

  test('the shards of a job run beside each other, but each only once', async () => {
    await using keeper = await setUp();
    const first = jobLease(await acquire(keeper.locks, 'report', { shard: { index: 0, count: 2 } }));
    const second = jobLease(await acquire(keeper.locks, 'report', { shard: { index: 1, count: 2 } }));
    expect(reason(await acquire(keeper.locks, 'report', { shard: { index: 1, count: 2 } }))).toBe('locked');
    await first.release();
    await second.release();
  });

  test('a run of the whole job and a run of a shard exclude each other', async () => {
    await using keeper = await setUp();
    const shard = { index: 1, count: 2 };
    const part = jobLease(await acquire(keeper.locks, 'report', { shard }));
    expect(reason(await acquire(keeper.locks, 'report'))).toBe('locked');
    await part.release();
    const whole = jobLease(await acquire(keeper.locks, 'report'));
    expect(reason(await acquire(keeper.locks, 'report', { shard }))).toBe('locked');
    await whole.release();
  });

  test('runs of different slots work at the same time where they may, two of one slot don’t, nor one of no slot', async () => {
    await using keeper = await setUp();
    const [one, other] = [new Date('2026-02-03T04:00:00Z'), new Date('2026-02-03T05:00:00Z')];
    const of = (slot: Date | undefined, shard = { index: 0, count: 1 }) =>
      keeper.locks.acquire({ runId: randomUUID(), ...slotOf('report', shard), limit: 100, ...(slot && { slot }) });
    const first = jobLease(await of(one));
    const second = jobLease(await of(other));
    expect(reason(await of(one))).toBe('locked');
    expect(reason(await of(undefined))).toBe('locked');
    expect(reason(await of(one, { index: 0, count: 2 }))).toBe('locked');
    await first.release();
    const parts = [jobLease(await of(one, { index: 0, count: 2 })), jobLease(await of(one, { index: 1, count: 2 }))];
    expect(reason(await of(one))).toBe('locked');
    expect(reason(await of(one, { index: 1, count: 2 }))).toBe('locked');
    expect(reason(await of(one, { index: 1, count: 3 }))).toBe('locked');
    for (const lease of [...parts, second]) await lease.release();
    const whole = jobLease(await of(undefined));
    expect(reason(await of(one))).toBe('locked');
    await whole.release();
  });

  test('the shards of one count keep those of another out', async () => {
    await using keeper = await setUp();
    const of = (index: number, count: number) => acquire(keeper.locks, 'report', { shard: { index, count } });
    const first = jobLease(await of(0, 2));
    expect(reason(await of(1, 3))).toBe('locked');
    expect(reason(await of(0, 10_000))).toBe('locked');
    const second = jobLease(await of(1, 2));
    await first.release();
    await second.release();
    await jobLease(await of(1, 3)).release();
  });

  test('of shards of two counts that start at once, only those of one run', async () => {
    await using keeper = await setUp();
    for (let round = 0; round < 5; round += 1) {
      const asked = Array.from({ length: 12 }, (_, n) => ({ index: n >> 1, count: 6 + (n % 2) }));
      const results = await Promise.all(asked.map((shard) => acquire(keeper.locks, 'report', { shard })));
      const counts = new Set(asked.filter((_, n) => results[n]?.held).map(({ count }) => count));
      expect(counts.size).toBeLessThanOrEqual(1);
      await releaseAll(results);
    }
  });

  test('a lock can be proved for as long as it is held', async () => {
    await using keeper = await setUp();
    const lease = jobLease(await acquire(keeper.locks, 'report'));
    expect(await lease.prove()).toBe(true);
    await lease.release();
    expect(await lease.prove()).toBe(false);
  });

  test('a released lock is not lost, and can be released again', async () => {
    await using keeper = await setUp();
    const lease = jobLease(await acquire(keeper.locks, 'report'));
    await lease.release();
    await lease.release();
    expect(await Promise.race([lease.lost, 'not lost'])).toBe('not lost');
  });
}
