// What the executable hands to the command line, and the command line to a command.
import type { ArgsDef, CommandDef } from 'citty';
import type { Config } from '../app/config.ts';
import type { JobSearch } from '../app/job-files.ts';
import type { Stop } from '../runner/stop.ts';
import type { Output } from './terminal/stdio.ts';

/** What the executable gives us. */
export interface Invocation {
  readonly argv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** The folder that holds the executable, and the jobs that ship beside it. */
  readonly home: URL;
  readonly stop: Stop;
  readonly output: Output;
}

/** The commands by name, each a module that is loaded only when it is called. */
export type Commands = Readonly<Record<string, () => Promise<{ default: unknown }>>>;

/** What every command gets as `data`. */
export interface CommandData {
  readonly home: URL;
  readonly env: NodeJS.ProcessEnv;
  readonly commands: Commands;
  /** For a command that ends in its own time when it is asked to stop; see `ENDS_ITSELF`. */
  readonly stop: Stop;
}

/** What a command gets that is called by a command line. */
export interface CalledData extends CommandData {
  /** Every value of the flags that take one and were given, in order. */
  readonly repeated: ReadonlyMap<string, readonly string[]>;
}

/** Loads a command. citty's type of a command is invariant in its arguments, which nobody needs here. */
export async function loadCommand(commands: Commands, name: string): Promise<CommandDef<ArgsDef>> {
  const load = commands[name];
  if (!load) throw new Error(`no command is named ${name}`);
  return (await load()).default as CommandDef<ArgsDef>;
}

/** Where a command looks for jobs. */
export function jobSearch(
  { home, commands }: Pick<CommandData, 'home' | 'commands'>,
  { jobDirs }: Pick<Config, 'jobDirs'>,
): JobSearch {
  return { home, dirs: jobDirs, commands: Object.keys(commands) };
}
