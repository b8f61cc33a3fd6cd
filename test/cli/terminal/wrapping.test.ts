// What people read on a terminal: no wider than 80 columns, and without colour where they want none.
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { COMMANDS } from '../../../src/cli/commands/index.ts';
import { EXECUTABLE } from '../../support/built.ts';
import { findProgram } from '../../support/install.ts';
import { runToEnd } from '../../support/run-job.ts';

test.each([[], ...Object.keys(COMMANDS).map((name) => [name]), ['noop'], ['takes_params']])(
  'the help of run-job %s is at most 80 columns wide',
  async (...words) => {
    const { stdout, exitCode } = await runToEnd([...words, '--help']);
    expect(exitCode).toBe(0);
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  },
);

test.runIf(findProgram('script'))('on a terminal, what is wrong is told in whole words of at most 80 columns', () => {
  const command = `${process.execPath} ${EXECUTABLE} history --status sleeping`;
  const { stdout } = spawnSync('script', ['-qec', command, '/dev/null'], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH },
  });
  const lines = stdout.trim().split('\r\n');
  expect(lines.length).toBeGreaterThan(1);
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
  expect(lines.join(' ')).toMatch(/^run-job: --status must be one of running, .*, missed$/);
});

test('NO_COLOR takes the colours out of the log', async () => {
  const args = ['noop', '--log-format', 'pretty'];
  const plain = await runToEnd(args, { env: { NO_COLOR: '1', FORCE_COLOR: undefined } });
  expect(plain.stdout).toContain('run succeeded');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
  expect(plain.stdout).not.toMatch(/\u001b\[/);
});
