// What every keeper of checkpoints must do, whatever it is made of.
import { expect, test } from 'vitest';
import type { CheckpointOwner, Checkpoints } from '../../src/runner/ports.ts';

/** What the suite asks of one, besides the port. */
export interface CheckpointsUnderTest extends AsyncDisposable {
  readonly checkpoints: Checkpoints;
  /** A run of the slot that holds its lock and has an open record; each call ends the one before. */
  begin(jobUid?: string): Promise<CheckpointOwner>;
}

const NOTHING = { value: undefined, steps: [] };

/** Registers the suite. `setUp` gives one in which nothing is kept. */
export function checkpointsContract(setUp: () => Promise<CheckpointsUnderTest>): void {
  test('what a run saves, the next run of the slot claims', async () => {
    await using it = await setUp();
    const first = await it.begin();
    expect(await it.checkpoints.claim(first, false)).toEqual(NOTHING);
    const step = { name: 'export', runId: first.runId, result: { rows: 3 } };
    expect(await it.checkpoints.save(first, { value: '{"a":1}' })).toBe(true);
    expect(await it.checkpoints.save(first, { steps: [step] })).toBe(true);
    expect(await it.checkpoints.save(first, { value: '{"a":"\\u0000"}' })).toBe(true);
    const second = await it.begin();
    const { value, steps } = (await it.checkpoints.claim(second, false)) ?? NOTHING;
    expect([JSON.parse(value ?? ''), steps]).toEqual([{ a: '\u0000' }, [step]]);
    expect(await it.checkpoints.read(second)).toEqual({ value, steps });
  });

  test('another slot has nothing', async () => {
    await using it = await setUp();
    const owner = await it.begin();
    await it.checkpoints.claim(owner, false);
    await it.checkpoints.save(owner, { value: '1' });
    const other = { ...owner, slot: { ...owner.slot, paramsDigest: 'another' } };
    expect(await it.checkpoints.read(other)).toEqual(NOTHING);
  });

  test('a restart drops what is there, but for the pods of one Job only once', async () => {
    await using it = await setUp();
    const first = await it.begin();
    await it.checkpoints.claim(first, false);
    await it.checkpoints.save(first, { value: '1' });
    const second = await it.begin('a-job');
    expect(await it.checkpoints.claim(second, true)).toEqual(NOTHING);
    await it.checkpoints.save(second, { value: '2' });
    expect(await it.checkpoints.claim(await it.begin('a-job'), true)).toEqual({ value: '2', steps: [] });
  });
}
