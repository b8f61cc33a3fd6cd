// The parameters as a program is told them, whatever a schema has made of them.
import { expect, test } from 'vitest';
import { variablesOf } from '../../../src/process/child/environment.ts';

const told = (params: unknown) => {
  const variables = variablesOf({
    runId: 'id',
    name: 'it',
    attempt: 1,
    scheduledAt: new Date(0),
    deadline: new Date(0),
    dryRun: false,
    shard: { index: 0, count: 1 },
    fence: 1,
    params,
  });
  const { RUN_JOB_PARAMS: all = '', ...rest } = variables;
  const own = Object.entries(rest).filter(([name]) => name.startsWith('RUN_JOB_PARAM_'));
  return { all: JSON.parse(all), own: Object.fromEntries(own) };
};

test('values that JSON doesn’t have', () => {
  const at = new Date('2026-11-23T02:00:00Z');
  const params = { order: 12345678901234567890n, at, ids: new Set([1n, 2n]), rates: new Map([['eur', 1]]), none: null };
  expect(told(params)).toEqual({
    all: { order: '12345678901234567890', at: at.toISOString(), ids: ['1', '2'], rates: { eur: 1 }, none: null },
    own: {
      RUN_JOB_PARAM_ORDER: '12345678901234567890',
      RUN_JOB_PARAM_AT: at.toISOString(),
      RUN_JOB_PARAM_IDS: '["1","2"]',
      RUN_JOB_PARAM_RATES: '{"eur":1}',
    },
  });
});

test('none, and a date that is none', () => {
  expect(told(undefined)).toEqual({ all: {}, own: {} });
  expect(told({ at: new Date('never') }).all).toEqual({ at: null });
});

test.each([
  ['a-b', 'a_b', 'A_B'],
  ['olderThan', 'older-than', 'OLDER_THAN'],
])('%s and %s, which a shell can’t tell apart, are refused', (one, other, name) => {
  expect(() => told({ [one]: 1, [other]: 2 })).toThrow(
    `The parameters ${one} and ${other} are both RUN_JOB_PARAM_${name} to a program: name one of them otherwise`,
  );
  // Who isn't there is told by no variable.
  expect(told({ [one]: 1, [other]: null }).own).toEqual({ [`RUN_JOB_PARAM_${name}`]: '1' });
});
