import { expect, test } from 'vitest';
import { ConfigError } from '../../src/errors.ts';
import { describeError } from '../../src/runner/error-info.ts';
import { createRedactor } from '../../src/runner/redact.ts';

test('an endless name or code is cut, so that the termination message fits', () => {
  const error = Object.assign(new Error('x'), { name: 'N'.repeat(9_000), code: 'C'.repeat(9_000) });
  const { name, code = '' } = describeError(error, createRedactor([]));
  expect([name.length, code.length].every((length) => length < 300)).toBe(true);
});

test('a tree of errors is told within one budget, however it branches', () => {
  const grow = (depth: number): Error =>
    depth === 0
      ? new Error('y'.repeat(50_000))
      : new AggregateError(
          Array.from({ length: 9 }, () => grow(depth - 1)),
          'z'.repeat(50_000),
        );
  const text = JSON.stringify(describeError(grow(4), createRedactor([])));
  expect(text.length).toBeLessThan(80 * 1024);
  expect(text).toContain('more errors, which are left out here');
});

test('an error that leads back to itself is told once', () => {
  const error = new Error('its own cause');
  error.cause = new Error('between', { cause: error });
  expect(describeError(error, createRedactor([]))).toMatchObject({
    causes: [{ message: 'between', causes: [{ message: 'the same error again' }] }],
  });
});

test('whatever stands where a name, a message, a stack and a list of errors belong, the error is described', () => {
  const odd = Object.assign(new Error('x'), {
    message: 12,
    name: Symbol('s'),
    stack: {},
    code: { a: 1 },
    errors: ['a'],
  });
  expect(describeError(odd, createRedactor([]))).toEqual({
    name: 'Symbol(s)',
    message: '12',
    code: '[object Object]',
  });
});

test('secrets in what was thrown are found before JSON escapes them, in values and in keys', () => {
  const secret = 'hunt"er\\2';
  const { message } = describeError({ [secret]: 1, list: [secret], password: 'x' }, createRedactor([secret]));
  expect(message).toBe(
    `a value that isn't an Error was thrown: {"[redacted]":1,"list":["[redacted]"],"password":"[redacted]"}`,
  );
});

test('what the system refused is told without a stack, unless the stack leads to the author', () => {
  const refused = (frame: string) =>
    Object.assign(new Error('connect ECONNREFUSED'), {
      code: 'ECONNREFUSED',
      syscall: 'connect',
      stack: `Error: connect ECONNREFUSED\n    at TCPConnectWrap.afterConnect (node:net:2021:16)${frame}`,
    });
  expect(describeError(refused(''), createRedactor([]))).toEqual({
    name: 'Error',
    message: 'connect ECONNREFUSED',
    code: 'ECONNREFUSED',
  });
  const { stack } = describeError(refused('\n    at read (file:///app/jobs/a.ts:1:1)'), createRedactor([]));
  expect(stack).toContain('jobs/a.ts');
});

test('beneath an error that says what to do, frames of Node and run-job are left out; the author’s stay', () => {
  const ours = new URL('../../src/postgres/connect.ts', import.meta.url).href;
  const inner = ['    at parse (node:internal/x:1:1)', `    at async connect (${ours}:1:1)`];
  const caused = (frames: readonly string[]) => {
    const cause = Object.assign(new Error('no such relation'), {
      stack: ['Error: no such relation', ...frames].join('\n'),
    });
    return describeError(new ConfigError('run the migration', { cause }), createRedactor([])).causes?.[0];
  };
  expect(caused(inner)).toEqual({ name: 'Error', message: 'no such relation' });
  expect(caused([...inner, '    at run (file:///app/jobs/a.ts:1:1)'])?.stack).toContain(inner[0]);
  expect(caused(['    at query (/app/node_modules/knex/lib/x.js:1:1)'])?.stack).toContain('knex');
});
