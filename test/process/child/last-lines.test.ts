// The evidence that is kept of a run: the last hundred lines, within 64 KiB.
import { expect, test } from 'vitest';
import { LastLines } from '../../../src/log/last-lines.ts';

test('the last hundred lines are kept, given one by one or many at once', () => {
  const lines = new LastLines();
  for (let line = 1; line <= 1_000; line += 1) lines.push([`line ${line}`]);
  expect(lines.read()).toEqual(Array.from({ length: 100 }, (_, at) => `line ${901 + at}`));
  lines.push(Array.from({ length: 5_000 }, (_, at) => `batch ${at}`));
  lines.push(['the last']);
  expect(lines.read()).toHaveLength(100);
  expect(lines.read().slice(-2)).toEqual(['batch 4999', 'the last']);
});

test('long lines leave room for fewer, and never for more than 64 KiB', () => {
  const lines = new LastLines();
  for (let line = 0; line < 50; line += 1) lines.push([`${line} ${'é'.repeat(2_000)}`]);
  const kept = lines.read();
  expect(Buffer.byteLength(kept.join('\n'))).toBeLessThanOrEqual(64 * 1024);
  expect(kept.at(-1)).toMatch(/^49 é/);
  lines.push(['ü'.repeat(100_000)]);
  expect(lines.read()).toHaveLength(1);
  expect(Buffer.byteLength(lines.read().join('\n'))).toBeLessThanOrEqual(64 * 1024);
});
