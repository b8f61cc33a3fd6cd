import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Family } from '../../../src/process/child/family.ts';
import { readStat } from '../../../src/process/child/proc.ts';
import { compileMisbehaves, lives, noCompiler, processesWith } from '../../exec/support.ts';

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

test.skipIf(noCompiler).each([
  ['whose first thread has ended', 'loses_first_thread'],
  ['that is told only by its parent, which ends first', 'clears_environment'],
])('a process %s is found', async (_, what) => {
  const marker = `MARKER=${what}-${process.pid}`;
  const env = { PATH: process.env.PATH, MARKER: `${what}-${process.pid}` };
  const child = spawn(compileMisbehaves(), [what], { detached: true, stdio: ['ignore', 'pipe', 'inherit'], env });
  const family = new Family(child.pid as number, marker);
  const exit = once(child, 'exit');
  const hidden = Number(String((await once(child.stdout, 'data'))[0]).split(' ')[1]);
  family.ask();
  await exit;
  expect(lives(hidden)).toBe(true);
  expect(family.members().map(({ pid }) => pid)).toContain(hidden);
  expect(await family.kill()).toEqual([]);
  expect(lives(hidden)).toBe(false);
});

test.runIf(process.platform === 'linux')('a member with a smaller pid is found: pids begin anew', async () => {
  const MARKER = `smaller-${process.pid}`;
  const start = () =>
    spawn('sleep', ['1000'], { detached: true, stdio: 'ignore', env: { PATH: process.env.PATH, MARKER } });
  // Both began in the same tick, so that the one with the smaller pid doesn't seem to be older, as it would be without a pid given twice.
  for (;;) {
    const [smaller, leader] = [start(), start()].sort((one, other) => Number(one.pid) - Number(other.pid));
    const pids = [smaller?.pid as number, leader?.pid as number] as const;
    if (readStat(pids[0])?.start === readStat(pids[1])?.start) {
      const family = new Family(pids[1], `MARKER=${MARKER}`);
      // For so long nobody looks at others than the next larger pids.
      await sleep(250);
      const found = family.members().map(({ pid }) => pid);
      expect(await family.kill()).toEqual([]);
      expect(found.sort()).toEqual([...pids].sort());
      return;
    }
    smaller?.kill('SIGKILL');
    leader?.kill('SIGKILL');
  }
});
