// What the demo shows of a long document.
import { Readable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { expect, test, vi } from 'vitest';
import { showFolded } from '../../deploy/demo/terminal.ts';

test('of a document of hundreds of lines the beginning is shown, and all that isn’t one is', async () => {
  const shown: string[] = [];
  const log = vi.spyOn(console, 'log').mockImplementation((text: string) => {
    shown.push(stripVTControlCharacters(text));
  });
  const long = JSON.stringify({ rows: Array.from({ length: 500 }, (_, row) => row) }, null, 2);
  const short = JSON.stringify({ rows: 1 }, null, 2);
  try {
    await showFolded(Readable.from([`run started\n${long}\nbetween\n${short}\nrun succeeded\n`]));
  } finally {
    log.mockRestore();
  }
  expect(shown).toEqual([
    'run started',
    ...long.split('\n').slice(0, 12),
    '  … 492 more lines',
    'between',
    ...short.split('\n'),
    'run succeeded',
  ]);
});
