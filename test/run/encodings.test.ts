// A database whose encoding lacks a character costs that character, and neither the run nor its record.
import { expect, test } from 'vitest';
import { expectAccounts } from '../support/accounts.ts';
import { createDatabase } from '../support/database.ts';
import { runToEnd } from '../support/run-job.ts';

test.for(['LATIN1', 'EUC_JP'])(
  '%s: what the run was given, how it failed and what it returned are recorded',
  async (encoding) => {
    await using database = await createDatabase({ encoding });
    await runToEnd(['migrate'], { database });
    const failed = await runToEnd(['throws', '--param', 'kind=characters'], { database });
    expect(failed.summary.error?.message).toBe('kaputt: ü ж 日 😀');
    const [record] = await database.query('select status, exit_code, error from run_job.runs');
    expect(record).toMatchObject({ status: 'failed', exit_code: 1 });
    expect(record?.error.message).toBe('kaputt: <U+FC> <U+436> <U+65E5> <U+1F600>');

    const given = await runToEnd(['takes_params', '--param', 'name=😀', '--param', 'tables=["日"]'], { database });
    expect(given.summary).toMatchObject({ status: 'succeeded', result: { name: '😀', tables: ['日'] } });
    const [second] = await database.query(`select * from run_job.runs where job = 'takes_params'`);
    const told = { name: '<U+1F600>', tables: ['<U+65E5>'] };
    expect(second).toMatchObject({ status: 'succeeded', exit_code: 0, params: told, result: told });
  },
);

test('what the encoding has is recorded as it is', async () => {
  await using database = await createDatabase({ encoding: 'LATIN1' });
  await runToEnd(['migrate'], { database });
  const ended = await runToEnd(['takes_params', '--param', 'name=Müller'], { database });
  const record = await expectAccounts(ended, database, { status: 'succeeded', exitCode: 0, attempts: 1 });
  expect(record).toMatchObject({ params: { name: 'Müller' }, result: { name: 'Müller' } });
});
