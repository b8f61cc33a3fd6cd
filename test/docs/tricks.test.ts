// Every trick at the start, kept or not, has its row and its figures in docs/decisions, and no other has.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { KEPT, TRIED, type Trick } from '../bench/tricks/list.ts';

/** The first two cells of each row under a heading that begins with `| trick |`. */
function rowsOf(page: string): string[] {
  const [, table = ''] = readFileSync(`docs/decisions/${page}`, 'utf8').split('| trick |');
  const rows = table.split('\n\n', 1)[0]?.trimEnd().split('\n').slice(2) ?? [];
  return rows.map((row) =>
    row
      .split('|')
      .slice(1, 3)
      .map((cell) => cell.trim())
      .join(' | '),
  );
}

const rowOf = ({ name, run }: Trick) => `${name} | ${run}`;

test('what is kept is in bundling.md', () => {
  expect(rowsOf('bundling.md')).toEqual(KEPT.map(rowOf));
});

test('what was tried is in startup.md', () => {
  expect(rowsOf('startup.md')).toEqual(TRIED.map(rowOf));
});

test.each([...KEPT, ...TRIED].flatMap(({ name, variant: { edit } }) => (edit ? [{ name, ...edit }] : [])))(
  'what the benchmark replaces for $name is in $file',
  ({ file, from }) => {
    expect(readFileSync(file, 'utf8')).toContain(from);
  },
);
