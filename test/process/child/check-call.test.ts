// What can't be given to any program is refused before one is started, without telling what it was.
import { expect, test } from 'vitest';
import { hasCode } from '../../../src/errors.ts';
import { checkCall, checkEnvironment } from '../../../src/process/child/check-call.ts';
import type { ProgramOptions } from '../../../src/runner/ports.ts';

const problemOf = (check: () => void): string => {
  try {
    check();
    return '';
  } catch (error) {
    expect(hasCode(error, 'ERR_RUN_JOB_CONFIG')).toBe(true);
    return (error as Error).message;
  }
};

test.each<[unknown, unknown, RegExp]>([
  [undefined, [], /^What is to be run is undefined: name the program/],
  [['ls'], [], /^What is to be run is a list: /],
  ['ls', '-l', /^The arguments of ls are a text: write them as a list/],
  ['rm', ['-r', undefined], /^Argument 2 of rm is undefined: write a text$/],
  ['echo', [{}], /^Argument 1 of echo is of type object: /],
  ['echo', ['a', 'hidden\0'], /^Argument 2 of echo holds a NUL character/],
  ['e\0cho', [], /^The program to run holds a NUL character/],
  ['sleep', ['1', 2], /^$/],
])('%j with %j', (program, args, told) => {
  expect(problemOf(() => checkCall(program, args, {}))).toMatch(told);
});

test('an exit code that means what none can mean', () => {
  const check = (exitCodes: object) => problemOf(() => checkCall('rsync', [], { exitCodes } as ProgramOptions));
  expect(check({ 24: 'succeeded', 3: 'permanent' })).toBe('');
  expect(check({ 24: 'ok' })).toMatch(/^exitCodes says that 24 of rsync means ok: write succeeded, failed, /);
});

test('a variable that no program can be given', () => {
  expect(problemOf(() => checkEnvironment({ A: 'a', B: undefined }))).toBe('');
  const told = problemOf(() => checkEnvironment({ TOKEN: 'hidden\0' }));
  expect(told).toMatch(/^The variable TOKEN holds a NUL character/);
});
