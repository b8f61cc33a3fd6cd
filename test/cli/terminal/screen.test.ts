import { expect, test } from 'vitest';
import { openScreen } from '../../../src/cli/terminal/screen.ts';

test('a log line wipes the progress bar away first, and only where there is one', () => {
  const written: [number, string][] = [];
  const { terminal, writeLine } = openScreen((fd, text) => void written.push([fd, text]));
  writeLine('one\n');
  terminal.write('50%');
  writeLine('two\n');
  writeLine('three\n');
  expect(written).toEqual([
    [1, 'one\n'],
    [2, '50%'],
    [2, '\r\u001b[K'],
    [1, 'two\n'],
    [1, 'three\n'],
  ]);
});
