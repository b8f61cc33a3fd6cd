// What every telemetry must do for a run, whether it sends anything or not.
import { describe, expect, test } from 'vitest';
import type { Span } from '../../src/job.ts';
import type { Telemetry } from '../../src/runner/ports.ts';
import { endOf, runOf, slotOf } from './runs.ts';

const START = runOf(slotOf('some_job'));
const END = endOf({ status: 'failed', exitCode: 1, error: { name: 'Error', message: 'no' } });

/** @param open Opens a telemetry of its own for each test. */
export function telemetryContract(name: string, open: () => Promise<Telemetry>): void {
  describe(`${name} keeps to the contract of telemetry:`, () => {
    test('a span hands on what its step returns', async () => {
      const telemetry = await open();
      expect(await telemetry.span('step', {}, async () => 42)).toBe(42);
    });

    test('a span hands on the very error that its step throws, at once or later, and values that are no errors', async () => {
      const telemetry = await open();
      for (const thrown of [new TypeError('mine'), 'a string', undefined, Object.freeze(new Error('frozen'))]) {
        const sync = telemetry.span('step', {}, () => {
          throw thrown;
        });
        await expect(sync).rejects.toBe(thrown);
        await expect(
          telemetry.span('outer', {}, () => telemetry.span('inner', {}, () => Promise.reject(thrown))),
        ).rejects.toBe(thrown);
      }
    });

    test('nothing that a job can pass to it throws', async () => {
      const telemetry = await open();
      const odd = { missing: undefined, text: 'x'.repeat(100_000), '': 1, nan: Number.NaN };
      await telemetry.span('', { attributes: odd }, async (span) => {
        span.setAttributes(odd);
        span.addEvent('', odd);
      });
      for (const amount of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 0.5]) telemetry.count('things', amount, odd);
      const circular: Record<string, unknown> = {};
      circular.self = circular;
      telemetry.log('warn', '', { circular, error: new Error('x'), big: 1n, nothing: null });
    });

    test('what comes too late is let pass', async () => {
      const telemetry = await open();
      let kept: Span | undefined;
      let letGo = () => {};
      const hanging = telemetry.span('hangs', {}, async (span) => {
        kept = span;
        await new Promise<void>((resolve) => {
          letGo = resolve;
        });
        throw new Error('late');
      });
      telemetry.end(START, END);
      telemetry.end(START, END);
      kept?.setAttributes({ late: true });
      kept?.addEvent('late');
      expect(kept?.headers()).toBeTypeOf('object');
      expect(await telemetry.span('after', {}, async () => 'still run')).toBe('still run');
      const [first, second] = await Promise.all([telemetry.flush(5_000), telemetry.flush(5_000)]);
      expect(second).toEqual(first);
      telemetry.count('things', 1);
      telemetry.log('info', 'late', {});
      letGo();
      await expect(hanging).rejects.toThrow('late');
    });

    test('a flush without an end is one too', async () => {
      const telemetry = await open();
      await telemetry.flush(5_000);
    });
  });
}
