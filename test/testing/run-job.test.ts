// A job's own tests run it by `run-job/testing`, which tells what the executable would.
import { setTimeout as sleep } from 'node:timers/promises';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { defineJob, PermanentError, RetryableError, UnavailableError } from '../../src/index.ts';
import { runJob } from '../../src/testing/index.ts';
import { bindQueue, consume, EXCHANGE } from '../support/amqp.ts';
import { createDatabase } from '../support/database.ts';
import { testPool } from '../support/pool.ts';
import { createVhost } from '../support/vhost.ts';

const hello = defineJob({
  name: 'hello',
  description: 'Says hello',
  params: v.object({ to: v.optional(v.pipe(v.string(), v.metadata({ env: 'HELLO_TO' })), 'world') }),
  run({ params, log, count }) {
    log.info(`hello ${params.to}`, { password: 'swordfish' });
    count('greetings', 1);
    count('greetings', 2);
    return { greeted: params.to, at: new Date(0) };
  },
});

describe('a job that returns', () => {
  test('has succeeded, with its result as JSON, its log redacted, and its counts', async () => {
    const outcome = await runJob(hello, { params: { to: 'Ada' } });
    expect(outcome).toMatchObject({ status: 'succeeded', exitCode: 0, attempts: 1, counts: { greetings: 3 } });
    expect(outcome.result).toEqual({ greeted: 'Ada', at: '1970-01-01T00:00:00.000Z' });
    expect(outcome.log).toContainEqual({
      level: 'info',
      message: 'hello Ada',
      fields: { attempt: 1, password: '[redacted]' },
    });
  });

  test('takes its defaults from the environment that the test gives, and from no other', async () => {
    process.env.HELLO_TO = 'the process';
    try {
      expect((await runJob(hello)).result?.greeted).toBe('world');
      expect((await runJob(hello, { env: { HELLO_TO: 'the test' } })).result?.greeted).toBe('the test');
    } finally {
      delete process.env.HELLO_TO;
    }
  });

  test('is given the slot, the shard, the dry run and the past that the test says', async () => {
    const tells = defineJob({
      name: 'tells',
      description: 'Tells its context',
      run: async ({ scheduledAt, shard, dryRun, previousRuns }) => ({
        scheduledAt,
        shard,
        dryRun,
        previous: (await previousRuns(1)).map(({ runId }) => runId),
      }),
    });
    const previousRuns = ['second', 'first'].map((runId) => ({ runId, scheduledAt: new Date(0), result: 1 }));
    const { result } = await runJob(tells, {
      scheduledAt: '2026-11-23T02:00:00Z',
      shard: { index: 2, count: 3 },
      dryRun: true,
      previousRuns,
    });
    expect(result).toEqual({
      scheduledAt: '2026-11-23T02:00:00.000Z',
      shard: { index: 2, count: 3 },
      dryRun: true,
      previous: ['second'],
    });
  });
});

describe('a job that throws', () => {
  const failing = (errors: unknown[], attempts = 3) =>
    defineJob({
      name: 'failing',
      description: 'Throws each error once',
      retry: { attempts, baseDelay: '1h' },
      run() {
        if (errors.length > 0) throw errors.shift();
        return 'done';
      },
    });

  test('is tried again without waiting for the backoff', async () => {
    const outcome = await runJob(failing([new Error('one'), new Error('two')]));
    expect(outcome).toMatchObject({ status: 'succeeded', attempts: 3, result: 'done' });
    expect(outcome.log.filter(({ level }) => level === 'warn').map(({ message }) => message)).toEqual([
      'attempt 1 of 3 failed; the next one begins in 0ms',
      'attempt 2 of 3 failed; the next one begins in 0ms',
    ]);
  });

  test.each([
    [new Error('no'), 'failed', 1],
    [new PermanentError('never'), 'failed', 65],
    [new UnavailableError('gone'), 'unavailable', 69],
  ])('%s: ends as the executable would', async (error, status, exitCode) => {
    const outcome = await runJob(failing([error], 1));
    expect(outcome).toMatchObject({ status, exitCode, error: { message: error.message } });
  });

  test('and asks for a wait that the deadline has no room for: fails at once', async () => {
    const outcome = await runJob(failing([new RetryableError('busy', { retryAfter: '1h' })]), { timeout: '1m' });
    expect(outcome).toMatchObject({ status: 'failed', attempts: 1 });
  });
});

describe('a job that is asked to stop', () => {
  const waits = defineJob({
    name: 'waits',
    description: 'Waits until it is told to stop',
    run: ({ signal, log }) => {
      log.info('waiting');
      return sleep(60_000, 'slept', { signal });
    },
  });
  const hangs = defineJob({ name: 'hangs', description: 'Never ends', run: () => new Promise(() => undefined) });

  test('by its deadline: timed out', async () => {
    expect(await runJob(waits, { timeout: '20ms' })).toMatchObject({ status: 'timed_out', exitCode: 124 });
  });

  test('and doesn’t listen: abandoned after the grace', async () => {
    const outcome = await runJob(hangs, { timeout: '20ms', grace: '20ms' });
    expect(outcome).toMatchObject({ status: 'timed_out' });
    expect(JSON.stringify(outcome.error?.causes)).toContain('abandoned');
  });

  test('by the test’s own signal: interrupted', async () => {
    expect(await runJob(waits, { signal: AbortSignal.timeout(20) })).toMatchObject({
      status: 'interrupted',
      exitCode: 143,
    });
  });

  test('before it began: interrupted without an attempt', async () => {
    expect(await runJob(waits, { signal: AbortSignal.abort() })).toMatchObject({ status: 'interrupted', attempts: 0 });
  });
});

describe('what is wrong', () => {
  test('with the parameters: rejected, in the words of the command line', async () => {
    const outcome = await runJob(hello, { params: { to: 7 as never, too: 'x' } as never });
    expect(outcome).toMatchObject({ status: 'rejected', exitCode: 64, attempts: 0 });
    expect(outcome.error?.message).toContain('hello has no parameter too; did you mean to?');
  });

  test('with the environment: misconfigured', async () => {
    const outcome = await runJob(hello, { env: { WORKER_DEFAULT_TIMEOUT_SECONDS: 'soon' } });
    expect(outcome).toMatchObject({ status: 'misconfigured', exitCode: 78 });
  });

  test('with the job: misconfigured', async () => {
    expect(await runJob({ ...hello } as typeof hello)).toMatchObject({ status: 'misconfigured' });
    expect(await runJob(Object.assign(hello, { timeout: '30' as never }))).toMatchObject({ status: 'misconfigured' });
    Object.assign(hello, { timeout: undefined });
  });

  test('with the options: an error of the test', async () => {
    await expect(runJob(hello, { timeout: 'soon' as never })).rejects.toThrow('timeout must be a duration');
    await expect(runJob(hello, { scheduledAt: 'soon' })).rejects.toThrow('scheduledAt is no time');
    const needs = defineJob({ name: 'needs', description: '', needs: ['postgres'], run: () => undefined });
    await expect(runJob(needs)).rejects.toThrow('needs PostgreSQL: give runJob postgres');
  });
});

describe('a job that needs PostgreSQL', () => {
  const counts = defineJob({
    name: 'counts',
    description: 'Counts to one',
    needs: ['postgres'],
    run: async ({ postgres }) => (await postgres.query<{ one: number }>('select 1 as one')).rows[0]?.one,
  });

  test('gets a pool of the database at the URL, which is closed at the end', async () => {
    await using database = await createDatabase();
    expect(await runJob(counts, { postgres: database.url })).toMatchObject({ status: 'succeeded', result: 1 });
    // The server takes its time to notice that a connection is closed.
    const left = () =>
      database.query(
        "select from pg_stat_activity where datname = current_database() and application_name like '%counts%'",
      );
    await expect.poll(left).toEqual([]);
  });

  test('gets the fake that the test brings', async () => {
    expect((await runJob(counts, { postgres: { query: async () => ({ rows: [{ one: 11 }] }) } })).result).toBe(11);
  });

  const transfers = defineJob({
    name: 'transfers',
    description: 'Reads in a transaction',
    needs: ['postgres'],
    async run({ postgres, signal }) {
      const begun = await postgres.transaction(signal, { isolation: 'serializable' }, async (transaction) => {
        return (await transaction.query("select current_setting('transaction_isolation') as isolation")).rows;
      });
      const { rows } = await postgres.statement(signal, 'select 1 as one');
      return { begun, rows, meaning: postgres.failureOf({ code: '40P01' })?.kind };
    },
  });

  test('has the transactions of the contract, whether the test brings a pool or a fake with no more than query', async () => {
    await using database = await createDatabase();
    const pool = testPool({ connectionString: database.url });
    expect((await runJob(transfers, { postgres: pool })).result).toEqual({
      begun: [{ isolation: 'serializable' }],
      rows: [{ one: 1 }],
      meaning: 'contention',
    });
    await pool.end();
    const fake = Object.freeze({ query: async (text: string) => ({ rows: [text.split(' ')[0]] }) });
    expect((await runJob(transfers, { postgres: fake })).result).toEqual({
      begun: ['select'],
      rows: ['select'],
      meaning: 'contention',
    });
  });

  test('and has a URL at which nobody listens: unavailable', async () => {
    expect(await runJob(counts, { postgres: 'postgres://127.0.0.1:1/none' })).toMatchObject({ status: 'unavailable' });
  });
});

describe('a job that needs RabbitMQ', () => {
  const message = { routingKey: 'a.b', body: Buffer.from('hi'), messageId: 'm1', contentType: 'text/plain' };
  const publishes = defineJob({
    name: 'publishes',
    description: 'Publishes one message',
    needs: ['rabbitmq'],
    run: ({ rabbitmq }) => rabbitmq.publish(message),
  });

  test('tells the test what it published', async () => {
    expect((await runJob(publishes)).published).toEqual([message]);
  });

  test('can’t publish in a dry run', async () => {
    const outcome = await runJob(publishes, { dryRun: true });
    expect(outcome).toMatchObject({ status: 'failed', exitCode: 65, published: [] });
  });

  test('publishes to the broker at the URL', async () => {
    await using vhost = await createVhost();
    const queue = await bindQueue(vhost.url, EXCHANGE);
    const { status, published } = await runJob(publishes, {
      rabbitmq: vhost.url,
      env: { AMQP_EXCHANGE: EXCHANGE },
    });
    expect({ status, published }).toEqual({ status: 'succeeded', published: [] });
    await using consumer = await consume(vhost.url, queue);
    await consumer.reached(1);
    expect(consumer.ids()).toEqual(['m1']);
  });

  test('publishes to the fake that the test brings, and shares its failures', async () => {
    const down = { exchange: 'x', publish: () => Promise.reject(new UnavailableError('down')) };
    expect(await runJob(publishes, { rabbitmq: down })).toMatchObject({ status: 'unavailable', published: [] });
  });
});
