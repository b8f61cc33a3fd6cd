// Lines of texts whose letters don't all take one column: as wide as a terminal draws them.
import { expect, test } from 'vitest';
import { tableWithNotes } from '../../src/cli/terminal/layout.ts';
import { beginningOf, columnsOf, padTo } from '../../src/log/columns.ts';
import { foldValue } from '../../src/log/fold.ts';
import { wrap } from '../../src/log/wrap.ts';

test.each([
  ['run-job', 7],
  ['it’s … done – well', 18],
  ['請求書', 6],
  ['ﾊﾝｶｸ', 4],
  ['한국어', 6],
  ['🚨', 2],
  ['👩‍👩‍👧‍👦', 2],
  ['⚠️', 2],
  ['⚠', 1],
  ['e\u0301', 1],
  ['Ж', 1],
])('%s takes %i columns', (text, columns) => {
  expect(columnsOf(text)).toBe(columns);
  expect(columnsOf(padTo(text, 20))).toBe(20);
});

const TEXT =
  '請求書が見つかりません: 顧客番号 12345 の請求書は削除されたか、まだ作成されていません。 🚨🔥 See https://example.com/a/rather/long/address/that/nobody/breaks for more.';

test('no line is wider than it may be, but one of a word that is copied whole, and no letter is lost', () => {
  for (const width of [20, 31, 40, 79]) {
    const lines = wrap(TEXT, width);
    for (const line of lines) if (!line.includes('https:')) expect(columnsOf(line), line).toBeLessThanOrEqual(width);
    expect(lines.join('').replaceAll(' ', '')).toBe(TEXT.replaceAll(' ', ''));
  }
});

test('what is cut is cut between characters', () => {
  expect(beginningOf('請求書', 5)).toBe('請求');
  expect(beginningOf('🚨🔥', 1)).toBe('🚨');
  expect(foldValue('🚨'.repeat(50), 11).lines).toEqual(['🚨🚨🚨🚨🚨…']);
});

test('columns stand below each other', () => {
  expect(foldValue({ 名前: 'Ada', text: 'x' }, 40).lines).toEqual(['名前  Ada', 'text  x']);
  const rows = [
    ['NAME', 'STATE', 'NOTE'],
    ['noop', 'failed', '請求書が見つかりません'],
  ];
  expect(tableWithNotes(rows, 0, 40)).toEqual(['NAME  STATE   NOTE', 'noop  failed  請求書が見つかりません']);
  expect(tableWithNotes(rows, 0, 30)).toEqual(['NAME  STATE   NOTE', 'noop  failed\n  請求書が見つかりません']);
});
