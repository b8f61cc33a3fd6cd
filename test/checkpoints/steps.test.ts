// A step is done once in a slot, in its place.
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { runSlot } from './support.ts';

const TABLE = 'CREATE TABLE done (name text NOT NULL, run_id uuid NOT NULL)';
const steps = (database: TestDatabase | undefined, env: Record<string, string> = {}, args: readonly string[] = []) =>
  runSlot(['does_steps', ...args], { database, env });
const done = async (database: TestDatabase) =>
  (await database.query<{ name: string }>('SELECT name FROM done')).map(({ name }) => name);

const result = (name: string) => ({ name, at: '2026-01-01T00:00:00.000Z' });

test('a step that was done by an earlier run is not done again, and gives what it gave', async () => {
  await using database = await createDatabase();
  await database.query(TABLE);
  const calls = join(mkdtempSync(join(inject('scratchFolder'), 'steps-')), 'calls');
  writeFileSync(calls, '');
  const failed = await steps(database, { FAIL_STEP: 'third', CALLS_FILE: calls });
  expect(failed.summary).toMatchObject({ status: 'failed', exitCode: 1 });
  expect(await done(database)).toEqual(['first', 'second']);
  const ended = await steps(database, { CALLS_FILE: calls });
  expect(ended.summary).toMatchObject({ status: 'succeeded', result: ['first', 'second', 'third'].map(result) });
  expect(await done(database)).toEqual(['first', 'second', 'third']);
  expect(readFileSync(calls, 'utf8').trim().split('\n')).toEqual(['first', 'second', 'third', 'third']);
  expect(await database.query('SELECT FROM run_job.checkpoints')).toEqual([]);
});

test.for([
  ['another order', 'second,first', /step 1 of this slot was first when run [0-9a-f-]+ did it, and is second now/],
  ['another name', 'first,2nd,third', /step 2 of this slot was second when .* and is 2nd now/],
  ['a name twice', 'first,first', /two steps of this job are named first/],
] as const)('%s in mid-slot is an error that names them', async ([_, names, error]) => {
  await using database = await createDatabase();
  await database.query(TABLE);
  await steps(database, { FAIL_STEP: 'third' });
  const { summary } = await steps(database, { STEPS: names });
  expect(summary).toMatchObject({ status: 'failed', exitCode: 65 });
  expect(summary.error?.message).toMatch(error);
  expect(await done(database)).toEqual(['first', 'second']);
  expect((await steps(database, { STEPS: names.replace('first,first', 'first') }, ['--restart'])).exitCode).toBe(0);
});
