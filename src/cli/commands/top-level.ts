// `run-job` without a name: help and version.
import type { CommandMeta } from 'citty';
import { readConfig } from '../../app/config.ts';
import { findJobFiles, ownJobs } from '../../app/job-files.ts';
import { redactorFor } from '../../app/redactor.ts';
import { didYouMean } from '../../app/suggest.ts';
import { VERSION } from '../../app/version.ts';
import { UsageError } from '../../errors.ts';
import { EXIT } from '../../runner/outcome.ts';
import { type CommandData, jobSearch, loadCommand } from '../command.ts';
import { columns } from '../terminal/help.ts';
import { printAll, writeAll } from '../terminal/stdio.ts';

/**
 * Prints help or the version.
 * @throws {UsageError} no name was given, or an unknown flag
 */
export async function topLevel(flag: string | undefined, data: CommandData): Promise<number> {
  if (flag === '--version' || flag === '-v') {
    printAll(`${VERSION}\n`);
    return EXIT.ok;
  }
  if (flag === '--help' || flag === '-h') {
    printAll(await help(data));
    return EXIT.ok;
  }
  if (flag === undefined) {
    writeAll(2, await help(data));
    throw new UsageError('name a job or a command');
  }
  const meant = didYouMean(flag, ['--help', '--version']);
  throw new UsageError(
    `${flag} is no flag of run-job itself${meant || `; name a job or a command first, as in run-job <job> ${flag}`}`,
  );
}

async function help({ home, env, commands }: CommandData): Promise<string> {
  const rows = await Promise.all(
    Object.keys(commands).map(async (name) => {
      const meta = (await loadCommand(commands, name)).meta as CommandMeta;
      return [name, meta.description ?? ''] as const;
    }),
  );
  const redact = redactorFor(env).text;
  const files = findJobFiles(jobSearch({ home, commands }, readConfig(env).config));
  const jobs = ownJobs(files.values()).map(({ name }) => name);
  return `${[
    'Runs one job once, honestly: locked, recorded, within its deadline.',
    '',
    'Usage: run-job <job> [flags]',
    '       run-job <command> [flags]',
    '',
    'Jobs (run-job list says more)',
    columns(jobs.map((job) => [redact(job), ''])) || '  none',
    '',
    'Commands',
    columns(rows),
    '',
    columns([
      ['run-job <job> --help', 'The job’s parameters, and the flags of a run'],
      ['run-job --version', 'The version'],
    ]),
  ].join('\n')}\n`;
}
