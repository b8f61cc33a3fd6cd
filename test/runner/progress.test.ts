import { expect, test } from 'vitest';
import { createProgress } from '../../src/runner/progress.ts';

test('without a terminal progress is a log line every ten seconds, and one when the work is done', () => {
  const lines: unknown[] = [];
  const info = (_: string, fields?: unknown) => void lines.push(fields);
  let now = 0;
  const log = { debug() {}, info, warn() {}, error() {} };
  const { report } = createProgress(log, undefined, { monotonicMs: () => now });
  for (let done = 1; done <= 250; done += 1) {
    now += 100;
    report(done, 250, { table: 'users' });
  }
  expect(lines).toEqual([
    { done: 100, total: 250, percent: 40, table: 'users' },
    { done: 200, total: 250, percent: 80, table: 'users' },
    { done: 250, total: 250, percent: 100, table: 'users' },
  ]);
});

test('on a terminal it is a bar, drawn ten times a second at most, and gone at the end', () => {
  const drawn: (number | 'wiped')[] = [];
  let now = 0;
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const bar = { draw: (done: number) => void drawn.push(done), wipe: () => void drawn.push('wiped') };
  const { report, end } = createProgress(log, bar, { monotonicMs: () => now });
  for (let done = 1; done <= 40; done += 1) {
    now += 25;
    report(done, 100);
  }
  end();
  end();
  expect(drawn).toEqual([1, 5, 9, 13, 17, 21, 25, 29, 33, 37, 'wiped']);
});

test('what is no number is warned of once, and not told', () => {
  const warnings: string[] = [];
  const told: unknown[] = [];
  const log = { debug() {}, info() {}, warn: (text: string) => void warnings.push(text), error() {} };
  const { report } = createProgress(log, undefined, { monotonicMs: () => 0 }, (...given) => void told.push(given));
  const call = report as (...given: unknown[]) => void;
  for (const given of [
    [{ done: 1, total: 2 }],
    ['1', '2'],
    [1, '2'],
    [Number.NaN],
    [1, Number.POSITIVE_INFINITY],
    [-1, 2],
    [1n, 2n],
    [],
  ])
    call(...given);
  call(1, 2);
  expect(told).toEqual([[1, 2]]);
  expect(warnings).toEqual([
    'ctx.progress(done, total) takes two numbers from 0 on; what else it was given is not told',
  ]);
});
