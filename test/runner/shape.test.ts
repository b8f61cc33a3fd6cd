// Where a value doesn't fit is told by the names of its schema: the value's own keys are data.
import * as v from 'valibot';
import { expect, test } from 'vitest';
import { problemIn } from '../../src/runner/shape.ts';

const counts = v.record(v.string(), v.tuple([v.number(), v.number()]));

test.for([
  ['an entry', v.object({ lastId: v.number() }), { lastId: 'x' }, 'at lastId, where it needs number'],
  ['the top', v.number(), 'x', 'at its top, where it needs number'],
  [
    'a list',
    v.object({ a: v.array(v.object({ b: v.number() })) }),
    { a: [{ b: 'x' }] },
    'at a.0.b, where it needs number',
  ],
  ['a record', v.object({ counts }), { counts: { 'a@b.example': [1, 'x'] } }, 'at counts.…, where it needs number'],
  [
    'optional',
    v.object({ a: v.optional(v.object({ b: v.number() })) }),
    { a: { b: 'x' } },
    'at a.b, where it needs number',
  ],
  [
    'a pipe',
    v.object({ at: v.pipe(v.object({ t: v.pipe(v.string(), v.isoTimestamp()) }), v.readonly()) }),
    { at: { t: 'x' } },
    'at at.t, where it needs another value',
  ],
  [
    'a variant',
    v.variant('kind', [v.object({ kind: v.literal('a'), n: v.number() }), v.object({ kind: v.literal('b') })]),
    { kind: 'a', n: 'x' },
    'at n, where it needs number',
  ],
  ['what fits', counts, { x: [1, 2] }, undefined],
] as const)('%s', ([_, schema, value, problem]) => {
  expect(problemIn(schema as v.GenericSchema, value)).toBe(problem);
});
