// run-job is killed with SIGKILL at random moments, and at the worst one: nothing of the program lives two seconds later, and no record lies.
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { readRecord } from '../support/accounts.ts';
import { createDatabase } from '../support/database.ts';
import type { Running } from '../support/run-job.ts';
import {
  compileMisbehaves,
  describeProcess,
  exec,
  execToEnd,
  type Marked,
  noCompiler,
  processesWith,
} from './support.ts';

const KILLS = 200;
const AT_ONCE = 8;
const KILLS_AT_THE_START = 100;
const KILLS_WITHOUT_ENVIRONMENT = 20;

/** The longest that anything may live on. */
const LIMIT_MS = 2_000;

describe.skipIf(noCompiler)('killed', () => {
  let program: string;
  beforeAll(() => {
    program = compileMisbehaves();
  });

  /** Programs that are hard to find again. */
  const commands = () => [
    [program, 'ignores'],
    [program, 'leaves_group'],
    [program, 'leaves_session'],
    [program, 'forks'],
    ['sh', '-c', 'sleep 1000 | sleep 1000 & sleep 1000'],
  ];

  test(`${KILLS} times at random moments`, { timeout: 900_000 }, async () => {
    await using database = await createDatabase();
    const programs = [...commands(), ['sh', '-c', 'exit 3']];
    const lies: string[] = [];
    const left: string[] = [];
    let killed = 0;
    let next = 0;
    const killOne = async (count: number) => {
      // Some with the lock and the record, each under a name of its own; the others without.
      const recorded = count % 4 === 0;
      const flags = ['--as', `it-${count}`];
      const command = programs[count % programs.length] ?? [];
      const run = exec(command, flags, recorded ? { database } : {});
      const started = run.waitForLine(({ msg }) => msg === 'run started').catch(() => undefined);
      const line = count % 3 === 0 ? undefined : await started;
      await sleep(Math.random() * (line ? 300 : 600));
      run.kill('SIGKILL');
      const { signal, exitCode, summary, stdout, stderr } = await run.done;
      left.push(...(await leftOf(run, command)));
      if (signal === 'SIGKILL') killed += 1;
      if (!recorded || !summary) return;
      const record = await readRecord(database, summary.runId);
      const told = signal === 'SIGKILL' ? ['running', 'failed', undefined] : ['failed'];
      if (told.includes(record?.status)) return;
      lies.push(
        `${command}: ${exitCode ?? signal}, and the record says ${record?.status}. It said:\n${stdout}${stderr}`,
      );
    };
    const work = async () => {
      while (next < KILLS) {
        next += 1;
        await killOne(next);
      }
    };
    // When one fails, nothing of the others goes on beside what comes after it.
    const ends = await Promise.allSettled(Array.from({ length: AT_ONCE }, work));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
    expect(left).toEqual([]);
    expect(lies).toEqual([]);
    // The others had ended by themselves.
    expect(killed).toBeGreaterThan(KILLS / 2);
  });

  test(`${KILLS_AT_THE_START} times in the moment in which its program is started`, { timeout: 300_000 }, async () => {
    const left: string[] = [];
    for (let count = 0; count < KILLS_AT_THE_START; count += 1) {
      const command = commands()[count % commands().length] ?? [];
      const run = exec(command);
      await killAtTheStart(run);
      left.push(...(await leftOf(run, command)));
    }
    expect(left).toEqual([]);
  });

  test(`${KILLS_WITHOUT_ENVIRONMENT} times in that moment, when the program empties its environment`, async () => {
    const left: string[] = [];
    for (let count = 0; count < KILLS_WITHOUT_ENVIRONMENT; count += 1) {
      // Nobody else sleeps as long.
      const seconds = `1000.${randomInt(1e12)}`;
      const command = ['env', '-i', 'sleep', seconds];
      await killAtTheStart(exec(command));
      left.push(...(await leftOf({ alive: () => processesWith(seconds, 'cmdline') }, command)));
    }
    expect(left).toEqual([]);
  });

  test('a run that was killed is found lost by the next one', async () => {
    await using database = await createDatabase();
    const run = exec([program, 'ignores'], [], { database });
    const { runId } = await run.waitForLine(({ msg }) => msg === 'ready');
    run.kill('SIGKILL');
    await run.done;
    const next = await execToEnd(['true'], ['--locked=wait'], { database });
    expect(next.summary).toMatchObject({ status: 'succeeded' });
    expect(await readRecord(database, String(runId))).toMatchObject({ status: 'lost', exit_code: 137 });
    expect(run.alive()).toEqual([]);
  });

  test('the lock isn’t free before the guardian has killed what a killed run leaves behind', async () => {
    await using database = await createDatabase();
    const run = exec([program, 'ignores'], [], { database });
    await run.waitForLine(({ msg }) => msg === 'ready');
    // A guardian that stands still: however long the kernel takes to let it do its work, the lock waits for that.
    const guardian = guardianOf(run.pid as number);
    process.kill(guardian, 'SIGSTOP');
    run.kill('SIGKILL');
    await run.done;
    const { exitCode } = await execToEnd(['true'], ['--locked=fail'], { database });
    const alive = run.alive();
    process.kill(guardian, 'SIGCONT');
    expect(exitCode).toBe(75);
    expect(alive).not.toEqual([]);
    const next = await execToEnd(['true'], ['--locked=wait'], { database });
    expect(next.summary).toMatchObject({ status: 'succeeded' });
    expect(run.alive()).toEqual([]);
  });
});

/** Kills the run when its second child is there: the first is the guardian, the second the program, before the guardian can know which process it is. */
async function killAtTheStart(run: Running): Promise<void> {
  while (childrenOf(run.pid).length < 2) await nextTurn();
  run.kill('SIGKILL');
  await run.done;
}

/** What lives on of a run that has ended for longer than anything may; it is ended then. */
async function leftOf(run: Pick<Marked, 'alive'>, command: readonly string[]): Promise<string[]> {
  const ended = performance.now();
  let alive = run.alive();
  while (alive.length > 0 && performance.now() - ended < LIMIT_MS) {
    await sleep(20);
    alive = run.alive();
  }
  const told = alive.map((pid) => `of ${command.join(' ')}: ${describeProcess(pid)}`);
  for (const pid of alive) process.kill(pid, 'SIGKILL');
  return told;
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
}

/** The child of the process that runs the guardian's script. */
function guardianOf(pid: number): number {
  const found = childrenOf(pid).find((child) =>
    readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('run-job-guardian'),
  );
  if (found === undefined) throw new Error('there is no guardian');
  return found;
}
