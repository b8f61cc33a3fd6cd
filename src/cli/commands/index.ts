// The commands that aren't jobs. Each is a file of its own, loaded only when it is called; no job can have its name.
import type { ArgsDef, CommandDef } from 'citty';

/** Every command, by name, in the order in which help lists them. */
export const COMMANDS: Readonly<Record<string, () => Promise<{ default: unknown }>>> = {
  list: () => import('./list.ts'),
  history: () => import('./history.ts'),
  status: () => import('./status.ts'),
  show: () => import('./show.ts'),
  unlock: () => import('./unlock.ts'),
  migrate: () => import('./migrate.ts'),
  doctor: () => import('./doctor.ts'),
  new: () => import('./new.ts'),
  completion: () => import('./completion.ts'),
};

/** Loads a command. citty's type of a command is invariant in its arguments, which nobody needs here. */
export async function loadCommand(name: string): Promise<CommandDef<ArgsDef>> {
  const load = COMMANDS[name];
  if (!load) throw new Error(`no command is named ${name}`);
  return (await load()).default as CommandDef<ArgsDef>;
}
