// How long guardians take that work at the same time, and one beside processes that are started all the time: for so long the locks of their runs aren't free.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { GUARDIAN_SCRIPT } from '../../src/process/child/guardian-script.ts';
import { tell } from './report.ts';

const LOOPS = 4;

/** Lets up to `most` (64 unless given) work at once, each number of them three times. */
export async function bench([most = '64']: readonly string[]): Promise<void> {
  const rows = [];
  for (const guardians of [1, 4, 16, Number(most)])
    rows.push({ guardians, startsPerSecond: 0, ...(await timed(guardians)) });
  const loops = Array.from({ length: LOOPS }, () =>
    spawn('sh', ['-c', 'while :; do /bin/true; done'], { stdio: 'ignore' }),
  );
  try {
    const before = started();
    await sleep(1_000);
    const startsPerSecond = started() - before;
    for (const guardians of [1, 16]) rows.push({ guardians, startsPerSecond, ...(await timed(guardians)) });
  } finally {
    for (const loop of loops) loop.kill('SIGKILL');
  }
  tell(
    'guardians',
    ['guardians at once', 'processes started a second', 'best ms', 'worst ms'],
    rows.map((row) => [row.guardians, row.startsPerSecond, row.bestMs.toFixed(0), row.worstMs.toFixed(0)].map(String)),
    { rows },
  );
}

/** How many processes the machine has ever started. */
const started = (): number => Number(/^processes (\d+)/m.exec(readFileSync('/proc/stat', 'latin1'))?.[1]);

/** Until the last of them has ended. */
async function timed(count: number): Promise<{ readonly bestMs: number; readonly worstMs: number }> {
  const times: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    const guardians = await Promise.all(
      Array.from({ length: count }, (_, number) => waiting(`RUN_JOB_EXEC_ID=${round}.${number}-`)),
    );
    const began = performance.now();
    for (const guardian of guardians) guardian.stdin?.end();
    await Promise.all(guardians.map((guardian) => once(guardian, 'close')));
    times.push(performance.now() - began);
  }
  return { bestMs: Math.min(...times), worstMs: Math.max(...times) };
}

/** A guardian that has been told of a program, none of whose processes lives. */
async function waiting(marker: string): Promise<ChildProcess> {
  const guardian = spawn('/bin/sh', ['-c', GUARDIAN_SCRIPT, 'run-job-guardian', marker], {
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { PATH: '/usr/bin:/bin' },
  });
  guardian.stdin.write('begin\npipes\n- 0\nbegin\n');
  await once(guardian.stdout, 'data');
  return guardian;
}
