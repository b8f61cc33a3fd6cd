// `runJob.interrupted`: a job that goes on where it was ends as one that was never interrupted, wherever it is killed.
import { AssertionError, deepStrictEqual } from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import type { CheckpointSchema, JobDefinition, Need, ParamsSchema } from '../job.ts';
import { type KillPoint, KillSwitch } from './kill-switch.ts';
import type { RunJobOptions, RunJobOutcome, Saved } from './options.ts';
import { runInTest } from './run-in-test.ts';

/** What `runJob.interrupted` asks for beside the options of each run. */
export interface InterruptedOptions<Schema extends ParamsSchema | undefined = ParamsSchema | undefined>
  extends Omit<RunJobOptions<Schema>, 'saved'> {
  /** Makes everything as it is before the job's first run: called before each series of runs. */
  readonly begin: () => Promise<unknown> | unknown;
  /**
   * What the job has done, to be compared: rows, files, messages, as plain data. Read when the slot has succeeded; and once before the
   * first run, from which it must differ: what shows nothing of the job's work can show nothing that is wrong with it.
   */
  readonly state: () => Promise<unknown> | unknown;
  /** Most places at which the job is killed, spread evenly when it saves more often. 50 unless said. */
  readonly most?: number;
}

/** What was tried. */
export interface Interruptions {
  /** How many times the job saves a checkpoint or does a step when nobody interrupts it. */
  readonly saves: number;
  /** How many times it was killed: each time in a series of runs of its own, which may have saved less often. */
  readonly kills: number;
}

/** A slot that has asked for so many new pods never ends. */
const MOST_RUNS = 1_000;

/**
 * Runs the job to its end, and then again for each of its saves: killed right before it, run on; killed right after it, run on; and once
 * killed when it has returned and nobody knows yet. Each time the slot must succeed with the state that it has without an interruption.
 * @throws {AssertionError} it doesn't; the message says where it was killed
 * @throws {TypeError} as `runJob` does; or the job saves nothing, so that there is nothing to interrupt; or `state` shows nothing of its work
 *
 * @example
 * await runJob.interrupted(copyRows, {
 *   postgres: url,
 *   begin: () => sql('TRUNCATE target'),
 *   state: () => sql('SELECT id FROM target ORDER BY id'),
 * });
 */
export async function interrupted<
  Schema extends ParamsSchema | undefined,
  Needs extends Need,
  Result,
  Kept extends CheckpointSchema | undefined,
>(job: JobDefinition<Schema, Needs, Result, Kept>, options: InterruptedOptions<Schema>): Promise<Interruptions> {
  const { begin, state, most = 50, ...rest } = options;
  // One slot, whatever the clock says.
  const run = { scheduledAt: new Date(), ...rest };
  const series = async (point?: KillPoint): Promise<{ state: unknown; saves: number; killed: boolean }> => {
    await begin();
    return runs(point);
  };
  const runs = async (point?: KillPoint): Promise<{ state: unknown; saves: number; killed: boolean }> => {
    const kill = new KillSwitch(point);
    let saved: Saved | undefined;
    for (let count = 0; count < MOST_RUNS; count += 1) {
      const { outcome, saved: left } = await runInTest(job, { ...run, ...(saved && { saved }) }, kill);
      saved = left;
      if (outcome === undefined || outcome.status === 'continued') continue;
      if (outcome.status === 'succeeded')
        return { state: snapshot(await state()), saves: kill.saves, killed: kill.killed };
      throw new AssertionError({ message: `${tell(point)}, the job ended as ${tellEnd(outcome)}` });
    }
    throw new AssertionError({ message: `${tell(point)}, the job didn't end in ${MOST_RUNS} runs` });
  };

  await begin();
  // What can't be read before there is anything is another state too.
  const before = await (async () => snapshot(await state()))().catch(() => NOT_READ);
  const whole = await runs();
  if (whole.saves === 0)
    throw new TypeError('The job saves no checkpoint and does no step: there is nothing to go on from');
  if (isDeepStrictEqual(before, whole.state)) {
    throw new TypeError(
      'state gives the same before the first run and after the last, so that nothing could be found by it: return what the job changes, such as the rows that it writes',
    );
  }
  let kills = 0;
  for (const point of spread(whole.saves, most)) {
    if (point === 'end' && kills === 0) {
      throw new AssertionError({
        message: `The job saved ${whole.saves} times in its first run and never again, so that it was not killed once: make everything in begin as it is before that run`,
      });
    }
    const { state: found, killed } = await series(point);
    if (killed) kills += 1;
    deepStrictEqual(
      found,
      whole.state,
      `${tell(point)}, the job ended with another state than without an interruption`,
    );
  }
  return { saves: whole.saves, kills };
}

const NOT_READ = Symbol('not read');

/** As it is now: the test may go on to change what it gave. */
function snapshot(state: unknown): unknown {
  try {
    return structuredClone(state);
  } catch (cause) {
    throw new TypeError('state gives what can not be copied, such as a function: return plain data', { cause });
  }
}

/** Both sides of each save, or of as many as are wanted, and the end. */
function spread(saves: number, most: number): KillPoint[] {
  const wanted = Math.max(1, Math.min(saves, Math.floor((most - 1) / 2)));
  const chosen = new Set(
    Array.from({ length: wanted }, (_, i) => 1 + Math.floor((i * (saves - 1)) / Math.max(1, wanted - 1))),
  );
  const atSaves = [...chosen].flatMap((save) => [
    { save, when: 'before' as const },
    { save, when: 'after' as const },
  ]);
  return [...atSaves, 'end'];
}

const tell = (point: KillPoint | undefined): string =>
  point === 'end'
    ? 'Killed when it had returned, before its success was known'
    : point
      ? `Killed right ${point.when} save ${point.save}`
      : 'Without an interruption';

const tellEnd = ({ status, exitCode, error }: RunJobOutcome<unknown>): string =>
  `${status} (${exitCode})${error ? `: ${error.message}` : ''}`;
