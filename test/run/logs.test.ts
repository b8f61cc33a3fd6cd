// What a run writes: one JSON object a line for machines, something to read for people, and the summary last.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { EXECUTABLE } from '../support/built.ts';
import { createDatabase } from '../support/database.ts';
import { FIXTURES, runToEnd } from '../support/run-job.ts';

const exec = promisify(execFile);

test('every line is a JSON object with time, level, msg, job and run id, and standard error stays empty', async () => {
  await using database = await createDatabase();
  const ended = await runToEnd(['flaky', '--param', 'succeedsAt=2'], { database });
  expect(ended.lines).toHaveLength(ended.stdout.trimEnd().split('\n').length);
  expect(ended.stderr).toBe('');
  const { runId } = ended.summary;
  for (const line of ended.lines) {
    expect(line).toMatchObject({ job: 'flaky', runId, level: expect.stringMatching(/^(debug|info|warn|error)$/) });
    expect(new Date(line.time as string).toISOString()).toBe(line.time);
  }
  expect(ended.lines.find(({ msg }) => msg.includes('failed'))).toMatchObject({ attempt: 1 });
});

test('the run’s id is a UUIDv7, so that records sort by time', async () => {
  const { summary } = await runToEnd(['noop']);
  expect(summary.runId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test('--log-level decides over LOG_LEVEL what is written', async () => {
  const levels = async (...args: string[]) => {
    const { lines } = await runToEnd(['throws', '--param', 'kind=error', ...args], { env: { LOG_LEVEL: 'error' } });
    return new Set(lines.map(({ level }) => level));
  };
  expect(await levels()).toEqual(new Set(['error']));
  expect(await levels('--log-level', 'debug')).toEqual(new Set(['debug', 'info', 'warn', 'error']));
});

test('on a terminal the log is for people, and ends with the outcome', async () => {
  // script(1) gives its command a terminal.
  const { stdout } = await exec('script', ['-qec', `"${process.execPath}" "${EXECUTABLE}" noop`, '/dev/null'], {
    env: { PATH: process.env.PATH, RUN_JOB_DIRS: FIXTURES, RUN_JOB_TERMINATION_LOG: '/dev/null', TERM: 'xterm' },
  });
  expect(stdout).toContain('run succeeded');
  expect(stdout).not.toMatch(/^\{/m);
});
