// Names that every object has are names like any other.
import { expect, test } from 'vitest';
import { runToEnd } from '../support/run-job.ts';

test.for(['constructor', 'toString', '__proto__'])('%s is neither a command nor a job', async (name) => {
  const { exitCode, stdout, stderr } = await runToEnd([name]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 64, stderr: '' });
  expect(stdout).toContain(`There is no job or command named ${name}. Jobs: `);
});

test.for(['--constructor', '--toString=1', '--valueOf'])('%s is no flag', async (flag) => {
  const { exitCode, stdout } = await runToEnd(['noop', flag]);
  expect(exitCode).toBe(64);
  expect(stdout).toContain(`has no flag ${flag.split('=')[0]}`);
});
