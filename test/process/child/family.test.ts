import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { Family } from '../../../src/process/child/family.ts';
import { compileMisbehaves, noCompiler, processesWith } from '../../exec/support.ts';

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

test.skipIf(noCompiler)(
  'a process that becomes another program while it is looked for is not taken for gone',
  async () => {
    const marker = `MARKER=becomes-${process.pid}`;
    const env = { PATH: process.env.PATH, MARKER: `becomes-${process.pid}` };
    const daemon = spawn(compileMisbehaves(), ['becomes'], { detached: true, stdio: 'ignore', env });
    await once(daemon, 'exit');
    const leader = daemon.pid as number;
    let missed = 0;
    // Each time by somebody who hasn't seen it before.
    for (let look = 0; look < 300; look += 1) if (await new Family(leader, marker).gone(0)) missed += 1;
    expect(await new Family(leader, marker).kill()).toEqual([]);
    expect(missed).toBe(0);
    expect(processesWith(marker)).toEqual([]);
  },
);
