// `run-job rerun`: a run like a recorded one, here, or as a Job for Kubernetes.

import { executeRun } from '../../app/execute-run.ts';
import { EXIT } from '../../runner/outcome.ts';
import type { Invocation } from '../command.ts';
import { asksForHelp } from '../terminal/arguments.ts';
import { openTerminal } from '../terminal/run-terminal.ts';

/**
 * Runs it again, and returns the exit code.
 * @throws {UsageError | ConfigError | UnavailableError} there is no such run, or it can't be known what it did
 */
export async function rerun(
  rawArgs: readonly string[],
  { env, home, stop, output }: Invocation,
  commands: readonly string[],
): Promise<number> {
  if (asksForHelp(rawArgs)) {
    const [{ commandHelp }, { default: command }] = await Promise.all([
      import('../terminal/help.ts'),
      import('./rerun.ts'),
    ]);
    output.print(commandHelp('rerun', command));
    return EXIT.ok;
  }
  const { orderAgain } = await import('./rerun-order.ts');
  const again = await stop.race(orderAgain(rawArgs, env));
  if ('manifest' in again) {
    output.print(`${JSON.stringify(again.manifest, null, 2)}\n`);
    return EXIT.ok;
  }
  const surroundings = { env: again.env, home, stop, commands, ...openTerminal(again.log, output) };
  return (await executeRun(again.order, surroundings)).exitCode;
}
