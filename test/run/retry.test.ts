// A run tries again while that can help, and every attempt is told.
import { expect, test } from 'vitest';
import { expectAccounts } from '../support/accounts.ts';
import { createDatabase } from '../support/database.ts';
import { runToEnd } from '../support/run-job.ts';

/** Runs `flaky`, which may make three attempts, with these parameters. */
const flaky = (params: Record<string, unknown>, database: { url: string }) =>
  runToEnd(['flaky', '--params', JSON.stringify(params)], { database });

test('a later attempt that succeeds makes the run succeed, and each failed one is logged with its error', async () => {
  await using database = await createDatabase();
  const ended = await flaky({ succeedsAt: 3 }, database);
  const record = await expectAccounts(ended, database, { status: 'succeeded', exitCode: 0, attempts: 3 });
  expect(record?.result).toEqual({ attempt: 3 });
  const failures = ended.lines.filter(({ msg }) => /^attempt \d of 3 failed/.test(msg));
  expect(failures).toMatchObject([
    { level: 'warn', attempt: 1, error: { message: 'attempt 1 is plain' } },
    { level: 'warn', attempt: 2, error: { message: 'attempt 2 is plain' } },
  ]);
});

test('PermanentError ends the attempts', async () => {
  await using database = await createDatabase();
  const ended = await flaky({ kind: 'permanent' }, database);
  await expectAccounts(ended, database, { status: 'failed', exitCode: 65, attempts: 1, error: 'no attempt can help' });
});

test('an error that the job’s own predicate gives up on ends the attempts', async () => {
  await using database = await createDatabase();
  const ended = await flaky({ kind: 'hopeless' }, database);
  await expectAccounts(ended, database, { status: 'failed', exitCode: 1, attempts: 1, error: 'hopeless' });
});
