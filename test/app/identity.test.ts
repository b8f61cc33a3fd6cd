import { expect, test } from 'vitest';
import { digestOf, scheduledTimeIn } from '../../src/app/identity.ts';

const NOW = new Date('2026-11-23T02:00:03Z');
const MINUTES = Date.parse('2026-11-23T02:00:00Z') / 60_000;

test("the CronJob controller's Job name holds the slot in minutes since the epoch", () => {
  expect(scheduledTimeIn(`cleanup-${MINUTES}`, 'cleanup', NOW)).toEqual(new Date('2026-11-23T02:00:00Z'));
  expect(scheduledTimeIn(`cleanup-${MINUTES}`, undefined, NOW)).toEqual(new Date('2026-11-23T02:00:00Z'));
});

test.each([
  ['no name', undefined, undefined],
  ['a name that somebody chose', 'cleanup-by-hand', undefined],
  ['the Job of another CronJob', `other-${MINUTES}`, 'cleanup'],
  ['digits that are no plausible time', 'cleanup-20261123', undefined],
  ['digits alone', `${MINUTES}`, undefined],
])('%s tells no slot', (_, jobName, cronJobName) => {
  expect(scheduledTimeIn(jobName, cronJobName, NOW)).toBeUndefined();
});

test('a digest is that of what the parameters say, not of how they are written', () => {
  const digest = digestOf({ a: 1, b: { c: [1, 2], d: null } });
  expect(digest).toMatch(/^[0-9a-f]{32}$/);
  expect(digestOf({ b: { d: null, c: [1, 2] }, a: 1 })).toBe(digest);
  expect(digestOf({ a: 1, b: { c: [2, 1], d: null } })).not.toBe(digest);
  expect(digestOf({ a: '1', b: { c: [1, 2], d: null } })).not.toBe(digest);
  expect(digestOf({ a: new Date(0) })).toBe(digestOf({ a: '1970-01-01T00:00:00.000Z' }));
  expect(digestOf({ a: 1, now: 2 }, { passing: ['now'] })).toBe(digestOf({ a: 1 }));
  expect(digestOf({ a: 1 }, { of: 'one' })).not.toBe(digestOf({ a: 1 }, { of: 'other' }));
  expect(digestOf(undefined)).toBe(digestOf(undefined));
});

class Hidden {
  readonly #value: string;
  constructor(value: string) {
    this.#value = value;
  }
  get value() {
    return this.#value;
  }
}

test.each([
  ['an expression', (text: string) => new RegExp(text)],
  ['bytes', (text: string) => Buffer.from(text)],
  ['a function', (text: string) => () => text],
  ['an object of a class', (text: string) => new Hidden(text)],
  ['no number', (text: string) => Number(text)],
])('where a schema makes of a text %s, the digest is that of the text as well', (_, make) => {
  const digest = (text: string) => digestOf({ list: [{ a: make(text) }] }, { given: { a: text } });
  expect(digest('abc')).not.toBe(digest('xyz'));
  expect(digest('abc')).toBe(digest('abc'));
});

test('what JSON tells all of needs no more: a value that is written in two ways is one', () => {
  const value = { at: new Date(0), set: new Set([1]), map: new Map([['a', null]]), list: [{ a: 1n }] };
  expect(digestOf({ ...value, list: [{ a: 1 }] }, { given: '1' })).toBe(
    digestOf({ ...value, list: [{ a: 1 }] }, { given: '01' }),
  );
});
