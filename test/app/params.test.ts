import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { describeParams } from '../../src/app/param-schema.ts';
import { readParams, validateParams } from '../../src/app/params.ts';
import { ConfigError, UsageError } from '../../src/errors.ts';

const SCHEMA = v.object({
  retentionDays: v.optional(
    v.pipe(
      v.number(),
      v.integer(),
      v.minValue(1),
      v.description('How long rows are kept'),
      v.metadata({ env: 'RETENTION_DAYS' }),
    ),
    90,
  ),
  table: v.string(),
  tables: v.optional(v.array(v.string())),
  mode: v.optional(v.picklist(['fast', 'safe']), 'safe'),
  since: v.optional(
    v.pipe(
      v.string(),
      v.transform((text) => new Date(text)),
    ),
  ),
});

test.for(['__proto__', 'prototype', 'constructor'])('a record that would lose the name %s is refused', (name) => {
  const schema = v.object({ keep: v.optional(v.record(v.string(), v.string()), {}) });
  for (const params of [readParams([], [`keep={"${name}":"1d"}`]), readParams([`{"keep":{"${name}":"1d"}}`], [])])
    expect(problem(() => validateParams(schema, params, {}, 'cleanup'))).toContain(
      `parameter keep can't hold the name ${name}, which every object has by itself: write it otherwise`,
    );
});

const validate = (pairs: string[], json: string[] = [], env = {}) =>
  validateParams(SCHEMA, readParams(json, pairs), env, 'cleanup');
const problem = (act: () => unknown, kind: typeof UsageError | typeof ConfigError = UsageError): string => {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(kind);
    return (error as Error).message;
  }
  throw new Error('nothing was thrown');
};

describe('values', () => {
  test('text becomes what the schema asks for, and stays text where it asks for text', () => {
    expect(validate(['retentionDays=30', 'table=42', 'tables=["a","b"]', 'since=2026-01-01'])).toEqual({
      retentionDays: 30,
      table: '42',
      tables: ['a', 'b'],
      mode: 'safe',
      since: new Date('2026-01-01'),
    });
  });

  test('a value may hold equals signs', () => {
    expect(validate(['table=a=b=c'])).toMatchObject({ table: 'a=b=c' });
  });

  test('--param wins over --params, which wins over the environment, which wins over the default', () => {
    const env = { RETENTION_DAYS: '1' };
    expect(validate(['table=x'], [], env)).toMatchObject({ retentionDays: 1 });
    expect(validate(['table=x'], ['{"retentionDays":2}'], env)).toMatchObject({ retentionDays: 2 });
    expect(validate(['table=x', 'retentionDays=3'], ['{"retentionDays":2}'], env)).toMatchObject({ retentionDays: 3 });
    expect(validate(['table=x'])).toMatchObject({ retentionDays: 90 });
  });
});

describe('problems', () => {
  test('all of them are told at once, each by its name and none with its value', () => {
    const message = problem(() => validate(['retentionDays=many', 'mode=s3cret', 'tabel=x']));
    expect(message).toContain('cleanup has no parameter tabel; did you mean table?');
    expect(message).toContain('parameter retentionDays must be number, and is a string');
    expect(message).toContain('parameter mode must be ("fast" | "safe"), and is a string');
    expect(message).toContain('parameter table is missing');
    expect(message).not.toContain('s3cret');
    expect(message).not.toContain('many');
  });

  test.each([
    ['a=1.5', 'parameter a must be an integer'],
    ['a=0', 'parameter a must be >=1'],
    ['e=x', 'parameter e must be an email'],
    ['s=x', 'parameter s: must be nice'],
    ['c=x', 'parameter c is not valid'],
  ])('%s is refused in words: %s', (pair, words) => {
    const never = () => false;
    const schema = v.object({
      a: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
      e: v.optional(v.pipe(v.string(), v.email())),
      s: v.optional(v.pipe(v.string(), v.check(never, 'must be nice'))),
      c: v.optional(v.pipe(v.string(), v.check(never))),
    });
    expect(problem(() => validateParams(schema, readParams([], [pair]), {}, 'cleanup'))).toBe(
      `${words} (see run-job cleanup --help)`,
    );
  });

  test('a problem in the environment names the variable, and is no fault of whoever typed the command', () => {
    expect(problem(() => validate(['table=x'], [], { RETENTION_DAYS: 'many' }), ConfigError)).toContain(
      'environment variable RETENTION_DAYS must be number',
    );
    expect(problem(() => validate(['table=x', 'mode=slow'], [], { RETENTION_DAYS: 'many' }))).toContain(
      'RETENTION_DAYS',
    );
  });

  test.each([
    [['--params'], ['{"a":'], 'not valid JSON'],
    [['--params'], ['[1]'], 'must be a JSON object'],
    [['--params'], ['{}', '{}'], 'only once'],
  ])('%j of %j is refused: %s', (_, json, message) => {
    expect(problem(() => readParams(json, []))).toContain(message);
  });

  test.each([[['novalue']], [['=x']], [['a=1', 'a=2']]])('--param %j is refused', (pairs) => {
    expect(problem(() => readParams([], pairs))).toMatch(/^--param /);
  });

  test('more than 256 KiB of parameters are refused', () => {
    expect(problem(() => readParams([], [`a=${'x'.repeat(300 * 1024)}`]))).toContain('256 KiB');
  });

  test('a job without parameters takes none', () => {
    expect(problem(() => validateParams(undefined, readParams([], ['a=1']), {}, 'plain'))).toContain(
      'plain takes no parameters, and got a',
    );
  });
});

test('a parameter is described by its type, default, description and variable', () => {
  expect(describeParams(SCHEMA)).toMatchObject([
    {
      name: 'retentionDays',
      type: 'number',
      required: false,
      fallback: 90,
      description: 'How long rows are kept',
      env: 'RETENTION_DAYS',
    },
    { name: 'table', type: 'string', required: true },
    { name: 'tables', type: 'array', required: false },
    { name: 'mode', type: 'fast|safe', fallback: 'safe' },
    { name: 'since', type: 'string', required: false },
  ]);
});
