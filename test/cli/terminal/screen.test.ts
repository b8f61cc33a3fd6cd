import { expect, test } from 'vitest';
import { openScreen } from '../../../src/cli/terminal/screen.ts';

test('a log line wipes the progress bar away first, and only where there is one', () => {
  const written: [number, string][] = [];
  const { progressBar, writeLine } = openScreen((fd, text) => void written.push([fd, text]));
  writeLine('one\n');
  progressBar.draw(7, undefined, 1_000);
  writeLine('two\n');
  writeLine('three\n');
  expect(written).toEqual([
    [1, 'one\n'],
    [2, '\r\u001b[K7 done in 1s'],
    [2, '\r\u001b[K'],
    [1, 'two\n'],
    [1, 'three\n'],
  ]);
});

test('a line that a program has left open is ended before anything of ours, and nothing of it is wiped away', () => {
  const written: [number, string][] = [];
  const { progressBar, writeLine, show } = openScreen((fd, text) => void written.push([fd, text]));
  show(1, 'Name? ');
  progressBar.draw(7, undefined, 1_000);
  show(2, 'half');
  writeLine('ours\n');
  show(1, '50 %\r');
  writeLine('ours\n');
  expect(written).toEqual([
    [1, 'Name? '],
    [1, '\n'],
    [2, '\r\u001b[K7 done in 1s'],
    [2, '\r\u001b[K'],
    [2, 'half'],
    [1, '\n'],
    [1, 'ours\n'],
    [1, '50 %\r'],
    [1, 'ours\n'],
  ]);
});

test('the bar is one line that fits', () => {
  const drawn: string[] = [];
  const { progressBar } = openScreen(
    (_, text) => void drawn.push(text),
    () => 40,
  );
  progressBar.draw(40, 100, 1_000);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what a terminal is told
  expect(drawn).toEqual([expect.stringMatching(/^\r\u001b\[K█{10}░{14} 40% {2}40 of 100[^\n]*$/)]);
  expect(drawn[0]).toHaveLength(39 + '\r\u001b[K'.length);
});

test('the end of the progress wipes away what is of the bar, and nothing of a program', () => {
  const written: [number, string][] = [];
  const { progressBar, show, makeRoomFor } = openScreen((fd, text) => void written.push([fd, text]));
  progressBar.draw(7, undefined, 1_000);
  show(1, 'a last line without an end');
  progressBar.wipe();
  progressBar.draw(8, undefined, 1_000);
  makeRoomFor(Buffer.from('passed through'));
  progressBar.wipe();
  progressBar.draw(9, undefined, 1_000);
  expect(written).toEqual([
    [2, '\r\u001b[K7 done in 1s'],
    [2, '\r\u001b[K'],
    [1, 'a last line without an end'],
    [1, '\n'],
    [2, '\r\u001b[K8 done in 1s'],
    [2, '\r\u001b[K'],
    [1, '\n'],
    [2, '\r\u001b[K9 done in 1s'],
  ]);
});
