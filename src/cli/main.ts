// From the command line to an exit code: a command of ours, or else the name of a job to run.
import { inspect } from 'node:util';
import { redactorFor } from '../app/redactor.ts';
import { loadDotEnv } from '../process/dot-env.ts';
import { EXIT, signalExitCode } from '../runner/outcome.ts';
import { statusOfError } from '../runner/verdict.ts';
import type { Invocation } from './command.ts';
import { exec } from './commands/exec-run.ts';
import { COMMANDS } from './commands/index.ts';
import { rerun } from './commands/rerun-run.ts';
import { run } from './commands/run.ts';
import { isTerminal, lostOutput, writeAll } from './terminal/stdio.ts';

const COLUMNS = 80;

/** Commands that others wait for: asked to stop, they first finish what was begun. */
const ENDS_ITSELF = ['serve'];

/** Does what the command line says, and returns the exit code. */
export async function main(invocation: Invocation): Promise<number> {
  const exitCode = await dispatch(invocation);
  const lost = lostOutput();
  if (lost === undefined) return exitCode;
  writeAll(2, `run-job: not all could be printed (${lost.message}): make room there, or send the output elsewhere\n`);
  return exitCode === EXIT.ok ? EXIT.unprinted : exitCode;
}

async function dispatch(invocation: Invocation): Promise<number> {
  const [name, ...rest] = asFlag(invocation.argv);
  const isJob = name !== undefined && !name.startsWith('-') && !Object.hasOwn(COMMANDS, name);
  try {
    loadDotEnv(invocation.env);
    if (isJob) {
      return await run(name, rest, invocation, Object.keys(COMMANDS));
    }
    if (name === 'exec') {
      return await exec(rest, invocation, Object.keys(COMMANDS));
    }
    if (name === 'rerun') {
      return await rerun(rest, invocation, Object.keys(COMMANDS));
    }
    if (name === 'backfill') {
      const { backfill } = await import('./commands/backfill-run.ts');
      return await backfill(rest, invocation);
    }
    const { runCommand } = await import('./commands/run-command.ts');
    const { home, env, stop } = invocation;
    const ended = runCommand(name, rest, { home, env, commands: COMMANDS, stop });
    return await (name !== undefined && ENDS_ITSELF.includes(name) ? ended : stop.race(ended));
  } catch (error) {
    return await tellError(error, invocation);
  }
}

/** `help hello` as `hello --help`. */
function asFlag(argv: readonly string[]): readonly string[] {
  const [first, name] = argv;
  if (first !== 'help') return argv;
  return name === undefined ? ['--help'] : [name, '--help'];
}

/** One clear sentence for what the user can mend; everything else is a bug, and gets its stack trace. */
async function tellError(error: unknown, { env, stop }: Invocation): Promise<number> {
  if (stop.cause?.kind === 'signal') return signalExitCode(stop.cause.signal);
  const { status, exitCode } = statusOfError(error);
  const redactor = redactorFor(env);
  // What isn't one of our own errors is a bug.
  if (status === 'failed') {
    writeAll(2, `${redactor.text(inspect(error))}\n`);
    return EXIT.crashed;
  }
  const message = redactor.text(`run-job: ${(error as Error).message}`);
  // On a terminal in whole words; elsewhere a message is one line.
  const lines = isTerminal(2)
    ? (await import('../log/wrap.ts')).wrap(message, Math.min(COLUMNS, process.stderr.columns || COLUMNS))
    : [message];
  writeAll(2, `${lines.join('\n')}\n`);
  return exitCode;
}
