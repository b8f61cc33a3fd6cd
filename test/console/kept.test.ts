// What takes long to read is given at once from the second time on, and is never older than it may be.
import { expect, test, vi } from 'vitest';
import { Kept } from '../../src/app/console/kept.ts';

function counting() {
  let read = 0;
  const pending: PromiseWithResolvers<number>[] = [];
  let renewed = 0;
  const kept = new Kept(
    { freshMs: 5_000, oldestMs: 60_000 },
    () => {
      read += 1;
      const one = Promise.withResolvers<number>();
      pending.push(one);
      return one.promise;
    },
    () => {
      renewed += 1;
    },
  );
  const answer = async () => {
    pending.shift()?.resolve(read);
    await new Promise(setImmediate);
  };
  const fail = () => pending.shift()?.reject(new Error('gone'));
  return { kept, answer, fail, read: () => read, renewed: () => renewed };
}

test('who asks while it is fresh or being read anew gets what is there; who asks first, or too late, waits', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  try {
    const { kept, answer, fail, read, renewed } = counting();
    const [first, second] = [kept.get(0), kept.get(0)];
    await answer();
    expect([await first, await second, read()]).toEqual([1, 1, 1]);
    vi.advanceTimersByTime(4_000);
    expect([await kept.get(0), read()]).toEqual([1, 1]);
    vi.advanceTimersByTime(2_000);
    expect([await kept.get(0), await kept.get(0), read()]).toEqual([1, 1, 2]);
    expect(renewed()).toBe(0);
    await answer();
    expect([await kept.get(0), read(), renewed()]).toEqual([2, 2, 1]);
    // A failure in between is nobody's, while there is something to give.
    vi.advanceTimersByTime(10_000);
    expect(await kept.get(0)).toBe(2);
    fail();
    vi.advanceTimersByTime(60_000);
    const late = kept.get(0);
    fail();
    await expect(late).rejects.toThrow('gone');
  } finally {
    vi.useRealTimers();
  }
});
