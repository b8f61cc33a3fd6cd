// Programs in job files: `defineCommand`, and `ctx.exec` in a job in TypeScript.
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { runJob as runInTest } from '../../src/testing/index.ts';
import { expectAccounts } from '../support/accounts.ts';
import { createDatabase } from '../support/database.ts';
import { type Ended, type RunOptions, runJob, runToEnd } from '../support/run-job.ts';
import countsWords from './fixtures/jobs/counts_words.ts';
import { linesOf, processesWith } from './support.ts';

const JOBS = { RUN_JOB_DIRS: fileURLToPath(new URL('fixtures/jobs', import.meta.url)) };

const run = (args: readonly string[], options: RunOptions = {}): Promise<Ended> =>
  runToEnd(args, { ...options, env: { ...JOBS, ...options.env } });

test('a command is found, listed and explained like any other job', async () => {
  const listed = JSON.parse((await run(['list', '--json'])).stdout) as { name: string }[];
  expect(listed.find(({ name }) => name === 'counts_words')).toMatchObject({ timeout: '30s', attempts: 2, needs: [] });
  const { stdout } = await run(['counts_words', '--help']);
  expect(stdout).toContain('Counts words by a program');
  expect(stdout).toContain('text');
});

test('a command runs with its parameters, environment and exit codes, and is recorded with its program’s end', async () => {
  await using database = await createDatabase();
  const ended = await run(['counts_words', '--param', 'text=a b c d', '--param', 'code=24'], { database });
  expect(linesOf(ended).map(({ msg }) => msg)).toEqual(['hello a b c d']);
  const record = await expectAccounts(ended, database, { status: 'succeeded', exitCode: 0, attempts: 1 });
  expect(record).toMatchObject({ result: { words: 4 }, program: { exitCode: 24, signal: null } });
  const failed = await run(['counts_words', '--param', 'code=5'], { database });
  await expectAccounts(failed, database, { status: 'failed', exitCode: 1, attempts: 2, error: 'exit code 5' });
});

test('a command can be tested as any job, by its program or by a stand-in', async () => {
  expect(await runInTest(countsWords, { params: { text: 'x y' } })).toMatchObject({
    status: 'succeeded',
    result: { words: 2 },
  });
  const calls: unknown[] = [];
  const exec = async (program: string, args: readonly string[] = []) => {
    calls.push([program, args.at(-2)]);
    return { exitCode: 0, stdout: '', result: { words: 7 } };
  };
  expect(await runInTest(countsWords, { exec })).toMatchObject({ result: { words: 7 } });
  expect(calls).toEqual([['sh', 'one two three']]);
});

test.each([
  ['collects', { status: 'succeeded', exitCode: 0, result: { stdout: 'given' } }],
  ['catches', { status: 'succeeded', exitCode: 0, result: { caught: true, exitCode: 3, code: 'ERR_RUN_JOB_PROGRAM' } }],
  ['throws', { status: 'unavailable', exitCode: 69 }],
  ['aborts', { status: 'succeeded', exitCode: 0, result: { same: true } }],
] as const)('ctx.exec: a job that %s', async (how, expected) => {
  const ended = await run(['runs_programs', '--param', `how=${how}`]);
  expect(ended.summary, ended.stdout).toMatchObject(expected);
  expect(ended.summary).not.toHaveProperty('program');
});

test('a program that the job didn’t wait for is dead when the run is over, which has not succeeded', async () => {
  const mark = 'TEST_MARK=forgets';
  const ended = await run(['runs_programs', '--param', 'how=forgets'], { env: { TEST_MARK: 'forgets' } });
  const error = { message: expect.stringContaining('program sleep was still running') };
  expect(ended.summary).toMatchObject({ status: 'failed', exitCode: 65, result: 'done', error });
  expect(processesWith(mark)).toEqual([]);
});

test('when the watchdog kills a job that blocks, its programs die too', async () => {
  const env = { ...JOBS, TEST_MARK: 'blocks', WORKER_SHUTDOWN_TIMEOUT_SECONDS: '1' };
  const running = runJob(['runs_programs', '--param', 'how=blocks', '--timeout', '6s'], { env });
  await running.waitForLine(({ msg }) => msg === 'blocking');
  expect(processesWith('TEST_MARK=blocks').length).toBeGreaterThan(1);
  expect(await running.done).toMatchObject({ signal: 'SIGKILL' });
  for (let waited = 0; waited < 2_000 && processesWith('TEST_MARK=blocks').length > 0; waited += 50) await sleep(50);
  expect(processesWith('TEST_MARK=blocks')).toEqual([]);
});
