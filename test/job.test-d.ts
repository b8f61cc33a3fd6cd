import * as v from 'valibot';
import { expectTypeOf, test } from 'vitest';
import { defineJob, type NoParams, type PostgresPool, type RabbitMq } from '../src/index.ts';

test('a job without needs has neither postgres nor rabbitmq in its context', () => {
  defineJob({
    name: 'plain',
    description: 'needs nothing',
    run(context) {
      expectTypeOf(context).not.toHaveProperty('postgres');
      expectTypeOf(context).not.toHaveProperty('rabbitmq');
      expectTypeOf(context.params).toEqualTypeOf<NoParams>();
      expectTypeOf(context.signal).toEqualTypeOf<AbortSignal>();
    },
  });
});

test('a parameter that a job does not have is an error, also where it has none', () => {
  defineJob({
    name: 'plain',
    description: 'takes none',
    // @ts-expect-error: there is no such parameter
    run: ({ params }) => params.typo,
  });
  defineJob({
    name: 'one',
    description: 'takes one',
    params: v.object({ to: v.string() }),
    // @ts-expect-error: nor here
    run: ({ params }) => params.too,
  });
});

test('durations of several parts are durations', () => {
  defineJob({
    name: 'long',
    description: 'takes long',
    timeout: '1h30m',
    retry: { attempts: 2, baseDelay: '1m30s', maxDelay: '1d12h' },
    run: () => undefined,
  });
});

test('a need adds its own resource and no other', () => {
  defineJob({
    name: 'one',
    description: 'needs PostgreSQL',
    needs: ['postgres'],
    run(context) {
      expectTypeOf(context.postgres).toEqualTypeOf<PostgresPool>();
      expectTypeOf(context).not.toHaveProperty('rabbitmq');
    },
  });
  defineJob({
    name: 'both',
    description: 'needs both',
    needs: ['postgres', 'rabbitmq'],
    run(context) {
      expectTypeOf(context.postgres).toEqualTypeOf<PostgresPool>();
      expectTypeOf(context.rabbitmq).toEqualTypeOf<RabbitMq>();
    },
  });
});

test('a check is given what the job needs of PostgreSQL, and nothing else of it', () => {
  defineJob({
    name: 'checked',
    description: 'needs both',
    needs: ['postgres', 'rabbitmq'],
    check(context) {
      expectTypeOf(context.postgres).toEqualTypeOf<PostgresPool>();
      expectTypeOf(context).not.toHaveProperty('rabbitmq');
    },
    run() {},
  });
  defineJob({
    name: 'plain',
    description: 'needs nothing',
    check: (context) => void expectTypeOf(context).not.toHaveProperty('postgres'),
    run() {},
  });
});

test('params have the output type of the schema, not its input', () => {
  defineJob({
    name: 'with_params',
    description: 'converts',
    params: v.object({
      retentionDays: v.optional(v.number(), 90),
      since: v.pipe(
        v.string(),
        v.transform((text) => new Date(text)),
      ),
    }),
    run({ params }) {
      expectTypeOf(params).toEqualTypeOf<{ retentionDays: number; since: Date }>();
    },
  });
});

test('what is not a duration, a need or a schema is refused', () => {
  // @ts-expect-error: a unit is missing
  defineJob({ name: 'a', description: '', timeout: '30', run: () => undefined });
  // @ts-expect-error: no such need
  defineJob({ name: 'b', description: '', needs: ['mysql'], run: () => undefined });
  // @ts-expect-error: parameters are an object
  defineJob({ name: 'c', description: '', params: v.string(), run: () => undefined });
});
