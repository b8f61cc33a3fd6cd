// `runJob`: what a test calls.
import type { CheckpointSchema, JobDefinition, Need, ParamsSchema } from '../job.ts';
import { interrupted } from './interrupted.ts';
import type { RunJobOptions, RunJobOutcome } from './options.ts';
import { runInTest } from './run-in-test.ts';

/**
 * Runs a job once, in this process: parameters, attempts, deadline, grace and verdict are the runner's own. Nothing is locked or
 * recorded, nothing is written to the process's output, and the process lives on. `runJob.interrupted` runs it many times, and kills it
 * wherever it saves its progress.
 *
 * What only a process of its own can show isn't shown: an exception outside the job's promise is the test runner's, and a blocked
 * event loop blocks the test.
 *
 * @throws {TypeError} the options lack what the job needs, or aren't what they should be: the test is wrong, not the job
 *
 * @example
 * const { status, result } = await runJob(hello, { params: { to: 'Ada' } });
 */
export const runJob: RunJob = Object.assign(once, { interrupted });

/** How a job is run inside a test. */
export interface RunJob {
  <
    Schema extends ParamsSchema | undefined,
    Needs extends Need,
    Result,
    Kept extends CheckpointSchema | undefined = undefined,
  >(
    definition: JobDefinition<Schema, Needs, Result, Kept>,
    options?: RunJobOptions<Schema>,
  ): Promise<RunJobOutcome<Result>>;
  readonly interrupted: typeof interrupted;
}

async function once<
  Schema extends ParamsSchema | undefined,
  Needs extends Need,
  Result,
  Kept extends CheckpointSchema | undefined,
>(
  definition: JobDefinition<Schema, Needs, Result, Kept>,
  options: RunJobOptions<Schema> = {},
): Promise<RunJobOutcome<Result>> {
  const { outcome } = await runInTest(definition, options);
  // Only what is killed has none.
  return outcome as RunJobOutcome<Result>;
}
