// A test turns the clock that its run goes by.
import { describe, expect, test } from 'vitest';
import { defineJob } from '../../src/index.ts';
import { createTestClock, runJob } from '../../src/testing/index.ts';

const waits = defineJob({
  name: 'waits',
  description: 'Waits until it is told to stop',
  timeout: '1h',
  run: ({ signal }) =>
    new Promise<string>((resolve) => signal.addEventListener('abort', () => resolve('stopped'), { once: true })),
});

const deaf = defineJob({
  name: 'deaf',
  description: 'Never stops',
  timeout: '1h',
  run: () => new Promise<void>(() => undefined),
});

const flaky = defineJob({
  name: 'flaky',
  description: 'Succeeds the third time',
  timeout: '1h',
  retry: { attempts: 3, baseDelay: '10m', maxDelay: '10m' },
  run({ attempt }) {
    if (attempt < 3) throw new Error('not yet');
    return attempt;
  },
});

describe('with a clock that a test turns', () => {
  test('the deadline passes when the test says so, and not before', async () => {
    const clock = createTestClock('2026-11-23T02:00:00Z');
    let ended = false;
    const run = runJob(waits, { clock }).finally(() => {
      ended = true;
    });
    await clock.advance('59m');
    expect(ended).toBe(false);
    await clock.advance('1m');
    expect(await run).toMatchObject({ status: 'timed_out', result: 'stopped', durationMs: 3_600_000 });
  });

  test('a job that ignores its signal is abandoned after the grace', async () => {
    const clock = createTestClock('2026-11-23T02:00:00Z');
    const run = runJob(deaf, { clock, grace: '30s' });
    await clock.advance('1h');
    await clock.advance('30s');
    const { status, error } = await run;
    expect(status).toBe('timed_out');
    expect(error?.causes?.[0]?.message).toContain('was abandoned');
  });

  test('the waits between attempts take no time of the test', async () => {
    const clock = createTestClock(new Date('2026-11-23T02:00:00Z'));
    const run = runJob(flaky, { clock, random: () => 1 });
    await clock.advance('20m');
    expect(await run).toMatchObject({ status: 'succeeded', attempts: 3, result: 3, durationMs: 1_200_000 });
    expect(clock.now()).toEqual(new Date('2026-11-23T02:20:00Z'));
  });

  test('the run begins when the clock says', async () => {
    const clock = createTestClock('2026-11-23T02:00:00Z');
    const tells = defineJob({ name: 'tells', description: 'Tells', run: ({ deadline }) => deadline, timeout: '5m' });
    const { result, scheduledAt } = await runJob(tells, { clock });
    expect(result).toBe('2026-11-23T02:05:00.000Z');
    expect(scheduledAt).toBe('2026-11-23T02:00:00.000Z');
  });

  test('what is no time and no duration is refused', async () => {
    expect(() => createTestClock('soon')).toThrow(TypeError);
    await expect(createTestClock(new Date()).advance('5 minutes' as '5m')).rejects.toThrow(TypeError);
  });
});
