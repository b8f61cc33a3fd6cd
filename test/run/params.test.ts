// Parameters are what the job's schema takes, or the run is rejected with one sentence that names what is wrong.
import { expect, test } from 'vitest';
import { expectAccounts } from '../support/accounts.ts';
import { createDatabase } from '../support/database.ts';
import { type RunOptions, runToEnd } from '../support/run-job.ts';

const run = (args: readonly string[], options?: RunOptions) => runToEnd(['takes_params', ...args], options);

/** Runs `takes_params` with these arguments, which must be rejected with this message. */
async function rejected(args: readonly string[], error: string | RegExp): Promise<string> {
  await using database = await createDatabase();
  const ended = await run(args, { database });
  await expectAccounts(ended, database, { status: 'rejected', exitCode: 64, attempts: 0, error });
  return ended.stdout + ended.stderr;
}

test('a value is text where the schema takes text, else JSON', async () => {
  const args = ['days=30', 'tables=["a","b"]', 'name=30', 'verbose=true'].flatMap((pair) => ['--param', pair]);
  const ended = await run(args);
  expect(ended.summary.result).toEqual({ days: 30, tables: ['a', 'b'], name: '30', verbose: true });
});

test('--param goes before --params, and that before the environment', async () => {
  const env = { FIXTURE_DAYS: '3' };
  const days = async (...args: string[]) => (await run(args, { env })).summary.result;
  expect(await days()).toMatchObject({ days: 3 });
  expect(await days('--params', '{"days":2}')).toMatchObject({ days: 2 });
  expect(await days('--params', '{"days":2}', '--param', 'days=1')).toMatchObject({ days: 1 });
});

test('the parameters are recorded', async () => {
  await using database = await createDatabase();
  const ended = await run(['--param', 'days=7'], { database });
  const record = await expectAccounts(ended, database, { status: 'succeeded', exitCode: 0 });
  expect(record?.params).toMatchObject({ days: 7 });
});

test('of the wrong type: rejected, and the value is not shown', async () => {
  expect(await rejected(['--param', 'days=tomorrow-9f3b'], 'days must be number')).not.toMatch(/must be.*9f3b/);
});

test('out of range: rejected', async () => {
  await rejected(['--param', 'days=0'], 'days');
});

test('unknown: rejected, and the nearest name is suggested', async () => {
  await rejected(['--param', 'dayz=3'], /dayz.*days/);
  await rejected(['--params', '{"dayz":3}'], /dayz.*days/);
});

test('malformed JSON: rejected, and the text is not shown', async () => {
  expect(await rejected(['--params', '{"days": 9f3b'], 'not valid JSON')).not.toContain('9f3b');
});

test('JSON that is no object: rejected', async () => {
  await rejected(['--params', '[1]'], 'JSON object');
  await rejected(['--params', 'null'], 'JSON object');
});

test('a pair without a name or without a value: rejected', async () => {
  await rejected(['--param', 'days'], 'key=value');
  await rejected(['--param', '=3'], 'key=value');
});

test('given twice: rejected', async () => {
  await rejected(['--param', 'days=1', '--param', 'days=2'], 'twice');
});

test('names that mean something to JavaScript: rejected like any other unknown one', async () => {
  await rejected(['--params', '{"__proto__":{"days":1}}'], '__proto__');
  await rejected(['--param', 'constructor=1'], 'constructor');
});

test('one megabyte of them: rejected with a remedy', async () => {
  // Linux takes no single argument of more than 128 KiB.
  const args = Array.from({ length: 11 }, (_, index) => ['--param', `p${index}=${'x'.repeat(100_000)}`]).flat();
  await rejected(args, /KiB.*file/);
});

test('a hundred kilobytes of them are fine', async () => {
  await using database = await createDatabase();
  const ended = await run(['--param', `name=${'x'.repeat(100_000)}`], { database });
  const record = await expectAccounts(ended, database, { status: 'succeeded', exitCode: 0 });
  expect(record?.params).toMatchObject({ name: expect.stringMatching(/^x+/) });
});

test('a job without parameters takes none', async () => {
  const ended = await runToEnd(['noop', '--param', 'days=1']);
  await expectAccounts(ended, undefined, { status: 'rejected', exitCode: 64, error: 'noop takes no parameters' });
});

test('a variable that sets a parameter, and is garbled: misconfigured, since nobody typed it', async () => {
  await using database = await createDatabase();
  const ended = await run([], { database, env: { FIXTURE_DAYS: 'garbled-9f3b' } });
  await expectAccounts(ended, database, { status: 'misconfigured', exitCode: 78, error: 'FIXTURE_DAYS' });
  expect(ended.stdout).not.toContain('9f3b');
});

test.for([
  ['--param', 'days=1e400'],
  ['--param', 'days=9007199254740993'],
  ['--params', '{"days":1e400}'],
  ['--params', '{"days":1,"days":2}'],
] as const)('%s %s: rejected, in one sentence that quotes nothing', async (args) => {
  const ended = await runToEnd(['takes_params', ...args]);
  await expectAccounts(ended, undefined, { status: 'rejected', exitCode: 64, error: /exactly|twice/ });
  expect(ended.summary.error?.message).not.toMatch(/1e400|993/);
});

test('database_cleanup with a retention of nothing: rejected before it looks at a table', async () => {
  await using database = await createDatabase();
  const ended = await runToEnd(['database_cleanup', '--param', 'retentionDays=0'], { database });
  const error = 'retentionDays: must be more than 0: every soft-deleted row would be deleted at once';
  await expectAccounts(ended, database, { status: 'rejected', exitCode: 64, error });
});
