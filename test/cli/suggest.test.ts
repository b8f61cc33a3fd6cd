import { expect, test } from 'vitest';
import { nearest } from '../../src/cli/suggest.ts';

const NAMES = ['database_cleanup', 'report_generator', 'list', 'history'];

test.each([
  ['databse_cleanup', 'database_cleanup'],
  ['database_cleanpu', 'database_cleanup'],
  ['Histroy', 'history'],
  ['lst', 'list'],
])('%s was meant to be %s', (typed, meant) => {
  expect(nearest(typed, NAMES)).toBe(meant);
});

test('what is far from every name is no slip of the finger', () => {
  expect(nearest('kubernetes', NAMES)).toBeUndefined();
});
