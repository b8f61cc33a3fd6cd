// The guardian for images without a shell, and the one for a shell: both kill what is left when the pipe to us closes.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { startGuardian } from '../../../src/process/child/guardian.ts';
import { GUARDIAN_SCRIPT } from '../../../src/process/child/guardian-script.ts';
import { start as startProgram } from '../../../src/process/child/start.ts';
import { compileMisbehaves, describeProcess, lives, noCompiler, processesWith } from '../../exec/support.ts';
import { findProgram } from '../../support/install.ts';

const WITHOUT_SHELL = fileURLToPath(new URL('../../../src/process/child/guardian-without-shell.ts', import.meta.url));
const shells = ['dash', 'bash', 'busybox'].map((name) => findProgram(name)).filter((path) => path !== undefined);

/** Under its own name bash reads ~/.bashrc where standard input is a socket. */
const AS_SH = { argv0: 'sh' };

const GUARDIANS: [string, (marker: string) => ChildProcess][] = [
  [
    'Node',
    (marker) => spawn(process.execPath, [WITHOUT_SHELL, marker], { env: {}, stdio: ['pipe', 'pipe', 'inherit'] }),
  ],
  ...shells.map((shell): [string, (marker: string) => ChildProcess] => [
    shell,
    (marker) =>
      spawn(shell, ['-c', GUARDIAN_SCRIPT, 'guardian', marker], {
        ...AS_SH,
        env: { PATH: process.env.PATH ?? '' },
        stdio: ['pipe', 'pipe', 'inherit'],
      }),
  ]),
];

/** The CPU time that our children had taken, and theirs, when they ended: in the kernel's ticks. However busy the machine is. */
function cpuOfEnded(): number {
  const fields = readFileSync('/proc/self/stat', 'latin1').split(') ').at(-1)?.split(' ') ?? [];
  return Number(fields[13]) + Number(fields[14]);
}

/** As in an image that has none, or where PATH leads elsewhere. */
const WITHOUT_GREP = shells
  .filter((shell) => !shell.endsWith('busybox'))
  .map((shell): (typeof GUARDIANS)[number] => [
    `${shell} without grep`,
    (marker) =>
      spawn(shell, ['-c', GUARDIAN_SCRIPT, 'guardian', marker], {
        ...AS_SH,
        env: { PATH: '/nowhere' },
        stdio: ['pipe', 'pipe', 'inherit'],
      }),
  ]);

function program(marker: string): ChildProcess & { pid: number } {
  const env = { PATH: process.env.PATH, RUN_JOB_EXEC_ID: marker };
  return spawn('sleep', ['1000'], { detached: true, stdio: 'ignore', env }) as ChildProcess & { pid: number };
}

test.each(GUARDIANS)(
  '%s: the programs that it knows of die, also one that it was only told to expect',
  async (_, start) => {
    const run = randomUUID();
    const guardian = start(`RUN_JOB_EXEC_ID=${run}-`);
    const [known, expected, other, ended] = [
      program(`${run}-1`),
      program(`${run}-2`),
      program('other-1'),
      program(`${run}-3`),
    ];
    guardian.stdin?.write(`begin\n+ ${known.pid}\nbegin\nbegin\n+ ${ended.pid}\n- ${ended.pid}\n`);
    const deaths = Promise.all([once(known, 'exit'), once(expected, 'exit')]);
    guardian.stdin?.end();
    expect((await deaths).map(([, signal]) => signal)).toEqual(['SIGKILL', 'SIGKILL']);
    await once(guardian, 'close');
    expect(other.exitCode ?? other.signalCode).toBeNull();
    other.kill('SIGKILL');
    ended.kill('SIGKILL');
  },
);

test.each(GUARDIANS)('%s: when every program has ended, nobody is looked for', async (_, start) => {
  const run = randomUUID();
  const guardian = start(`RUN_JOB_EXEC_ID=${run}-`);
  const left = program(`${run}-1`);
  guardian.stdin?.end(`begin\n+ ${left.pid}\n- ${left.pid}\nbegin\n- 0\n`);
  expect((await once(guardian, 'close'))[0]).toBe(0);
  expect(left.exitCode ?? left.signalCode).toBeNull();
  left.kill('SIGKILL');
});

describe.skipIf(noCompiler)('a compiled program that', () => {
  let compiled: string;
  beforeAll(() => {
    compiled = compileMisbehaves();
  });

  test.each(
    [...GUARDIANS, ...WITHOUT_GREP].flatMap(([name, start]) => [
      { name, start, does: 'has started a daemon', what: 'daemon_alone' },
      { name, start, does: 'has a name that looks like the state of a zombie', what: 'hides_in_name' },
      { name, start, does: 'goes on in its second thread', what: 'loses_first_thread' },
      { name, start, does: 'has a child that is told by nothing else', what: 'clears_environment' },
      { name, start, does: 'has a child that the kernel takes long to end', what: 'dies_slowly' },
    ]),
  )('$does is found by $name', async ({ start, what }) => {
    const id = `${randomUUID()}-`;
    const guardian = start(`RUN_JOB_EXEC_ID=${id}`);
    const env = { PATH: process.env.PATH, RUN_JOB_EXEC_ID: `${id}1` };
    const parent = spawn(compiled, [what], { detached: true, stdio: ['ignore', 'pipe', 'inherit'], env });
    const [said] = await once(parent.stdout, 'data');
    const pids = [parent.pid as number, Number(String(said).split(' ')[1])];
    guardian.stdin?.end(`begin\n+ ${parent.pid}\n`);
    await once(guardian, 'close');
    const left = pids.filter(lives);
    const told = left.map(describeProcess);
    for (const pid of left) process.kill(pid, 'SIGKILL');
    expect(told).toEqual([]);
  });

  test.each(
    GUARDIANS.flatMap(([name, start]) => [
      { name, start, does: 'becomes another program all the time', what: 'becomes' },
      { name, start, does: 'forks and ends all the time', what: 'hands_over' },
    ]),
  )('$does is found by $name', { timeout: 120_000 }, async ({ start, what }) => {
    for (let round = 0; round < 30; round += 1) {
      const id = `${randomUUID()}-`;
      const guardian = start(`RUN_JOB_EXEC_ID=${id}`);
      const env = { PATH: process.env.PATH, RUN_JOB_EXEC_ID: `${id}1` };
      const daemon = spawn(compiled, [what], { detached: true, stdio: 'ignore', env });
      await once(daemon, 'exit');
      guardian.stdin?.end('begin\n');
      await once(guardian, 'close');
      const left = processesWith(`RUN_JOB_EXEC_ID=${id}1`);
      const told = left.map(describeProcess);
      for (const pid of left) process.kill(pid, 'SIGKILL');
      expect(told, `round ${round}`).toEqual([]);
    }
  });
});

// What one starts to look around is somebody new for the others, and they look at whoever is new.
test.each(GUARDIANS)('%s: of many that work at the same time none keeps the others at work', async (_, start) => {
  const MANY = 16;
  const waiting = async () => {
    const guardian = start(`RUN_JOB_EXEC_ID=${randomUUID()}-`);
    guardian.stdin?.write('begin\npipes\n');
    // Node's says nothing.
    if (guardian.spawnfile !== process.execPath) await once(guardian.stdout as Readable, 'data');
    return guardian;
  };
  const work = async (guardian: ChildProcess) => {
    guardian.stdin?.end();
    await once(guardian, 'close');
  };
  const before = cpuOfEnded();
  for (let count = 0; count < MANY; count += 1) await work(await waiting());
  const oneByOne = cpuOfEnded() - before;
  const guardians = await Promise.all(Array.from({ length: MANY }, waiting));
  await Promise.all(guardians.map(work));
  const atOnce = cpuOfEnded() - before - oneByOne;
  expect(atOnce).toBeLessThan(8 * oneByOne);
});

test.each(GUARDIANS)('%s: when nobody reads its answer any more, it does its work all the same', async (_, start) => {
  const run = randomUUID();
  const guardian = start(`RUN_JOB_EXEC_ID=${run}-`);
  const known = program(`${run}-1`);
  const death = once(known, 'exit');
  guardian.stdout?.destroy();
  guardian.stdin?.end(`begin\n+ ${known.pid}\npipes\n`);
  expect(await death).toEqual([null, 'SIGKILL']);
});

test.each(shells.filter((shell) => !shell.endsWith('busybox')))('%s makes two pipes', async (shell) => {
  const guardian = spawn(shell, ['-c', GUARDIAN_SCRIPT, 'guardian', 'X='], {
    ...AS_SH,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  guardian.stdin.write('pipes\n');
  expect(String((await once(guardian.stdout, 'data'))[0])).toBe('pipes\n');
  const { readlinkSync } = await import('node:fs');
  const [one, two] = [3, 4].map((fd) => readlinkSync(`/proc/${guardian.pid}/fd/${fd}`));
  expect(one).toMatch(/^pipe:/);
  expect(two).toMatch(/^pipe:/);
  expect(one).not.toBe(two);
  guardian.stdin.end();
  await once(guardian, 'close');
});

// Before bash 5.1 a here-document is a file: on a read-only disk there is none.
test.runIf(findProgram('bash') !== undefined)(
  'where the shell can make no pipes, it does its work all the same',
  async () => {
    const run = randomUUID();
    const known = program(`${run}-1`);
    const limited = `trap '' XFSZ; ulimit -f 0; exec -a sh bash -c "$@"`;
    const args = [GUARDIAN_SCRIPT, 'guardian', `RUN_JOB_EXEC_ID=${run}-`];
    const guardian = spawn('bash', ['-c', limited, 'bash', ...args], {
      env: { PATH: process.env.PATH ?? '', BASH_COMPAT: '5.0' },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const death = once(known, 'exit');
    guardian.stdin.end(`begin\npipes\n+ ${known.pid}\n`);
    const [said] = await Promise.all([guardian.stdout.toArray(), once(guardian, 'close')]);
    if (lives(known.pid)) known.kill('SIGTERM');
    expect(await death).toEqual([null, 'SIGKILL']);
    expect(said.join('')).toBe('pipes\n');
  },
);

test.each(GUARDIANS.slice(1).map(([shell]) => shell))(
  '%s: who writes to the same file as descriptor 3, where that is no pipe of its own, lives on',
  async (shell) => {
    const file = openSync(join(inject('scratchFolder'), randomUUID()), 'w+');
    const stranger = spawn('sleep', ['1000'], { stdio: ['ignore', file, 'ignore'], env: { PATH: process.env.PATH } });
    const guardian = spawn(shell, ['-c', GUARDIAN_SCRIPT, 'guardian', `RUN_JOB_EXEC_ID=${randomUUID()}-`], {
      ...AS_SH,
      stdio: ['pipe', 'pipe', 'inherit', file],
    });
    closeSync(file);
    guardian.stdin?.end('begin\n');
    await once(guardian, 'close');
    const alive = lives(stranger.pid as number);
    stranger.kill('SIGKILL');
    expect(alive).toBe(true);
  },
);

// It holds one pair at a time, and closes it when it is told whose it was.
test.runIf(process.platform === 'linux')(
  'programs that are started at the same time have pipes of their own',
  async () => {
    const run = randomUUID();
    const guardian = startGuardian(`RUN_JOB_EXEC_ID=${run}-`, new URL('file:///nowhere'), undefined);
    const outputOf = async (number: number): Promise<string> => {
      const id = `${run}-${number}`;
      const what = { program: 'readlink', file: findProgram('readlink') ?? '', args: ['/proc/self/fd/1'], cwd: '/' };
      const marked = { env: { RUN_JOB_EXEC_ID: id }, marker: `RUN_JOB_EXEC_ID=${id}`, input: 'none' } as const;
      const { pid, stdout, stderr } = await startProgram({ ...what, ...marked }, guardian);
      stderr.resume();
      const output = (await stdout.toArray()).join('');
      guardian.forget(pid);
      return output;
    };
    const outputs = await Promise.all([1, 2, 3].map(outputOf));
    expect(outputs).toEqual(outputs.map(() => expect.stringMatching(/^pipe:/)));
    expect(new Set(outputs).size).toBe(outputs.length);
  },
);
