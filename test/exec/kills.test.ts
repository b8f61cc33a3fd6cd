// run-job is killed with SIGKILL at random moments, two hundred times: nothing of the program lives two seconds later, and no record lies.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { readRecord } from '../support/accounts.ts';
import { createDatabase } from '../support/database.ts';
import { compileMisbehaves, exec, execToEnd, noCompiler } from './support.ts';

const KILLS = 200;
const AT_ONCE = 8;

/** The longest that anything may live on. */
const LIMIT_MS = 2_000;

describe.skipIf(noCompiler)('killed', () => {
  let program: string;
  beforeAll(() => {
    program = compileMisbehaves();
  });

  test(`${KILLS} times at random moments`, { timeout: 900_000 }, async () => {
    await using database = await createDatabase();
    const commands = [
      [program, 'ignores'],
      [program, 'leaves_group'],
      [program, 'leaves_session'],
      [program, 'forks'],
      ['sh', '-c', 'sleep 1000 | sleep 1000 & sleep 1000'],
      ['sh', '-c', 'exit 3'],
    ];
    const lies: string[] = [];
    const left: number[] = [];
    let running = 0;
    let next = 0;
    const killOne = async (count: number) => {
      // Some with the lock and the record, each under a name of its own; the others without.
      const recorded = count % 4 === 0;
      const flags = ['--as', `it-${count}`];
      const run = exec(commands[count % commands.length] ?? [], flags, recorded ? { database } : {});
      const started = run.waitForLine(({ msg }) => msg === 'run started').catch(() => undefined);
      const line = count % 3 === 0 ? undefined : await started;
      await sleep(Math.random() * (line ? 300 : 600));
      run.kill('SIGKILL');
      const { signal, exitCode, summary } = await run.done;
      const died = performance.now();
      while (run.alive().length > 0 && performance.now() - died < LIMIT_MS) await sleep(20);
      left.push(...run.alive());
      if (signal === 'SIGKILL') running += 1;
      if (!recorded || !summary) return;
      const record = await readRecord(database, summary.runId);
      const told = signal === 'SIGKILL' ? ['running', 'failed', undefined] : ['failed'];
      if (!told.includes(record?.status)) lies.push(`${exitCode ?? signal}, and the record says ${record?.status}`);
    };
    const work = async () => {
      while (next < KILLS) {
        next += 1;
        await killOne(next);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    expect(left).toEqual([]);
    expect(lies).toEqual([]);
    // The others had ended by themselves.
    expect(running).toBeGreaterThan(KILLS / 2);
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

/** The child of the process that runs the guardian's script. */
function guardianOf(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
  const found = children.find((child) => readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('run-job-guardian'));
  if (found === undefined) throw new Error('there is no guardian');
  return found;
}
