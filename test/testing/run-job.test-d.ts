import * as v from 'valibot';
import { expectTypeOf, test } from 'vitest';
import { defineJob } from '../../src/index.ts';
import { type PlainResult, runJob } from '../../src/testing/index.ts';

const job = defineJob({
  name: 'typed',
  description: '',
  params: v.object({ days: v.optional(v.pipe(v.string(), v.transform(Number)), '1') }),
  run: async ({ params }) => ({ days: params.days, at: new Date(), rows: [1n] }),
});

test('params have the input type of the schema, and the result that of the job, as JSON', async () => {
  const { result } = await runJob(job, { params: { days: '2' } });
  expectTypeOf(result).toEqualTypeOf<{ days: number; at: string; rows: string[] } | undefined>();
  // @ts-expect-error: the schema takes text
  await runJob(job, { params: { days: 2 } });
});

test('a job without a schema takes no params', () => {
  const plain = defineJob({ name: 'plain', description: '', run: () => undefined });
  // @ts-expect-error: it takes none
  void runJob(plain, { params: { days: '2' } });
});

test('what JSON changes is changed in the type', () => {
  expectTypeOf<PlainResult<{ when: Date; all: readonly bigint[]; any: unknown }>>().toEqualTypeOf<{
    when: string;
    all: string[];
    any: unknown;
  }>();
});
