// The words that can stand where the cursor is.
import type { ArgDef, ArgsDef } from 'citty';
import { readConfig } from '../../app/config.ts';
import { findJobFiles, loadJob } from '../../app/job-files.ts';
import { describeParams } from '../../app/param-schema.ts';
import { type CommandData, jobSearch, loadCommand } from '../command.ts';
import { COMPLETION_SCRIPTS } from '../terminal/completion-scripts.ts';
import { RUN_ARGUMENTS } from './run-arguments.ts';

/** Commands whose argument is a job. */
const OF_A_JOB = new Set(['history', 'status', 'unlock', 'pause', 'resume', 'backfill', 'why']);

/** Flags whose value is one. */
const FLAGS_OF_A_JOB: readonly unknown[] = ['--jobs', '--name'];

/** What other commands can be told to do. */
const ACTIONS: Readonly<Record<string, readonly string[]>> = {
  schedules: ['apply'],
  checkins: ['test'],
  completion: Object.keys(COMPLETION_SCRIPTS),
};

/**
 * What the last of `words` can become; the others stand before it, without `run-job` itself. What can't be found out (a job that
 * doesn't load, a folder that can't be read) completes to nothing: a shell is no place for an error.
 */
export async function completionsFor(words: readonly string[], data: CommandData): Promise<string[]> {
  const [name = '', ...rest] = words;
  const last = words.at(-1) ?? '';
  const candidates = await candidatesFor(name, rest, data).catch(() => []);
  return candidates.filter((candidate) => candidate.startsWith(last));
}

async function candidatesFor(
  name: string,
  rest: readonly string[],
  { home, env, commands }: CommandData,
): Promise<string[]> {
  const files = findJobFiles(jobSearch({ home, commands }, readConfig(env).config));
  const jobs = [...files.keys()].sort();
  if (rest.length === 0) return [...jobs, ...Object.keys(commands), '--help', '--version'];
  const file = files.get(name);
  const definition: ArgsDef = file ? RUN_ARGUMENTS : ((await loadCommand(commands, name)).args as ArgsDef);
  const before = rest.at(-2);
  if (before === '--param' && file) {
    return describeParams((await loadJob(home, file)).params).map((param) => `${param.name}=`);
  }
  const flag = before?.startsWith('--') ? definition[before.slice(2)] : undefined;
  if (flag && flag.type !== 'boolean' && flag.type !== 'positional') {
    return FLAGS_OF_A_JOB.includes(before) ? jobs : [...optionsOf(flag)];
  }
  const [, own] = /^--([^=]+)=/.exec(rest.at(-1) ?? '') ?? [];
  if (own !== undefined) return optionsOf(definition[own]).map((option) => `--${own}=${option}`);
  if (rest.at(-1)?.startsWith('-')) {
    const flags = Object.entries(definition).filter(([, { type }]) => type !== 'positional');
    return [...flags.map(([each]) => `--${each}`), '--help'];
  }
  if (OF_A_JOB.has(name)) return jobs;
  if (name === 'help') return [...jobs, ...Object.keys(commands)];
  return [...(ACTIONS[name] ?? [])];
}

const optionsOf = (flag: ArgDef | undefined): readonly string[] =>
  (flag as { options?: readonly string[] } | undefined)?.options ?? [];
