// What can't be kept, or not in that way, is refused by a sentence that says what to do instead.
import { expect, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { runSlot } from './support.ts';

const misuse = (way: string, database: TestDatabase, env: Record<string, string> = {}, args: readonly string[] = []) =>
  runSlot(['misuses', ...args], { database, env: { WAY: way, ...env } });

test.for([
  ['bigint', 65, 'it holds a BigInt; keep it as text'],
  ['circular', 65, 'it refers to itself; keep plain data'],
  ['deep', 65, 'it is nested too deeply'],
  ['promise', 65, 'value.id is a promise that nobody awaited'],
  ['nothing', 1, 'was given none'],
  ['no_client', 1, "as its client what isn't one"],
  ['null_client', 1, "as its client what isn't one"],
  ['pool', 1, 'was given a pool as its client'],
  ['no_transaction', 1, 'a client in no transaction'],
  ['snapshot', 65, 'call checkpoint.load() before it begins'],
  ['step_passed_over', 65, 'step next began although step optional had failed'],
  ['step_within', 65, 'step inner began while step outer was not done'],
  ['step_without_await', 65, 'step second began while step first was not done'],
  ['step_of_nothing', 1, 'step first needs a function that does it'],
  ['step_circular', 65, 'step first returned what JSON can'],
] as const)('%s: %i', async ([way, exitCode, error]) => {
  await using database = await createDatabase();
  const { summary } = await misuse(way, database);
  expect(summary).toMatchObject({ status: 'failed', exitCode });
  expect(summary.error?.message).toContain(error);
});

test('a snapshot that was taken after the run had asked for its checkpoint can save', async () => {
  await using database = await createDatabase();
  expect((await misuse('loaded_snapshot', database)).summary).toMatchObject({ status: 'succeeded' });
});

test('the client of another database saves nothing, and no lock is said to be lost', async () => {
  await using database = await createDatabase();
  await using migrated = await createDatabase();
  await using bare = await createDatabase({ migrated: false });
  const inOther = await misuse('other_database', database, { OTHER_URL: migrated.url });
  expect(inOther.summary).toMatchObject({ status: 'failed', exitCode: 65 });
  expect(inOther.summary.error?.message).toContain('a transaction on the database of DATABASE_URL');
  const nowhere = await misuse('other_database', database, { OTHER_URL: bare.url });
  expect(nowhere.summary).toMatchObject({ status: 'failed', exitCode: 65 });
  expect(nowhere.summary.error?.message).toContain('the database of the client has no checkpoints');
});

test('a run that waits for a transaction of its own says so', async () => {
  await using database = await createDatabase();
  await using second = await createDatabase();
  const env = { WORKER_CONNECT_TIMEOUT_SECONDS: '2' };
  const ended = await Promise.all([
    misuse('saves_beside_its_transaction', database, env),
    misuse('loads_in_its_transaction', second, env),
  ]);
  for (const { summary } of ended) {
    expect(summary).toMatchObject({ status: 'unavailable', exitCode: 69 });
    expect(summary.error?.message).toContain('end it before you load, or save without client');
  }
});

test('a step that failed can be begun again', async () => {
  await using database = await createDatabase();
  expect((await misuse('step_again', database)).summary).toMatchObject({ status: 'succeeded', result: 3 });
});

test('a dry run goes on from what it would have saved, and saves nothing', async () => {
  await using database = await createDatabase();
  const { summary } = await misuse('dry', database, {}, ['--dry-run']);
  expect(summary).toMatchObject({ status: 'succeeded', result: { saved: { row: 1 }, again: 2 } });
  expect(await database.query('SELECT FROM run_job.checkpoints')).toEqual([]);
});

test.for(['UTF8', 'LATIN1', 'SQL_ASCII', 'EUC_JP'])('a database in %s keeps every character', async (encoding) => {
  await using database = await createDatabase({ encoding });
  const { runToEnd } = await import('../support/run-job.ts');
  await runToEnd(['migrate'], { database });
  expect((await misuse('characters', database)).exitCode).toBe(1);
  expect((await misuse('characters', database)).summary).toMatchObject({
    status: 'succeeded',
    result: { saved: true, result: true },
  });
});

test('a schema that is asynchronous is refused before it could pass for one without issues', async () => {
  await using database = await createDatabase();
  const { summary } = await runSlot(['async_schema'], { database });
  expect(summary).toMatchObject({ status: 'misconfigured', exitCode: 78 });
  expect(summary.error?.message).toMatch(
    /has params whose schema is asynchronous.*has checkpoint whose schema is async/,
  );
});
