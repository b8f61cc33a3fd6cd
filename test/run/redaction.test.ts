// No secret is logged, recorded or left in the termination message.
import { expect, test } from 'vitest';
import { expectAccounts, readRecords } from '../support/accounts.ts';
import { createDatabase } from '../support/database.ts';
import { type RunOptions, runToEnd } from '../support/run-job.ts';

const SECRET = 'hunter2-Kq81zz';

/** Everything that a run of `tells_secrets` with these arguments leaves anywhere, as one text. */
async function traces(args: readonly string[], options: RunOptions): Promise<string> {
  await using database = await createDatabase();
  const ended = await runToEnd(['tells_secrets', ...args], { ...options, database });
  const status = args.includes('fails=true')
    ? ({ status: 'failed', exitCode: 1, error: /./ } as const)
    : ({ status: 'succeeded', exitCode: 0 } as const);
  await expectAccounts(ended, database, status);
  const text = [
    ended.stdout,
    ended.stderr,
    JSON.stringify(ended.termination),
    JSON.stringify(await readRecords(database)),
  ].join('\n');
  expect(text).toContain('[redacted]');
  return text;
}

test('a parameter that is named like a secret: in log lines, progress, the result and the record', async () => {
  expect(await traces(['--param', `apiToken=${SECRET}`], {})).not.toContain(SECRET);
});

test('in an error, its cause and its stack', async () => {
  expect(await traces(['--param', `apiToken=${SECRET}`, '--param', 'fails=true'], {})).not.toContain(SECRET);
});

test('the value of a variable that is named like a secret, wherever it stands', async () => {
  await using database = await createDatabase();
  const ended = await runToEnd(['takes_params', '--param', `name=${SECRET}`], {
    database,
    env: { BANK_API_KEY: SECRET },
  });
  expect(
    [ended.stdout, JSON.stringify(ended.termination), JSON.stringify(await readRecords(database))].join(),
  ).not.toContain(SECRET);
});

test('what merely looks like a word of a secret stays', async () => {
  const ended = await runToEnd(['takes_params', '--param', 'name=tokens of gratitude']);
  expect(ended.summary.result).toMatchObject({ name: 'tokens of gratitude' });
});
