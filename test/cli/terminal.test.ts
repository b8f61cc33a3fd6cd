// What people read on a terminal: no wider than 80 columns, and without colour where they want none.
import { expect, test } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.ts';
import { runToEnd } from '../support/run-job.ts';

test.each([[], ...Object.keys(COMMANDS).map((name) => [name]), ['noop'], ['takes_params']])(
  'the help of run-job %s is at most 80 columns wide',
  async (...words) => {
    const { stdout, exitCode } = await runToEnd([...words, '--help']);
    expect(exitCode).toBe(0);
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  },
);

test('NO_COLOR takes the colours out of the log', async () => {
  const args = ['noop', '--log-format', 'pretty'];
  const plain = await runToEnd(args, { env: { NO_COLOR: '1', FORCE_COLOR: undefined } });
  expect(plain.stdout).toContain('run succeeded');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
  expect(plain.stdout).not.toMatch(/\u001b\[/);
});
