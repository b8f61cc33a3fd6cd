// Whatever stands in a variable or a flag, a run ends with 0, 64, 69 or 78, one sentence, no stack and no secret. A short draw; `npm run bench -- fuzz` draws more.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ENVIRONMENT } from '../../src/app/environment.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { runToEnd } from '../support/run-job.ts';
import { cases, wrongWith } from './odd-environment.ts';

const VARIABLES = Object.keys(ENVIRONMENT);

/** How the runs ended. */
const ends = new Set<number | null>();

test.for(cases(VARIABLES, 78, 40))('$name=$value', async ({ args, env }) => {
  const ended = await runToEnd(['noop', ...args], { env });
  ends.add(ended.exitCode);
  expect(wrongWith(ended), ended.stdout + ended.stderr).toBeUndefined();
});

describe('beside a database that lives', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createDatabase();
  });
  afterAll(() => database[Symbol.asyncDispose]());

  test.for(cases(VARIABLES, 40, 17, 'LIVES'))('$name=$value', async ({ args, env }) => {
    const url = env.DATABASE_URL === 'LIVES' ? database.url : env.DATABASE_URL;
    const ended = await runToEnd(['noop', ...args], { env: { ...env, DATABASE_URL: url } });
    ends.add(ended.exitCode);
    expect(wrongWith(ended), ended.stdout + ended.stderr).toBeUndefined();
  });
});

test('every way to end that the environment and the command line can lead to was among them', () => {
  expect([...ends].sort()).toEqual([0, 64, 69, 78]);
});
