// `run-job <job>`: reads the command line of a run, and has it executed.
import { readConfig } from '../../app/config.ts';
import { executeRun } from '../../app/execute-run.ts';
import { findJobFile, loadJob } from '../../app/job-files.ts';
import { asJobName } from '../../app/known-names.ts';
import { redactorFor } from '../../app/redactor.ts';
import { EXIT } from '../../runner/outcome.ts';
import type { Invocation } from '../command.ts';
import { asksForHelp } from '../terminal/arguments.ts';
import { openTerminal } from '../terminal/run-terminal.ts';
import { RUN_ARGUMENTS, readCommandLine, readRunFlags } from './run-arguments.ts';

/** Runs the job with this name, and returns the exit code. */
export async function run(
  name: string,
  rawArgs: readonly string[],
  invocation: Invocation,
  commands: readonly string[],
): Promise<number> {
  const { env, home, stop, output } = invocation;
  const job = asJobName(name);
  if (asksForHelp(rawArgs)) {
    const { jobHelp } = await import('../terminal/help.ts');
    const { config } = readConfig(env);
    const file = findJobFile({ home, dirs: config.jobDirs, commands }, job);
    output.print(jobHelp(await loadJob(home, file), config.defaultTimeoutMs, redactorFor(env).text));
    return EXIT.ok;
  }
  const { order: read, log } = readCommandLine(rawArgs, RUN_ARGUMENTS, `run-job ${job}`, readRunFlags);
  const order = read.problem === undefined ? read : { ...read, problem: firstProblem(read.problem) };
  const startedAt = env.RUN_JOB_CATCH_UP
    ? await (await import('./catch-up-run.ts')).catchUpBefore(job, order, 1, invocation)
    : undefined;
  const summary = await executeRun(
    { job, ...order, startedAt },
    { env, home, stop, commands, ...openTerminal(log, output) },
  );
  return summary.exitCode;

  /** Whoever has named no job needn't hear first what its flags would be. */
  function firstProblem(ofFlags: unknown): unknown {
    try {
      findJobFile({ home, dirs: readConfig(env).config.jobDirs, commands }, job);
      return ofFlags;
    } catch (ofName) {
      return ofName;
    }
  }
}
