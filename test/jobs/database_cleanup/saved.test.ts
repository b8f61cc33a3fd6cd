// What the job keeps of thousands of tables: as much as a checkpoint takes, and never too much.
import { expect, test } from 'vitest';
import { ALL, fitting, type Progress } from '../../../src/jobs/database_cleanup/saved.ts';

const MOST = 256 * 1024;

/** So many tables, of which some had due rows. */
function progressOf(tables: number, due: number): Progress {
  const labels = Array.from({ length: tables }, (_, i) => `public.a_table_of_some_tenant_with_a_long_name_${i}`);
  return {
    base: '2026-01-15T00:00:00.000Z',
    done: labels,
    tallies: Object.fromEntries(labels.slice(0, due).map((label) => [label, [300, 15, 1_000, 100] as const])) as never,
    current: { 'public.now': 20 },
    resumeAt: { 'public.now_1': 7 },
  };
}

test('what fits is kept as it is', () => {
  const progress = progressOf(1_000, 1_000);
  expect(fitting(progress)).toBe(progress);
});

test('of thousands of tables those with nothing due are left out first', () => {
  const { done, ...rest } = progressOf(6_000, 10);
  expect(fitting({ done, ...rest })).toEqual({ ...rest, done: done.slice(0, 10) });
});

test.for([3_000, 50_000])('of %i tables with due rows, the sum of what was deleted is kept at the least', (tables) => {
  const fits = fitting(progressOf(tables, tables));
  expect(Buffer.byteLength(JSON.stringify(fits))).toBeLessThanOrEqual(MOST);
  expect(fits).toMatchObject({ base: '2026-01-15T00:00:00.000Z', current: { 'public.now': 20 } });
  const deleted = Object.values(fits.tallies).reduce((sum, [rows]) => sum + rows, 0);
  expect(deleted).toBe(tables * 300);
  expect(Object.keys(fits.tallies).includes(ALL)).toBe(tables > 3_000);
});
