import { expect, test } from 'vitest';
import { authorFirst } from '../../src/runner/stack.ts';

const OURS = new URL('../../src/', import.meta.url).href;

test('the frames of the author come before those of libraries, run-job and Node', () => {
  const stack = [
    'Error: duplicate key',
    '    at inner (in the message)',
    'second line',
    '    at Parser.parse (/app/node_modules/pg-protocol/dist/parser.js:1:1)',
    '    at Socket.emit (node:events:519:28)',
    '    at async save (file:///app/jobs/invoices.ts:12:3)',
    `    at async runOnce (${OURS}runner/lifecycle.ts:60:3)`,
    '    at async Object.run (file:///app/jobs/invoices.ts:7:5)',
  ];
  expect(authorFirst(stack.join('\n')).split('\n')).toEqual([0, 1, 2, 5, 7, 3, 4, 6].map((index) => stack[index]));
});

test.each([
  ['one that begins with them', 'Error: x\n    at run (file:///app/jobs/a.ts:1:1)\n    at node:internal/x:1:1'],
  ['one without any', 'Error: x\n    at Socket.emit (node:events:519:28)\n    at node:internal/x:1:1'],
  ['one without frames', 'Error: x\nand more'],
  ['an empty one', ''],
])('%s is left as it is', (_, stack) => {
  expect(authorFirst(stack)).toBe(stack);
});

test('the jobs that ship are jobs', () => {
  const job = `    at sweep (${OURS}jobs/database_cleanup/sweep.ts:1:1)`;
  expect(authorFirst(`Error: x\n    at f (node:events:1:1)\n${job}`)).toBe(
    `Error: x\n${job}\n    at f (node:events:1:1)`,
  );
});
