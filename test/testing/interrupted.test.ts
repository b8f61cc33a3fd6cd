// `runJob.interrupted` finds the job that doesn't go on where it was, and passes the one that does.
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ContinueError, defineJob } from '../../src/index.ts';
import { runJob } from '../../src/testing/index.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { testPool } from '../support/pool.ts';

const cursor = v.object({ lastId: v.number() });

/** Copies ten rows; each with its cursor in one transaction, or the cursor after the row. */
const copies = (together: boolean, batches = Number.POSITIVE_INFINITY) =>
  defineJob({
    name: 'copies',
    description: 'Copies rows',
    checkpoint: cursor,
    needs: ['postgres'],
    async run({ postgres, checkpoint, signal }) {
      let { lastId } = (await checkpoint.load()) ?? { lastId: 0 };
      for (let batch = 0; lastId < 10; batch += 1) {
        if (batch === batches) throw new ContinueError();
        lastId += 1;
        await postgres.transaction(signal, {}, async (client) => {
          await client.query('INSERT INTO target VALUES ($1)', [lastId]);
          if (together) await checkpoint.save({ lastId }, { client });
        });
        if (!together) await checkpoint.save({ lastId });
      }
    },
  });

describe('with a real database', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createDatabase({ migrated: false });
    await database.query('CREATE TABLE target (id integer)');
  });
  afterAll(() => database[Symbol.asyncDispose]());
  const compared = () => ({
    begin: () => database.query('TRUNCATE target'),
    state: () => database.query('SELECT id FROM target ORDER BY id'),
  });

  test('work and checkpoint in one transaction: wherever it is killed, each row is there once', async () => {
    expect(await runJob.interrupted(copies(true), { postgres: database.url, ...compared() })).toEqual({
      saves: 10,
      kills: 21,
    });
    expect(await database.query('SELECT id FROM target')).toHaveLength(10);
  });

  test('a pool of the test’s own is as good, and is left as it was', async () => {
    const pool = testPool({ connectionString: database.url, max: 2 });
    try {
      const { kills } = await runJob.interrupted(copies(true), { postgres: pool, most: 6, ...compared() });
      expect(kills).toBe(5);
      expect((await pool.query('SELECT count(*)::integer AS count FROM target')).rows).toEqual([{ count: 10 }]);
    } finally {
      await pool.end();
    }
  });

  test('a job that asks for new pods is run on', async () => {
    const { saves } = await runJob.interrupted(copies(true, 3), { postgres: database.url, most: 8, ...compared() });
    expect(saves).toBe(10);
  });

  test('a checkpoint after the work does it twice, and is found', async () => {
    await expect(runJob.interrupted(copies(false), { postgres: database.url, ...compared() })).rejects.toThrow(
      /Killed right before save 1, the job ended with another state/,
    );
  });

  test('a rollback takes back what was saved in it', async () => {
    const job = defineJob({
      name: 'rolls_back',
      description: 'Rolls back',
      checkpoint: cursor,
      needs: ['postgres'],
      async run({ postgres, checkpoint, signal }) {
        await checkpoint.save({ lastId: 1 });
        const rolledBack = postgres.transaction(signal, {}, async (client) => {
          await checkpoint.save({ lastId: 2 }, { client });
          throw new Error('as it was told');
        });
        await rolledBack.catch(() => undefined);
        return checkpoint.load();
      },
    });
    const { result, saved } = await runJob(job, { postgres: database.url });
    expect({ result, saved }).toEqual({ result: { lastId: 1 }, saved: { checkpoint: { lastId: 1 }, steps: [] } });
  });
});

test('what an earlier run saved is given to the next, and steps are not done again', async () => {
  const done: string[] = [];
  const job = defineJob({
    name: 'steps',
    description: 'Does two steps',
    async run({ step, attempt }) {
      const first = await step('first', () => done.push('first'));
      if (done.length < 2) throw new ContinueError(`attempt ${attempt}`);
      return first;
    },
  });
  const first = await runJob(job);
  expect(first).toMatchObject({ status: 'continued', exitCode: 80, saved: { steps: [{ name: 'first', result: 1 }] } });
  done.push('between');
  const second = await runJob(job, { saved: first.saved });
  expect(second).toMatchObject({ status: 'succeeded', result: 1 });
  expect(done).toEqual(['first', 'between']);
});

test('a step that was committed although nobody heard so is not done again in the same attempt either', async () => {
  let done = 0;
  let answers = 0;
  const postgres = {
    query: async () => ({ rows: [] }),
    async transaction(_signal: AbortSignal, _options: unknown, work: (client: unknown) => Promise<unknown>) {
      const result = await work({ query: async () => ({ rows: [] }) });
      answers += 1;
      if (answers === 1) throw new Error('the answer to COMMIT is lost');
      return result;
    },
  };
  const job = defineJob({
    name: 'again',
    description: 'Does a step until it is done',
    needs: ['postgres'],
    async run({ step }) {
      const transfer = () =>
        step('transfer', async (_client) => {
          done += 1;
          return done;
        });
      return transfer().catch(transfer);
    },
  });
  expect(await runJob(job, { postgres })).toMatchObject({ status: 'succeeded', result: 1 });
  expect(done).toBe(1);
});

test('what a job does behind its last save, and would do again, is found', async () => {
  const sent: string[] = [];
  const job = defineJob({
    name: 'announces',
    description: 'Counts, and says so',
    checkpoint: cursor,
    async run({ checkpoint }) {
      await checkpoint.save({ lastId: 1 });
      sent.push('done');
    },
  });
  const begin = () => {
    sent.length = 0;
  };
  await expect(runJob.interrupted(job, { begin, state: () => sent })).rejects.toThrow(
    /Killed when it had returned, before its success was known, the job ended with another state/,
  );
});

test('a job that saves nothing has nothing to be interrupted at', async () => {
  const job = defineJob({ name: 'nothing', description: 'Does nothing', run: () => 1 });
  await expect(runJob.interrupted(job, { begin: () => 0, state: () => 0 })).rejects.toThrow(/saves no checkpoint/);
});

describe('what could find nothing is refused, and says so', () => {
  const written: number[] = [];
  /** Never looks at what was saved. */
  const startsAnew = defineJob({
    name: 'starts_anew',
    description: 'Writes three numbers',
    checkpoint: cursor,
    async run({ checkpoint }) {
      for (const lastId of [1, 2, 3]) {
        written.push(lastId);
        await checkpoint.save({ lastId });
      }
    },
  });
  const begin = () => {
    written.length = 0;
  };

  test('the very list that the job writes to is compared as it was', async () => {
    const found = /Killed right before save 1, the job ended with another state/;
    await expect(runJob.interrupted(startsAnew, { begin, state: () => written })).rejects.toThrow(found);
    await expect(runJob.interrupted(startsAnew, { begin, state: () => ({ written }) })).rejects.toThrow(found);
  });

  test.for([
    ['nothing', (): unknown => undefined],
    ['what the job does not change', (): unknown => ({ rows: 0 })],
  ] as const)('a state that is %s', async ([_, state]) => {
    await expect(runJob.interrupted(startsAnew, { begin, state })).rejects.toThrow(
      /the same before the first run and after/,
    );
  });

  test('a state that is no data', async () => {
    const state = () => ({ written, read: () => written });
    await expect(runJob.interrupted(startsAnew, { begin, state })).rejects.toThrow(/return plain data/);
  });

  test('a job that is never killed, since only its first run saves', async () => {
    let runs = 0;
    const once = defineJob({
      name: 'once',
      description: 'Saves in its first run',
      checkpoint: cursor,
      async run({ checkpoint }) {
        runs += 1;
        written.push(1);
        if (runs === 1) await checkpoint.save({ lastId: 1 });
      },
    });
    await expect(runJob.interrupted(once, { begin, state: () => written })).rejects.toThrow(/was not killed once/);
  });

  test('a state that can not be read before the first run is another one', async () => {
    const job = defineJob({
      name: 'goes_on',
      description: 'Writes two numbers',
      async run({ step }) {
        for (const lastId of [1, 2])
          await step(`write ${lastId}`, () => new Set(written).has(lastId) || written.push(lastId));
      },
    });
    const state = (): number[] => {
      if (written.length === 0) throw new Error('there is nothing yet');
      return written;
    };
    expect(await runJob.interrupted(job, { begin, state })).toEqual({ saves: 2, kills: 5 });
  });
});
