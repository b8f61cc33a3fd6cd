// `npm run demo` with a flag that it doesn't have, and where something else has the port.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';

const demo = (...args: string[]) =>
  spawnSync(process.execPath, ['--no-warnings', 'deploy/demo/demo.ts', ...args], { encoding: 'utf8' });

test.each([
  ['--foo', 64, /^Unknown option '--foo'\. This is what there is:\nnpm run demo /],
  ['foo', 64, /^Unexpected argument 'foo'\. This is what there is:\n/],
  ['--help', 0, /^npm run demo [\s\S]*--keep[\s\S]*--console/],
])('%s: what there is, and no stack trace', (flag, code, said) => {
  const { status, stdout, stderr } = demo(flag);
  expect([status, stdout + stderr]).toEqual([code, expect.stringMatching(said)]);
  expect(stdout + stderr).not.toMatch(/^ +at /m);
});

test('a port that something else has: what to do, and no stack trace', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { status, stdout, stderr } = demo('--console', '--port', String((other.address() as AddressInfo).port));
  other.close();
  expect([status, stderr]).toEqual([1, expect.stringMatching(/choose another with --port/)]);
  expect(stdout).toContain('nothing is left behind');
  expect(stdout + stderr).not.toMatch(/^ +at /m);
}, 60_000);
