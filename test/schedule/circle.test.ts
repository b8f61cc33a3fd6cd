// Names that wait for each other.
import { expect, test } from 'vitest';
import { findCircle } from '../../src/schedule/circle.ts';

const after = (edges: Record<string, string[]>) => new Map(Object.entries(edges));

test.for([
  [{}, undefined],
  [{ load: ['extract'], report: ['load', 'extract'] }, undefined],
  [{ a: ['c'], b: ['c'], c: ['d'] }, undefined],
  [{ a: ['a'] }, ['a', 'a']],
  [{ a: ['b'], b: ['a'] }, ['a', 'b', 'a']],
  [{ first: ['a'], a: ['b'], b: ['c'], c: ['a'] }, ['a', 'b', 'c', 'a']],
  [{ a: ['x', 'b'], b: ['y', 'a'] }, ['a', 'b', 'a']],
] as const)('%j', ([edges, circle]) => {
  expect(findCircle(after(edges as never))).toEqual(circle);
});

test('a long chain, and many ways through it, take no time', () => {
  const edges = new Map<string, string[]>(
    Array.from({ length: 2_000 }, (_, n) => [`n${n}`, [`n${n + 1}`, `n${n + 2}`]]),
  );
  expect(findCircle(edges)).toBeUndefined();
  expect(findCircle(new Map([...edges, ['n2001', ['n0']]]))?.length).toBeGreaterThan(1_000);
});
