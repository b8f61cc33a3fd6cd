// Programs that do what they shouldn't: each ends with a true status within its deadline and grace, and leaves nothing behind.
import { beforeAll, describe, expect, test } from 'vitest';
import { compileMisbehaves, exec, execToEnd, linesOf, noCompiler } from './support.ts';

const sh = (script: string) => ['sh', '-c', script];

/** The grace of two seconds, and as much again for a busy machine. */
const GRACE_MS = 2_000;
const SLACK_MS = 4_000;

describe.skipIf(noCompiler)('a compiled program', () => {
  let program: string;
  beforeAll(() => {
    program = compileMisbehaves();
  });

  test.concurrent.each([
    ['ignores SIGTERM', 'ignores'],
    ['stops itself (SIGSTOP)', 'stops'],
    ['has a child in a group of its own', 'leaves_group'],
    ['has a grandchild in a session of its own, whose parent is gone', 'leaves_session'],
    ['goes on forking into groups and sessions of their own', 'forks'],
  ])('that %s is dead with all it started by the deadline and the grace', async (_, what) => {
    const run = exec([program, what], ['--timeout', '1500ms']);
    await run.waitForLine(({ msg }) => msg === 'ready');
    expect(run.alive().length).toBeGreaterThan(0);
    await run.waitForLine(({ msg }) => msg.startsWith('stopping'));
    const asked = performance.now();
    const last = await run.waitForLine(({ status }) => status !== undefined);
    expect(performance.now() - asked).toBeLessThan(GRACE_MS + SLACK_MS);
    // The last line comes after the lock is free.
    expect(run.alive().filter((pid) => pid !== run.pid)).toEqual([]);
    expect(last).toMatchObject({ status: 'timed_out', exitCode: 124 });
    expect((await run.done).exitCode).toBe(124);
  });

  test.concurrent('that ignores SIGTERM is told as killed, and SIGTERM to run-job ends it as well', async () => {
    const run = exec([program, 'ignores'], [], { env: { WORKER_SHUTDOWN_TIMEOUT_SECONDS: '5' } });
    await run.waitForLine(({ msg }) => msg === 'ready');
    run.kill('SIGTERM');
    const ended = await run.done;
    expect(ended.summary).toMatchObject({ status: 'interrupted', exitCode: 143, program: { signal: 'SIGKILL' } });
    expect(ended.lines).toContainEqual(
      expect.objectContaining({ msg: expect.stringContaining('did not stop within its grace') }),
    );
    expect(run.alive()).toEqual([]);
  });

  test.concurrent.each([
    ['forks twice and ends at once (a daemon)', 'daemon', 'daemon started'],
    ['leaves its pipe open in a child', 'keeps_pipe', 'done'],
  ])('that %s: its own end counts, what it left is ended and told', async (_, what, line) => {
    const ended = await execToEnd([program, what]);
    expect(ended.summary).toMatchObject({ status: 'succeeded', exitCode: 0 });
    expect(linesOf(ended).map(({ msg }) => msg)).toContain(line);
    expect(ended.lines).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        msg: expect.stringMatching(/left processes behind.*misbehaves \(\d+\)/),
      }),
    );
    expect(ended.left).toEqual([]);
    expect(ended.tookMs).toBeLessThan(20_000);
  });

  test.concurrent('that closes its output is waited for', async () => {
    const ended = await execToEnd([program, 'closes_output']);
    expect(ended.summary).toMatchObject({ status: 'succeeded', program: { exitCode: 0 } });
    expect(linesOf(ended).map(({ msg }) => msg)).toEqual(['the last line']);
  });

  test.concurrent('that writes every byte there is', async () => {
    const ended = await execToEnd([program, 'writes_binary']);
    expect(ended.summary).toMatchObject({ status: 'succeeded' });
    expect(linesOf(ended)).toHaveLength(2);
    expect(linesOf(ended)[0]?.msg).toContain('\u0000\u0001');
  });

  test.concurrent('that writes one line of 50 MB', async () => {
    const ended = await execToEnd([program, 'writes_long_line']);
    const lines = linesOf(ended).map(({ msg }) => msg);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^x{65536}… \(52428800 bytes in all\)$/);
    expect(lines[1]).toBe('after');
    expect(ended.summary.peakRssBytes).toBeLessThan(300 * 2 ** 20);
  });

  test('that writes 200 MB: all of it arrives, in flat memory', async () => {
    const run = exec([program, 'writes_much'], ['--raw']);
    let bytes = 0;
    run.child.stdout.removeAllListeners('data').on('data', (text: string) => {
      bytes += text.length;
    });
    await run.done.catch(() => undefined);
    expect(bytes).toBeGreaterThan(200_000_000);
    const logged = await execToEnd(sh(`${program} writes_much | head -n 300000`));
    expect(linesOf(logged)).toHaveLength(300_000);
    expect(logged.summary.peakRssBytes).toBeLessThan(250 * 2 ** 20);
  });

  test.concurrent('that dies of a signal', async () => {
    expect((await execToEnd([program, 'segv'])).summary).toMatchObject({
      status: 'failed',
      error: { message: expect.stringMatching(/was killed by SIGSEGV$/) },
    });
  });
});

test.concurrent('whoever reads slowly keeps the program back, and gets everything', async () => {
  const run = exec(sh('i=0; while [ $i -lt 20000 ]; do i=$((i+1)); echo "line $i of many that are read slowly"; done'));
  run.child.stdout.pause();
  setTimeout(() => run.child.stdout.resume(), 1_500);
  const ended = await run.done;
  expect(linesOf(ended)).toHaveLength(20_000);
  expect(ended.summary).toMatchObject({ status: 'succeeded' });
});

test.concurrent('a program that waits for what never comes ends at its deadline, by SIGTERM', async () => {
  const ended = await execToEnd(['sleep', '1000'], ['--timeout', '1s']);
  expect(ended.summary).toMatchObject({ status: 'timed_out', exitCode: 124, program: { signal: 'SIGTERM' } });
  expect(ended.left).toEqual([]);
});

test.concurrent('a program that tidies up when it is asked to has the grace for it', async () => {
  const run = exec(sh('trap "echo tidied; exit 7" TERM; echo ready; sleep 1000 & wait'));
  await run.waitForLine(({ msg }) => msg === 'ready');
  run.kill('SIGTERM');
  const ended = await run.done;
  expect(ended.summary).toMatchObject({ status: 'interrupted', program: { exitCode: 7, signal: null } });
  expect(linesOf(ended).map(({ msg }) => msg)).toEqual(['ready', 'tidied']);
  expect(run.alive()).toEqual([]);
});

test.concurrent('the end of a pipeline that outlives its shell is waited for, briefly', async () => {
  const ended = await execToEnd(sh('(sleep 0.2; echo late) & echo early'));
  expect(linesOf(ended).map(({ msg }) => msg)).toEqual(['early', 'late']);
  expect(ended.lines.filter(({ level }) => level === 'warn')).toEqual([]);
});
