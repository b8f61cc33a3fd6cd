// Does the slots of a backfill one after the other, or some at a time. What fails is told, and the next is done all the same.
import { hasCode } from '../../errors.ts';
import type { Shard } from '../../job.ts';
import { withConnection } from '../../postgres/connect.ts';
import type { Server } from '../../postgres/server.ts';
import { EXIT } from '../../runner/outcome.ts';
import type { Stop } from '../../runner/stop.ts';
import type { Children } from '../children.ts';
import { databaseNow } from '../missed-slots.ts';
import { lookAgain, type PlannedSlot } from './plan.ts';

/** What came of one slot. */
export interface SlotEnd {
  readonly slot: PlannedSlot;
  readonly done: boolean;
  /** Of the run that was made for it; absent where somebody else had done it meanwhile. */
  readonly exitCode?: number;
  readonly tookMs: number;
}

/** What came of all of them. */
export interface BackfillEnd {
  /** As they are now, in the order in which they were to be done. */
  readonly left: readonly PlannedSlot[];
  /** Why it ended before each slot was tried, where it wasn't asked to stop; one sentence. */
  readonly gaveUp?: string;
}

/** The slots, and what it takes to do them. */
export interface BackfillWork {
  readonly slots: readonly PlannedSlot[];
  readonly server: Server;
  readonly parallel: number;
  readonly children: Children;
  readonly lineFor: (slot: PlannedSlot) => readonly string[];
  readonly stop: Stop;
  /** Told of each slot when it begins, and when it has ended. */
  readonly onStart: (slot: PlannedSlot, place: number) => void;
  readonly onEnd: (end: SlotEnd, place: number) => void;
}

/** Runs that say what holds for every slot: nothing would come of the next. */
const HOPELESS: ReadonlyMap<number, string> = new Map([
  [EXIT.rejected, 'the command line was rejected, as it would be for every slot'],
  [EXIT.misconfigured, 'the environment is misconfigured, for this slot as for every other; run-job doctor says how'],
]);

/** Runs that could not begin. */
const NEVER_BEGAN: readonly number[] = [EXIT.locked, EXIT.unavailable];

/** So many of those in a row, and it is of no use to go on. */
const MOST_IN_A_ROW = 3;

/** Does them all, unless it is asked to stop or it makes no sense to go on. */
export async function work(task: BackfillWork): Promise<BackfillEnd> {
  const { slots, stop, parallel } = task;
  const now = new Map(slots.map((slot) => [slot, slot]));
  const queue = slots.entries();
  const done = new Set<PlannedSlot>();
  let gaveUp: string | undefined;
  let inARow = 0;
  const one = async () => {
    for (const [index, slot] of queue) {
      task.onStart(slot, index + 1);
      const end = await doSlot(task, slot);
      now.set(slot, end.slot);
      if (end.done) done.add(slot);
      task.onEnd(end, index + 1);
      inARow = end.exitCode !== undefined && NEVER_BEGAN.includes(end.exitCode) ? inARow + 1 : 0;
      gaveUp ??= reasonToGiveUp(end, inARow);
      if (stop.cause || gaveUp !== undefined) return;
    }
  };
  await Promise.all(Array.from({ length: parallel }, one));
  const left = slots.filter((slot) => !done.has(slot)).map((slot) => now.get(slot) ?? slot);
  return { left, ...(gaveUp !== undefined && { gaveUp }) };
}

async function doSlot(task: BackfillWork, slot: PlannedSlot): Promise<SlotEnd> {
  const startedAt = performance.now();
  // Somebody else may have done it since the slots were listed.
  const before = (await look(task, slot)) ?? slot;
  if (before.state === 'done') return { slot: before, done: true, tookMs: performance.now() - startedAt };
  const line = task.lineFor(slot);
  let exitCode: number = EXIT.ok;
  for (const index of before.parts) {
    const variables = variablesOf({ index, count: slot.schedule.shards });
    const run = () => task.children.run(line, variables);
    let code = await run();
    // It has saved its progress, and asks for another to go on from there.
    while (code === EXIT.continued && !task.stop.cause) code = await run();
    if (code !== EXIT.ok) exitCode = code;
    if (task.stop.cause || HOPELESS.has(code)) break;
  }
  const after = await look(task, slot);
  // A run that was skipped because the name is paused is content, and nothing is done.
  const done = after === undefined ? exitCode === EXIT.ok : after.state === 'done';
  return { slot: after ?? before, done, exitCode, tookMs: performance.now() - startedAt };
}

const variablesOf = ({ index, count }: Shard): NodeJS.ProcessEnv => ({
  RUN_JOB_SLOTS: undefined,
  RUN_JOB_SHARDS: count > 1 ? String(count) : undefined,
  JOB_COMPLETION_INDEX: count > 1 ? String(index) : undefined,
});

/** Undefined while the database is away: then the run's exit code has to do. */
async function look({ server }: BackfillWork, slot: PlannedSlot): Promise<PlannedSlot | undefined> {
  try {
    return await withConnection(server, async (connection) =>
      lookAgain(connection, slot, await databaseNow(connection)),
    );
  } catch (error) {
    if (hasCode(error, 'ERR_RUN_JOB_UNAVAILABLE')) return undefined;
    throw error;
  }
}

function reasonToGiveUp({ slot, done, exitCode }: SlotEnd, inARow: number): string | undefined {
  if (done || exitCode === undefined) return undefined;
  const hopeless = HOPELESS.get(exitCode);
  if (hopeless !== undefined) return hopeless;
  const { name } = slot.schedule;
  if (slot.state === 'skipped' && slot.reason === 'paused') {
    return `${name} is paused; run-job resume ${name} ends that`;
  }
  if (inARow >= MOST_IN_A_ROW) {
    return `${inARow} runs in a row could not begin, since the lock, a place or something that they need was not to be had`;
  }
  return undefined;
}
