import { expect, test } from 'vitest';
import { toPlainJson } from '../../src/runner/json.ts';

test('plain JSON is left as it is', () => {
  const value = { a: [1, 'two', null, true], b: { c: {} } };
  expect(toPlainJson(value)).toEqual({ value, problems: [], cut: false, size: expect.any(Number) });
});

test('a value that appears twice is no cycle', () => {
  const shared = { x: 1 };
  expect(toPlainJson({ a: shared, b: shared })).toMatchObject({
    value: { a: { x: 1 }, b: { x: 1 } },
    problems: [],
    cut: false,
  });
});

test('dates, maps and sets become what JSON has for them', () => {
  const value = { at: new Date(0), map: new Map([['k', 1]]), set: new Set([1, 2]) };
  expect(toPlainJson(value).value).toEqual({ at: '1970-01-01T00:00:00.000Z', map: { k: 1 }, set: [1, 2] });
});

test('what JSON cannot hold is changed, and each change is told with its place', () => {
  const loop: { big: bigint; nan: number; f: () => void; self?: unknown } = {
    big: 10n ** 20n,
    nan: Number.NaN,
    f() {},
  };
  loop.self = loop;
  expect(toPlainJson(loop)).toMatchObject({
    value: { big: '100000000000000000000', nan: null, self: '[circular]' },
    problems: [
      'result.big is a BigInt and was turned into a string',
      'result.nan is NaN and was turned into null',
      'result.f is a function and was left out',
      'result.self refers back to itself and was cut',
    ],
    cut: false,
  });
});

test('a getter or toJSON that throws costs only its own place', () => {
  const value = {
    fine: 1,
    bad: {
      get trap() {
        throw new Error('sprung');
      },
    },
  };
  expect(toPlainJson(value)).toMatchObject({
    value: { fine: 1, bad: '[unreadable]' },
    problems: ['result.bad threw while it was read (Error) and was cut'],
    cut: false,
  });
});

test('even a getter that throws what has no text costs only its own place', () => {
  const value = {
    get trap() {
      throw Object.create(null);
    },
  };
  expect(toPlainJson(value).value).toEqual('[unreadable]');
});
