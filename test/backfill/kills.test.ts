// A backfill that is killed again and again, and started again each time: in the end each slot has succeeded exactly once.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, inject, test } from 'vitest';
import { createDatabase } from '../support/database.ts';
import { runJob } from '../support/run-job.ts';
import { backfill, ends, hour, schedule } from './support.ts';

const SLOTS = 30;
const KILLS = 10;

/** One number says all that is random; a failure prints it. */
const SEED = Number(process.env.BACKFILL_SEED ?? 20_261_126);

/** Mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The processes that this one has started. */
const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);

/** As an out-of-memory killer does, as a node that goes away does, and as a person does. */
const WAYS = ['only the backfill', 'the run as well', 'SIGTERM'] as const;

test(`${SLOTS} slots, ${KILLS} kills: each slot succeeds exactly once (seed ${SEED})`, async () => {
  await using database = await createDatabase();
  const file = join(inject('scratchFolder'), `${database.name}-kills`);
  await schedule(database, 'fills_slots', { params: { file, ms: 40 } });
  const last = '2026-11-21T05:00:00Z';
  const random = randomFrom(SEED);
  const begun = () =>
    existsSync(file)
      ? readFileSync(file, 'utf8')
          .split('\n')
          .filter((line) => line.startsWith('begins')).length
      : 0;
  const log: string[] = [];
  for (let kill = 0; kill < KILLS; kill += 1) {
    const until = begun() + 1 + Math.floor(random() * 2);
    const way = WAYS[Math.floor(random() * WAYS.length)] ?? 'SIGTERM';
    const delayMs = random() * 150;
    await using run = runJob(['backfill', 'fills_slots', '--from', hour(0), '--to', last], { database });
    while (begun() < until) await run.until(sleep(5));
    await sleep(delayMs);
    log.push(`${way} after ${until} slots and ${Math.round(delayMs)} ms`);
    if (way === 'SIGTERM') run.kill('SIGTERM');
    else {
      const children = childrenOf(run.pid);
      run.kill('SIGKILL');
      if (way === 'the run as well') for (const child of children) killQuietly(child);
    }
    const ended = await run.done;
    expect(ended, log.join('\n')).toMatchObject(way === 'SIGTERM' ? { exitCode: 143 } : { signal: 'SIGKILL' });
  }
  const ended = await backfill(database, 'fills_slots', [0, 0], ['--to', last]);
  expect(ended.exitCode, `${log.join('\n')}\n${ended.stdout}${ended.stderr}`).toBe(0);
  const succeeded = (await ends(database, 'fills_slots')).filter((end) => end.endsWith('succeeded'));
  const all = Array.from({ length: SLOTS }, (_, index) => `${index % 24} succeeded`);
  expect(succeeded, log.join('\n')).toEqual(all);
  const done = new Set(
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('done')),
  );
  expect(done.size).toBe(SLOTS);
}, 120_000);

/** It may have ended meanwhile. */
function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
