// What every history must do, whatever it is made of.
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import type { History, Locks } from '../../src/runner/ports.ts';
import { endOf, jobLease, runOf, slotOf } from './runs.ts';

/** What the suite asks of a history, besides the port: to look into it. */
export interface HistoryUnderTest extends AsyncDisposable {
  readonly history: History;
  /** Takes the locks of runs that are to count as alive. */
  readonly locks: Locks;
  /** The record of a run, in the words of the port. */
  read(
    id: string,
  ): Promise<{ status: string; exitCode: number | null; reason: string | null; result: unknown } | undefined>;
}

const DAY_MS = 86_400_000;

/** Registers the suite. `setUp` gives an empty history. */
export function historyContract(setUp: () => Promise<HistoryUnderTest>): void {
  test('a run is recorded when it begins and closed when it ends', async () => {
    await using it = await setUp();
    const run = runOf(slotOf('report'));
    expect(await it.history.start(run)).toMatchObject({ lost: [], outdated: false });
    expect(await it.read(run.id)).toMatchObject({ status: 'running', exitCode: null });
    await it.history.end(run.id, endOf({ result: { rows: 3 } }));
    expect(await it.read(run.id)).toMatchObject({ status: 'succeeded', exitCode: 0, result: { rows: 3 } });
  });

  test('a run that never began is recorded in one step', async () => {
    await using it = await setUp();
    const run = runOf(slotOf('report'));
    await it.history.record(run, endOf({ status: 'skipped', reason: 'locked', attempts: 0 }));
    expect(await it.read(run.id)).toMatchObject({ status: 'skipped', exitCode: 0, reason: 'locked' });
  });

  test('a slot that has succeeded is known, and only that slot', async () => {
    await using it = await setUp();
    const slot = slotOf('report');
    const run = runOf(slot);
    await it.history.start(run);
    expect(await it.history.succeeded(slot)).toBeUndefined();
    const endedAt = new Date('2026-02-03T04:05:06.789Z');
    await it.history.end(run.id, endOf({ endedAt }));
    expect(await it.history.succeeded(slot)).toEqual({ runId: run.id, endedAt });
    expect(await it.history.succeeded({ ...slot, name: 'cleanup' })).toBeUndefined();
    expect(
      await it.history.succeeded({ ...slot, scheduledAt: new Date(slot.scheduledAt.getTime() + 1) }),
    ).toBeUndefined();
    expect(await it.history.succeeded({ ...slot, shard: { index: 1, count: 2 } })).toBeUndefined();
    expect(await it.history.succeeded({ ...slot, paramsDigest: 'd2' })).toBeUndefined();
  });

  test.for([
    ['a dry run', { dryRun: true }, {}],
    ['a forced run', { forced: true }, {}],
    ['a failed run', {}, { status: 'failed', exitCode: 1 }],
  ] as const)('%s does not make its slot succeed', async ([_, start, end]) => {
    await using it = await setUp();
    const run = runOf(slotOf('report'), start);
    await it.history.start(run);
    await it.history.end(run.id, endOf(end));
    expect(await it.history.succeeded(run.slot)).toBeUndefined();
  });

  test('the second run that succeeds for a slot keeps its record, marked as such', async () => {
    await using it = await setUp();
    const [first, second] = [runOf(slotOf('report')), runOf(slotOf('report'))];
    await it.history.record(first, endOf());
    await it.history.record(second, endOf({ result: 'mine' }));
    expect(await it.read(second.id)).toMatchObject({ status: 'succeeded', reason: 'slot_succeeded', result: 'mine' });
    expect(await it.history.succeeded(first.slot)).toMatchObject({ runId: first.id });
  });

  test('all who ask for the time of one Job get that of the first, each Job its own', async () => {
    await using it = await setUp();
    const asked = Array.from({ length: 8 }, (_, n) => new Date(Date.UTC(2026, 1, 3, 4, n)));
    const told = await Promise.all(asked.map((startedAt) => it.history.scheduledTimeOf('job-1', startedAt)));
    expect(new Set(told.map((time) => time.getTime())).size).toBe(1);
    expect(asked).toContainEqual(told[0]);
    expect(await it.history.scheduledTimeOf('job-2', new Date(0))).toEqual(new Date(0));
  });

  test('a dead run is closed as lost by the next run of its job, a living one and those of other jobs are not', async () => {
    await using it = await setUp();
    const [dead, alive, other, next] = ['report', 'report', 'cleanup', 'report'].map((job) => runOf(slotOf(job))) as [
      ReturnType<typeof runOf>,
      ReturnType<typeof runOf>,
      ReturnType<typeof runOf>,
      ReturnType<typeof runOf>,
    ];
    const lease = jobLease(await it.locks.acquire({ runId: alive.id, ...alive.slot, limit: 9 }));
    await it.history.start(alive);
    await it.history.start(other);
    expect(await it.history.start(dead)).toMatchObject({ lost: [], outdated: false });
    expect(await it.history.start(next)).toMatchObject({ lost: [dead.id], outdated: false });
    expect(await it.read(dead.id)).toMatchObject({ status: 'lost', exitCode: 137 });
    expect(await it.read(alive.id)).toMatchObject({ status: 'running' });
    expect(await it.read(other.id)).toMatchObject({ status: 'running' });
    expect(await it.read(next.id)).toMatchObject({ status: 'running' });
    await lease.release();
  });

  test('a run that was taken for lost corrects its record', async () => {
    await using it = await setUp();
    const run = runOf(slotOf('report'));
    await it.history.start(run);
    await it.history.start(runOf(slotOf('report')));
    expect(await it.read(run.id)).toMatchObject({ status: 'lost' });
    await it.history.end(run.id, endOf({ status: 'unavailable', exitCode: 69 }));
    expect(await it.read(run.id)).toMatchObject({ status: 'unavailable', exitCode: 69 });
  });

  test('a record that was closed with more than a guess is not its run’s any more', async () => {
    await using it = await setUp();
    const run = runOf(slotOf('report'));
    await it.history.start(run);
    const killed = { status: 'timed_out', exitCode: 137 } as const;
    await it.history.end(run.id, endOf(killed));
    await it.history.end(run.id, endOf());
    await it.history.record(run, endOf());
    expect(await it.read(run.id)).toMatchObject({ status: 'timed_out', exitCode: 137 });
  });

  test('a run whose start was recorded although nobody told it so closes that record', async () => {
    await using it = await setUp();
    const run = runOf(slotOf('report'));
    await it.history.start(run);
    await it.history.record(run, endOf({ status: 'unavailable', exitCode: 69, attempts: 0 }));
    expect(await it.read(run.id)).toMatchObject({ status: 'unavailable', exitCode: 69 });
  });

  test('with its lease a run is recorded, and the lock is free when its end is', async () => {
    await using it = await setUp();
    const run = runOf(slotOf('report'));
    const request = { runId: run.id, ...run.slot, limit: 9 };
    const lease = jobLease(await it.locks.acquire(request));
    await it.history.start(run, undefined, lease);
    expect(await it.read(run.id)).toMatchObject({ status: 'running' });
    expect(await it.locks.acquire({ ...request, runId: randomUUID() })).toMatchObject({ held: false });
    await it.history.end(run.id, endOf(), lease);
    expect(await it.read(run.id)).toMatchObject({ status: 'succeeded' });
    await lease.release();
    await jobLease(await it.locks.acquire({ ...request, runId: randomUUID() })).release();
  });

  test('with its lease a run that succeeded second keeps its record, marked as such', async () => {
    await using it = await setUp();
    const run = runOf(slotOf('report'));
    const lease = jobLease(await it.locks.acquire({ runId: run.id, ...run.slot, limit: 9 }));
    await it.history.start(run, undefined, lease);
    await it.history.record(runOf(run.slot), endOf());
    await it.history.end(run.id, endOf({ result: 'mine' }), lease);
    expect(await it.read(run.id)).toMatchObject({ status: 'succeeded', reason: 'slot_succeeded', result: 'mine' });
  });

  test('of two runs that one lock kept apart the later one has the larger fence, with and without a lease', async () => {
    await using it = await setUp();
    let last = 0;
    for (let n = 0; n < 6; n += 1) {
      const run = runOf(slotOf('report'));
      const lease = n % 2 ? jobLease(await it.locks.acquire({ runId: run.id, ...run.slot, limit: 9 })) : undefined;
      const { fence } = await it.history.start(run, undefined, lease);
      expect(Number.isSafeInteger(fence)).toBe(true);
      expect(fence).toBeGreaterThan(last);
      last = fence;
      await it.history.end(run.id, endOf({ status: 'failed', exitCode: 1 }), lease);
    }
  });

  test('an end may be told twice', async () => {
    await using it = await setUp();
    const run = runOf(slotOf('report'));
    await it.history.start(run);
    await it.history.end(run.id, endOf());
    await it.history.end(run.id, endOf());
    expect(await it.read(run.id)).toMatchObject({ status: 'succeeded', reason: null });
  });

  test('texts that JSON allows and databases refuse do not lose the record', async () => {
    await using it = await setUp();
    const run = runOf(slotOf('report'), { params: { nul: 'a\0b', escaped: 'a\\u0000b', half: 'a\ud800b' } });
    await it.history.start(run);
    const error = { name: 'Error', message: 'bad byte \0', stack: 'at \udfff' };
    await it.history.end(run.id, endOf({ status: 'failed', exitCode: 1, result: { key: 'Zoë 🎉 \\ " \0' }, error }));
    expect(await it.read(run.id)).toMatchObject({ status: 'failed', result: { key: 'Zoë 🎉 \\ " \ufffd' } });
  });

  test('parameters of a megabyte are kept', async () => {
    await using it = await setUp();
    const run = runOf(slotOf('report'), { params: { text: 'x'.repeat(1_000_000) } });
    await it.history.record(run, endOf());
    expect(await it.read(run.id)).toMatchObject({ status: 'succeeded' });
  });

  test('the previous runs of a job are those of the same shard that succeeded for real, the newest slot first', async () => {
    await using it = await setUp();
    const at = (minute: number) => new Date(Date.UTC(2026, 1, 3, 4, minute));
    const tell = async (minute: number, given = {}, end = {}, shard = { index: 0, count: 2 }) => {
      const run = runOf(slotOf('report', shard, at(minute)), given);
      await it.history.record(run, endOf({ result: { minute }, ...end }));
      return { runId: run.id, scheduledAt: at(minute), result: { minute } };
    };
    const oldest = await tell(1);
    const newest = await tell(3, { forced: true });
    const middle = await tell(2);
    await tell(4, { dryRun: true });
    await tell(5, {}, { status: 'failed', exitCode: 1 });
    await tell(6, {}, {}, { index: 1, count: 2 });
    const shard = { index: 0, count: 2 };
    expect(await it.history.previousRuns('report', shard, 9)).toEqual([newest, middle, oldest]);
    expect(await it.history.previousRuns('report', shard, 1)).toEqual([newest]);
    expect(await it.history.previousRuns('cleanup', shard, 9)).toEqual([]);
  });

  test('records are pruned when they ended too long ago, dead ones after their deadline', async () => {
    await using it = await setUp();
    const ago = (days: number) => new Date(Date.now() - days * DAY_MS);
    const old = runOf(slotOf('report'), { startedAt: ago(8) });
    await it.history.record(old, endOf({ endedAt: ago(8) }));
    const long = runOf(slotOf('report'), { startedAt: ago(8) });
    await it.history.record(long, endOf({ endedAt: ago(6), status: 'failed', exitCode: 1 }));
    const dead = runOf(slotOf('dead'), { startedAt: ago(8) });
    await it.history.start(dead);
    const fresh = runOf(slotOf('cleanup'), { startedAt: ago(8), deadline: ago(-1) });
    expect(await it.history.start(fresh, 9)).toMatchObject({ lost: [], outdated: false });
    expect(await it.history.start(fresh, 7)).toMatchObject({ lost: [], outdated: true });
    expect(await it.history.prune(7)).toBe(2);
    expect(await it.read(old.id)).toBeUndefined();
    expect(await it.read(long.id)).toBeDefined();
    expect(await it.read(fresh.id)).toBeDefined();
    expect(await it.history.prune(7)).toBe(0);
    expect(await it.history.start(fresh, 7)).toMatchObject({ lost: [], outdated: false });
  });
}
