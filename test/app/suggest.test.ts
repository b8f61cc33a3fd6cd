import { expect, test } from 'vitest';
import { nearest } from '../../src/app/suggest.ts';

const NAMES = ['database_cleanup', 'report_generator', 'list', 'history'];

test.each([
  ['databse_cleanup', 'database_cleanup'],
  ['database_cleanpu', 'database_cleanup'],
  ['Histroy', 'history'],
  ['lst', 'list'],
])('%s was meant to be %s', (typed, meant) => {
  expect(nearest(typed, NAMES)).toBe(meant);
});

test.each(['kubernetes', 'to', 'zz'])('%s is far from every name, and so no slip of the finger', (typed) => {
  expect(nearest(typed, [...NAMES, 'a', 'do_it'])).toBeUndefined();
});
