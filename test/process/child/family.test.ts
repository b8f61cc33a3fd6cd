import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { Family } from '../../../src/process/child/family.ts';

/** Forks and ends, and so does its child, a few thousand times: at every moment one of them lives. It leaves the session first, as a daemon does. */
const CHAIN = `
import os
if os.fork(): os._exit(0)
os.setsid()
os.write(1, b'began')
for _ in range(4000):
  if os.fork(): os._exit(0)
`;

test.runIf(process.platform === 'linux')('a process that forks and ends while it is looked for is found', async () => {
  const marker = `MARKER=${process.pid}`;
  const child = spawn('python3', ['-c', CHAIN], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH, MARKER: String(process.pid) },
  });
  const family = new Family(child.pid as number, marker);
  let over = false;
  child.stdout.once('end', () => {
    over = true;
  });
  await once(child.stdout, 'data');
  let looks = 0;
  let missed = 0;
  while (!over) {
    const found = family.members().length;
    // Whether the chain has ended is known a turn later.
    await new Promise((resolve) => setImmediate(resolve));
    if (over) break;
    looks += 1;
    if (found === 0) missed += 1;
  }
  expect(looks).toBeGreaterThan(50);
  expect(missed).toBe(0);
});
