// Programs that do what they shouldn't: each ends with a true status within its deadline and grace, and leaves nothing behind.

import { spawn, spawnSync } from 'node:child_process';
import { on } from 'node:events';
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { expectAccounts, readRecords } from '../support/accounts.ts';
import { EXECUTABLE } from '../support/built.ts';
import { createDatabase } from '../support/database.ts';
import { unprivilegedUser } from '../support/unprivileged.ts';
import { compileMisbehaves, exec, execToEnd, linesOf, memoryGroup, noCompiler } from './support.ts';

const sh = (script: string) => ['sh', '-c', script];

describe.skipIf(noCompiler)('a compiled program', () => {
  let program: string;
  beforeAll(() => {
    program = compileMisbehaves();
  });

  test.each([
    ['ignores SIGTERM', 'ignores'],
    ['stops itself (SIGSTOP)', 'stops'],
    ['has a child in a group of its own', 'leaves_group'],
    ['has a grandchild in a session of its own, whose parent is gone', 'leaves_session'],
    ['goes on forking into groups and sessions of their own', 'forks'],
  ])('that %s is dead at the end of the grace with all that it started, before the lock is free', async (_, what) => {
    await using database = await createDatabase();
    const run = exec([program, what], [], { database });
    await run.waitForLine(({ msg }) => msg === 'ready');
    expect(run.alive().length).toBeGreaterThan(0);
    run.kill('SIGTERM');
    // Whoever gets the lock next looks around.
    const next = exec(['true'], ['--locked=wait'], { database });
    await next.waitForLine(({ msg }) => msg === 'run started');
    expect(run.alive()).toEqual([]);
    const ended = await run.done;
    await expectAccounts(ended, database, { status: 'interrupted', exitCode: 143, error: 'SIGTERM arrived' });
    expect((await next.done).exitCode).toBe(0);
  });

  test('that leaves the session under a run within the run is dead at the end of the outer one’s grace', async () => {
    const inner = [process.execPath, EXECUTABLE, 'exec', 'inner', '--', program, 'daemon_alone'];
    const run = exec(['env', 'WORKER_SHUTDOWN_TIMEOUT_SECONDS=60', ...inner], [], {
      env: { WORKER_SHUTDOWN_TIMEOUT_SECONDS: '1' },
    });
    await run.waitForLine(({ msg }) => String(msg).startsWith('ready '));
    run.kill('SIGTERM');
    const { summary } = await run.done;
    const left = run.alive();
    for (const pid of left) process.kill(pid, 'SIGKILL');
    expect(left).toEqual([]);
    expect(summary).toMatchObject({ status: 'interrupted', exitCode: 143 });
  });

  test('that ignores SIGTERM is killed at the end of the grace after its deadline, and told as that', async () => {
    const ended = await execToEnd([program, 'ignores'], ['--timeout', '3s']);
    expect(ended.summary).toMatchObject({ status: 'timed_out', exitCode: 124, program: { signal: 'SIGKILL' } });
    expect(ended.lines).toContainEqual(
      expect.objectContaining({ msg: expect.stringContaining('did not stop within its grace') }),
    );
    expect(ended.left).toEqual([]);
  });

  test.each([
    ['forks twice and ends at once (a daemon)', 'daemon', 'daemon started'],
    ['leaves a daemon that becomes another program all the time', 'becomes', 'daemon started'],
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
  });

  test('that closes its output is waited for', async () => {
    const ended = await execToEnd([program, 'closes_output']);
    expect(ended.summary).toMatchObject({ status: 'succeeded', program: { exitCode: 0 } });
    expect(linesOf(ended).map(({ msg }) => msg)).toEqual(['the last line']);
  });

  test('that writes every byte there is', async () => {
    const ended = await execToEnd([program, 'writes_binary']);
    expect(ended.summary).toMatchObject({ status: 'succeeded' });
    expect(linesOf(ended)).toHaveLength(2);
    expect(linesOf(ended)[0]?.msg).toContain('\u0000\u0001');
  });

  test('that writes one line of 50 MB', async () => {
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
    let end = '';
    run.child.stdout.removeAllListeners('data').on('data', (text: string) => {
      bytes += text.length;
      end = (end + text.slice(-4_096)).slice(-4_096);
    });
    await run.done.catch(() => undefined);
    expect(bytes).toBeGreaterThan(200_000_000);
    const little = await execToEnd(sh('echo little'), ['--raw']);
    // From 100 MB on it takes no more: `npm run bench -- exec 5 10`.
    expect(Number(/"peakRssBytes":(\d+)/.exec(end)?.[1]) - little.summary.peakRssBytes).toBeLessThan(45 * 2 ** 20);
    const logged = await execToEnd(sh(`${program} writes_much | head -n 300000`));
    expect(linesOf(logged)).toHaveLength(300_000);
    expect(logged.summary.peakRssBytes - little.summary.peakRssBytes).toBeLessThan(45 * 2 ** 20);
  });

  test('that eats all memory: the kernel ends it, and the run says so', (context) => {
    const group = memoryGroup(300_000_000);
    if (!group) return context.skip('NOT CHECKED here: no control group with a memory limit can be made');
    try {
      // The shell joins the group, and becomes run-job.
      const script = 'echo $$ > "$0" && exec "$@"';
      const args = [process.execPath, EXECUTABLE, 'exec', 'it', '--', program, 'eats_memory'];
      const { status, stdout } = spawnSync('sh', ['-c', script, group.procs, ...args], { encoding: 'utf8', cwd: '/' });
      expect(status, stdout).toBe(1);
      expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({
        status: 'failed',
        program: { exitCode: null, signal: 'SIGKILL' },
        error: { message: expect.stringMatching(/was killed by SIGKILL: .*memory limit \(286 MiB\) was reached/) },
      });
    } finally {
      group.remove();
    }
  });

  test.skipIf(process.getuid?.() !== 0)(
    'that becomes another user’s: the run ends in time, and says who lives on',
    async () => {
      const { uid, gid } = unprivilegedUser() ?? {};
      const own = join(mkdtempSync(join(tmpdir(), 'run-job-suid-')), 'becomes_root');
      chmodSync(dirname(own), 0o755);
      copyFileSync(program, own);
      chmodSync(own, 0o4755);
      try {
        const ended = await exec([own, 'becomes_root'], ['--timeout', '2s'], {
          through: ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', 'env', '-C', '/'],
          env: { RUN_JOB_TERMINATION_LOG: undefined, WORKER_SHUTDOWN_TIMEOUT_SECONDS: '2' },
        }).done;
        expect(ended.summary).toMatchObject({ status: 'timed_out', exitCode: 124 });
        const told = ended.lines.find(({ msg }) => msg.includes('as another user lives on'));
        expect(told).toMatchObject({ level: 'error', msg: expect.stringMatching(/becomes_root \(\d+\)$/) });
        process.kill(Number(/\((\d+)\)$/.exec(told?.msg ?? '')?.[1]), 'SIGKILL');
        expect(ended.summary.durationMs).toBeLessThan(4_000 + 1_500);
      } finally {
        rmSync(dirname(own), { recursive: true });
      }
    },
  );

  test('that dies of a signal', async () => {
    expect((await execToEnd([program, 'segv'])).summary).toMatchObject({
      status: 'failed',
      error: { message: expect.stringMatching(/was killed by SIGSEGV$/) },
    });
  });
});

test('whoever reads slowly keeps the program back, and gets everything', async () => {
  const run = exec(sh('i=0; while [ $i -lt 20000 ]; do i=$((i+1)); echo "line $i of many that are read slowly"; done'));
  run.child.stdout.pause();
  setTimeout(() => run.child.stdout.resume(), 1_500);
  const ended = await run.done;
  expect(linesOf(ended)).toHaveLength(20_000);
  expect(ended.summary).toMatchObject({ status: 'succeeded' });
});

test.each([
  ['log lines', []],
  ['bytes that are passed through', ['--raw']],
])('%s that nobody reads don’t keep the run from its end, be it in its first moment', async (_, flags) => {
  await using database = await createDatabase();
  const ended = await exec(['yes'], ['--timeout', '2s', ...flags], {
    database,
    unread: true,
    env: { WORKER_SHUTDOWN_TIMEOUT_SECONDS: '1' },
    hangsAfterMs: 60_000,
  }).done;
  expect(ended.termination).toMatchObject({ status: 'timed_out', exitCode: 137 });
  expect(await readRecords(database)).toMatchObject([{ status: 'timed_out' }]);
});

test('a pipe that is full from the beginning, and that nobody reads, doesn’t keep the run from its end', async () => {
  await using database = await createDatabase();
  const line = '{ timeout 1 yes; "$0" "$@"; echo "code $?" >&2; } | sleep 60';
  const run = ['exec', 'it', '--timeout', '2s', '--', 'true'];
  const shell = spawn('/bin/sh', ['-c', line, process.execPath, EXECUTABLE, ...run], {
    env: { PATH: process.env.PATH, DATABASE_URL: database.url, WORKER_SHUTDOWN_TIMEOUT_SECONDS: '1' },
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  let told = '';
  // The shell says first that it was killed.
  for await (const [text] of on(shell.stderr, 'data') as AsyncIterable<[Buffer]>) {
    told += text;
    if (told.includes('code')) break;
  }
  process.kill(-(shell.pid as number), 'SIGKILL');
  expect(told).toContain('code 137');
  expect(await readRecords(database)).toMatchObject([{ status: 'timed_out' }]);
});

test.each([
  ['exits with 0', 'trap "" PIPE; head -c 200000 /dev/zero; exit 0'],
  ['has ended by then', 'echo little'],
  ['writes for ever', 'yes'],
])('output that is passed through and finds no room is no success, where the program %s', async (_, script) => {
  const log = join(mkdtempSync(join(inject('scratchFolder'), 'full-')), 'termination-log');
  const run = ['exec', 'it', '--raw', '--timeout', '20s', '--', 'sh', '-c', script];
  const { status } = spawnSync('sh', ['-c', 'exec "$0" "$@" > /dev/full', process.execPath, EXECUTABLE, ...run], {
    env: { PATH: process.env.PATH, RUN_JOB_TERMINATION_LOG: log },
  });
  expect(status).toBe(1);
  expect(JSON.parse(readFileSync(log, 'utf8'))).toMatchObject({
    status: 'failed',
    error: { message: expect.stringMatching(/^what sh wrote to standard output can't be written \(ENOSPC\)/) },
  });
});

test('output that is passed through to a reader who goes ends the program, as if it ran alone', async () => {
  const line = '"$0" "$@" | head -n 1; echo "code $PIPESTATUS"';
  const run = ['exec', 'it', '--raw', '--timeout', '60s', '--', 'yes'];
  const { stdout } = spawnSync('bash', ['-c', line, process.execPath, EXECUTABLE, ...run], {
    env: { PATH: process.env.PATH, DATABASE_URL: undefined },
    encoding: 'utf8',
  });
  expect(stdout).toContain('code 1');
});

test('a program that waits for what never comes ends at its deadline, by SIGTERM', async () => {
  const ended = await execToEnd(['sleep', '1000'], ['--timeout', '5s']);
  expect(ended.summary).toMatchObject({ status: 'timed_out', exitCode: 124, program: { signal: 'SIGTERM' } });
  expect(ended.left).toEqual([]);
});

test('a clock that is set back meanwhile gives what a program has started no more time', async () => {
  const setBack = 'const now = Date.now; Date.now = () => now() - (performance.now() > 2_300 ? 3_600_000 : 0);';
  const ended = await execToEnd(sh('(trap "" TERM; sleep 1000) & exec sleep 1000'), ['--timeout', '2s'], {
    env: {
      WORKER_SHUTDOWN_TIMEOUT_SECONDS: '2',
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(setBack)}`,
    },
  });
  expect(ended.summary).toMatchObject({ status: 'timed_out', exitCode: 124, program: { signal: 'SIGTERM' } });
  expect(ended.stdout).not.toContain('was abandoned');
  expect(ended.left).toEqual([]);
});

test('a program that tidies up when it is asked to has the grace for it', async () => {
  const run = exec(sh('trap "echo tidied; exit 7" TERM; echo ready; sleep 1000 & wait'));
  await run.waitForLine(({ msg }) => msg === 'ready');
  run.kill('SIGTERM');
  const ended = await run.done;
  expect(ended.summary).toMatchObject({ status: 'interrupted', program: { exitCode: 7, signal: null } });
  expect(linesOf(ended).map(({ msg }) => msg)).toEqual(['ready', 'tidied']);
  expect(run.alive()).toEqual([]);
});

test('the end of a pipeline that outlives its shell is waited for, briefly', async () => {
  const ended = await execToEnd(sh('(sleep 0.2; echo late) & echo early'));
  expect(linesOf(ended).map(({ msg }) => msg)).toEqual(['early', 'late']);
  expect(ended.lines.filter(({ level }) => level === 'warn')).toEqual([]);
});
