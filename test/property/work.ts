// The work of the property test: leaves marks, by the clock that all processes of a machine share, for as long as it goes on.
import { openSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Way } from './schedule.ts';

/** What the environment says of the work, since parameters would make it another slot. */
export interface Plan {
  readonly marks: string;
  readonly way: Way;
  readonly workMs: number;
}

/** The name of the variable that has it, as JSON. */
export const PLAN_VARIABLE = 'PROPERTY_PLAN';

/** How often the work says that it goes on, in milliseconds. */
const TICK_MS = 10;

/** How long `blocks_late` blocks the event loop when the job has returned. */
const BLOCKS_LATE_MS = 1_500;

const plan = (): Plan => JSON.parse(process.env[PLAN_VARIABLE] ?? '');

/** Milliseconds by a clock that all processes of a machine share. */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6;

/**
 * Does the work as it is planned: marks `begin`, then `tick` after `tick`, and `done` when all of it is done.
 * @param commit does what has to be done before the work counts as done
 */
export async function work(
  attempt: number,
  { signal, fence, commit }: { signal?: AbortSignal; fence?: number; commit?: () => Promise<unknown> } = {},
): Promise<void> {
  const { marks, way, workMs } = plan();
  const file = openSync(marks, 'a');
  // One write a line: a process that is killed leaves whole lines.
  const mark = (word: string, detail = '') => writeSync(file, `${word} ${now()}${detail}\n`);
  const until = (ms: number) => now() + ms;

  mark('begin', fence === undefined ? '' : ` ${fence}`);
  const end = until(way === 'blocks' ? 100 : workMs);
  while (now() < end) {
    await sleep(TICK_MS);
    mark('tick');
    if (way !== 'ignores') signal?.throwIfAborted();
  }
  if (way === 'throws' || (way === 'flaky' && attempt === 1)) throw new Error('as planned');
  if (way === 'exits') process.exit(0);
  if (way === 'rejects') {
    void Promise.reject(new Error('as planned, and nobody awaits it'));
    await sleep(TICK_MS);
  }
  if (way === 'blocks') block(until(workMs), () => mark('tick'));
  await commit?.();
  mark('done');
  if (way === 'blocks_late') setImmediate(() => block(until(BLOCKS_LATE_MS), () => {}));
}

/** Keeps the event loop from turning. */
function block(end: number, tick: () => void): void {
  const nothing = new Int32Array(new SharedArrayBuffer(4));
  while (now() < end) {
    Atomics.wait(nothing, 0, 0, TICK_MS);
    tick();
  }
}
