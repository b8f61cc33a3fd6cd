import { expect, test } from 'vitest';
import type { Summary } from '../../src/runner/outcome.ts';
import { TERMINATION_LIMIT, terminationMessage } from '../../src/runner/termination.ts';

const SUMMARY: Summary = {
  job: 'cleanup',
  name: 'cleanup',
  runId: '01a20962-7c7b-715a-bc88-41e18f2ff407',
  status: 'failed',
  exitCode: 1,
  scheduledAt: '2026-11-23T02:00:00.000Z',
  attempts: 3,
  durationMs: 1234,
  peakRssBytes: 50_000_000,
  cpuMs: 100,
};

const bytes = (text: string) => Buffer.byteLength(text);

test('a summary that fits is told whole, but for its stack traces', () => {
  const error = {
    name: 'TypeError',
    message: 'no',
    stack: 'TypeError: no\n    at x',
    causes: [{ name: 'Error', message: 'why', stack: 's' }],
  };
  expect(JSON.parse(terminationMessage({ ...SUMMARY, result: { rows: 3 }, error }))).toEqual({
    ...SUMMARY,
    result: { rows: 3 },
    error: { name: 'TypeError', message: 'no', causes: [{ name: 'Error', message: 'why' }] },
  });
});

test('what matters least goes first: causes, then the result, then the end of the message', () => {
  const causes = [{ name: 'Error', message: 'c'.repeat(5_000) }];
  const withCauses = JSON.parse(terminationMessage({ ...SUMMARY, error: { name: 'E', message: 'm', causes } }));
  expect(withCauses.error).toEqual({ name: 'E', message: 'm' });

  const withResult = JSON.parse(
    terminationMessage({ ...SUMMARY, result: 'r'.repeat(5_000), error: { name: 'E', message: 'm' } }),
  );
  expect(withResult).toEqual({ ...SUMMARY, resultOmitted: true, error: { name: 'E', message: 'm' } });
});

test('a result of a million fields is left out without being written down first', () => {
  let read = 0;
  const field = {
    get value() {
      read += 1;
      return 1;
    },
  };
  const told = JSON.parse(terminationMessage({ ...SUMMARY, result: Array.from({ length: 1_000_000 }, () => field) }));
  expect(told).toEqual({ ...SUMMARY, resultOmitted: true });
  expect(read).toBeLessThan(TERMINATION_LIMIT);
});

test.each(['x', 'é', '😀', '"', '\n', '\u0001'])(
  'a long message of %j is cut to the limit, between characters',
  (character) => {
    const message = terminationMessage({ ...SUMMARY, error: { name: 'E', message: character.repeat(9_000) } });
    expect(bytes(message)).toBeLessThanOrEqual(TERMINATION_LIMIT);
    expect(bytes(message)).toBeGreaterThan(TERMINATION_LIMIT - 16);
    expect(JSON.parse(message).error.message).toMatch(new RegExp(`^(?:${character})+…$`, 'u'));
  },
);
