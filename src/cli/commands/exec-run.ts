// `run-job exec`: any program as a job: the same life of a run, with a child process in it.
import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { NAME } from '../../app/check-job.ts';
import { executeRun } from '../../app/execute-run.ts';
import { didYouMean } from '../../app/suggest.ts';
import { UsageError } from '../../errors.ts';
import type { ExitMeaning } from '../../job.ts';
import { EXIT } from '../../runner/outcome.ts';
import type { Invocation } from '../command.ts';
import { asksForHelp } from '../terminal/arguments.ts';
import { openTerminal } from '../terminal/run-terminal.ts';
import { EXEC_ARGUMENTS } from './exec-arguments.ts';
import { type Order, readCommandLine, readRunFlags } from './run-arguments.ts';

const MEANINGS: readonly ExitMeaning[] = [
  'succeeded',
  'continued',
  'failed',
  'permanent',
  'rejected',
  'unavailable',
  'skipped',
  'misconfigured',
];

/**
 * Runs the program, and returns the exit code.
 * @throws {UsageError} the run has no name under which it could be told of anything else that is wrong
 */
export async function exec(
  rawArgs: readonly string[],
  invocation: Invocation,
  commands: readonly string[],
): Promise<number> {
  const { env, home, stop, output } = invocation;
  const end = rawArgs.indexOf('--');
  const own = end === -1 ? rawArgs : rawArgs.slice(0, end);
  if (asksForHelp(own)) {
    const [{ commandHelp }, { default: command }] = await Promise.all([
      import('../terminal/help.ts'),
      import('./exec.ts'),
    ]);
    output.print(commandHelp('exec', command));
    return EXIT.ok;
  }
  const [name, ...flags] = own;
  if (name === undefined || name.startsWith('-')) {
    throw new UsageError('name the run first: run-job exec <name> [flags] -- program args...');
  }
  if (!NAME.test(name)) {
    throw new UsageError(
      `the name of a run has 1 to 100 letters, digits, dots, dashes and underscores, begins and ends with a letter or digit, and is ${JSON.stringify(name)}`,
    );
  }
  const { name: _, ...definition } = EXEC_ARGUMENTS;
  const { order, log } = readCommandLine(flags, definition, `run-job exec ${name}`, ({ args, repeated }): Order => {
    const [program, ...rest] = rawArgs.slice(end + 1);
    if (program === undefined) throw nothingToRun(name);
    refuseOtherEncodings(rawArgs);
    const exitCodes = readExitCodes(repeated.get('exit-code') ?? []);
    return {
      ...readRunFlags({ args, repeated }),
      command: { program, args: rest, raw: args.raw ?? false, exitCodes },
    };
  });
  // Without the dashes the program's own flags were read as ours: what is wrong with those is no news.
  const problem = end === -1 ? nothingToRun(name) : order.problem;
  const startedAt = env.RUN_JOB_CATCH_UP
    ? await (await import('./catch-up-run.ts')).catchUpBefore(name, { ...order, problem }, 2, invocation)
    : undefined;
  const summary = await executeRun(
    { ...order, job: name, problem, startedAt },
    { env, home, stop, commands, ...openTerminal(log, output) },
  );
  return summary.exitCode;
}

function nothingToRun(name: string): UsageError {
  return new UsageError(`say after -- what to run: run-job exec ${name} [flags] -- program args...`);
}

/** Node reads arguments as UTF-8: the program would be given other ones, and perhaps do other work, than whoever typed them meant. */
function refuseOtherEncodings(args: readonly string[]): void {
  if (process.platform !== 'linux' || !args.some((arg) => arg.includes('\ufffd'))) return;
  if (isUtf8(readFileSync('/proc/self/cmdline'))) return;
  throw new UsageError(
    "an argument isn't UTF-8, so that the program would get another one: rename the file, or name it in a script",
  );
}

function readExitCodes(texts: readonly string[]): Record<number, ExitMeaning> {
  const codes: Record<number, ExitMeaning> = {};
  for (const text of texts) {
    const [, code, meaning = ''] = /^(\d{1,3})=(.*)$/.exec(text) ?? [];
    if (code === undefined || Number(code) > 255 || Number(code) === 0) {
      throw new UsageError(
        `--exit-code takes code=meaning with a code from 1 to 255, such as 24=succeeded, and is ${text}`,
      );
    }
    if (!(MEANINGS as readonly string[]).includes(meaning)) {
      throw new UsageError(
        `--exit-code ${code} must mean ${MEANINGS.join(', ')}, and means ${meaning}${didYouMean(meaning, MEANINGS)}`,
      );
    }
    if (codes[Number(code)] !== undefined) throw new UsageError(`--exit-code ${code} is given twice; give it once`);
    codes[Number(code)] = meaning as ExitMeaning;
  }
  return codes;
}
