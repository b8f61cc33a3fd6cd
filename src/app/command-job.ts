// A program that was named on the command line, as a job.
import { type BaseContext, defineCommand, type ExitMeaning, type Job } from '../job.ts';
import type { ProgramOptions } from '../runner/ports.ts';

/** A program, as `run-job exec` is given it. */
export interface CommandOrder {
  readonly program: string;
  readonly args: readonly string[];
  readonly exitCodes: Readonly<Record<number, ExitMeaning>>;
  /** Whether its output goes untouched to where ours goes. */
  readonly raw: boolean;
}

/** The job that runs it; its name is what the run goes by. */
export function commandJob(name: string, { program, args, exitCodes, raw }: CommandOrder): Job {
  const options: ProgramOptions = { exitCodes, raw, inheritInput: true };
  const job: Job = defineCommand({ name, description: `Runs ${program}`, command: [program, ...args] });
  return Object.assign(job, {
    run: async ({ exec }: BaseContext<unknown>) => (await exec(program, args, options)).result,
  });
}
