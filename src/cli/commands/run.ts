// `run-job <job>`: reads the command line of a run, and has it executed.
import { readConfig } from '../../app/config.ts';
import { executeRun, type RunOrder, type Surroundings } from '../../app/execute-run.ts';
import { findJobFile, loadJob } from '../../app/job-files.ts';
import { EXIT } from '../../runner/outcome.ts';
import type { Invocation } from '../command.ts';
import { type CommandLine, readArguments } from '../terminal/arguments.ts';
import { openScreen } from '../terminal/screen.ts';
import { flushOutput, isTerminal, writeInOrder } from '../terminal/stdio.ts';
import { RUN_ARGUMENTS, readRunFlags } from './run-arguments.ts';

/** Runs the job with this name, and returns the exit code. */
export async function run(
  job: string,
  rawArgs: readonly string[],
  { env, home, stop }: Invocation,
  commands: readonly string[],
): Promise<number> {
  if (rawArgs.includes('--help') || rawArgs.includes('-h')) {
    const { jobHelp } = await import('../terminal/help.ts');
    const search = { home, dirs: readConfig(env).config.jobDirs, commands };
    process.stdout.write(jobHelp(await loadJob(home, findJobFile(search, job))));
    return EXIT.ok;
  }
  const { order, log } = readCommandLine(job, rawArgs);
  const screen = isTerminal(2) ? openScreen() : undefined;
  const summary = await executeRun(order, {
    env,
    home,
    stop,
    commands,
    log: {
      ...log,
      usualFormat: isTerminal(1) ? 'pretty' : 'json',
      write: (line) => (screen ? screen.writeLine(line) : writeInOrder(1, line)),
    },
    flushOutput,
    progressBar: screen?.progressBar,
  });
  return summary.exitCode;
}

/** A run whose flags can't be read still gets an outcome; it is told with the defaults. */
const DEFAULTS: Omit<RunOrder, 'job'> = {
  params: { json: {}, pairs: new Map() },
  dryRun: false,
  locked: 'wait',
  forced: false,
};

function readCommandLine(
  job: string,
  rawArgs: readonly string[],
): { order: RunOrder; log: Pick<Surroundings['log'], 'level' | 'format'> } {
  let line: CommandLine<typeof RUN_ARGUMENTS> | undefined;
  let order: RunOrder;
  try {
    line = readArguments(rawArgs, RUN_ARGUMENTS, `run-job ${job}`);
    order = { job, ...readRunFlags(line) };
  } catch (problem) {
    order = { job, ...DEFAULTS, problem };
  }
  return { order, log: { level: line?.args['log-level'], format: line?.args['log-format'] } };
}
