// Runs a command of ours. It is defined with citty, and called here: citty's runCommand would read the command line a second time.
import type { ArgsDef } from 'citty';
import { readConfig } from '../../app/config.ts';
import { shutDownSidecars } from '../../process/sidecars.ts';
import { EXIT } from '../../runner/outcome.ts';
import { type CalledData, type CommandData, loadCommand } from '../command.ts';
import { asksForHelp, readArguments } from '../terminal/arguments.ts';
import { commandHelp } from '../terminal/help.ts';
import { printAll } from '../terminal/stdio.ts';
import { topLevel } from './top-level.ts';

/** The commands that the chart gives a pod of their own, which an injected sidecar would keep alive. */
const OF_A_POD = ['migrate', 'doctor', 'notify'];

/**
 * Runs the command, or what `run-job` alone means, and returns the exit code.
 * @throws {UsageError} the command line can't be understood
 */
export async function runCommand(
  name: string | undefined,
  rest: readonly string[],
  data: CommandData,
): Promise<number> {
  if (name === undefined || name.startsWith('-')) {
    return topLevel(name, data);
  }
  const command = await loadCommand(data.commands, name);
  if (asksForHelp(rest)) {
    printAll(commandHelp(name, command));
    return EXIT.ok;
  }
  const { args, repeated } = readArguments(rest, (command.args ?? {}) as ArgsDef, `run-job ${name}`);
  try {
    const called: CalledData = { ...data, repeated };
    const result: unknown = await command.run?.({ rawArgs: [...rest], args, cmd: command, data: called });
    return typeof result === 'number' ? result : EXIT.ok;
  } finally {
    // As at the end of a run; the others are called in a pod that goes on.
    if (OF_A_POD.includes(name)) await shutDownSidecars(readConfig(data.env).config.shutdownUrls);
  }
}
