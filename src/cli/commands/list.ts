// `run-job list`: the jobs there are.
import { defineCommand } from 'citty';
import { type Config, loadConfig } from '../../app/config.ts';
import { findJobFiles, type JobFile, loadJob, ownJobs } from '../../app/job-files.ts';
import { redactorFor } from '../../app/redactor.ts';
import { formatDuration } from '../../duration.ts';
import { hasCode } from '../../errors.ts';
import type { Job } from '../../job.ts';
import type { Schedule } from '../../postgres/schedules.ts';
import { EXIT } from '../../runner/outcome.ts';
import { type CommandData, jobSearch } from '../command.ts';
import { print, printJson, printWrapped } from '../terminal/print.ts';
import { isTerminal, writeAll } from '../terminal/stdio.ts';

export default defineCommand({
  meta: { name: 'list', description: 'List the jobs: name, schedule, timeout, needs, description' },
  args: {
    all: {
      type: 'boolean',
      description: 'Also those that came with run-job, which are listed where there are no others',
    },
    json: { type: 'boolean', description: 'Print JSON' },
  },
  async run({ args, data }) {
    const { home, env } = data as CommandData;
    const config = loadConfig(env);
    const found = [...findJobFiles(jobSearch(data as CommandData, config)).values()];
    const files = args.all ? found.sort((a, b) => a.name.localeCompare(b.name)) : ownJobs(found);
    const [loaded, schedules] = await Promise.all([
      Promise.all(files.map((file) => load(home, file))),
      readSchedules(config),
    ]);
    const jobs = loaded.filter((one) => 'job' in one).map(({ job }) => job);
    const broken = loaded.filter((one) => 'problem' in one);
    const defaultTimeout = `${config.defaultTimeoutMs / 1_000}s`;
    const redactor = redactorFor(env);
    if (args.json) {
      const told = jobs.map((job) => toJson(job, defaultTimeout, schedules?.get(job.name)));
      printJson(redactor.value([...told, ...broken]));
    } else if (loaded.length === 0) print('There are no jobs yet: run-job new <name> writes one\n');
    else {
      const head = ['JOB', ...(schedules ? ['SCHEDULE'] : []), 'TIMEOUT', 'NEEDS', 'DESCRIPTION'];
      const rows = jobs.map((job) => [
        job.name,
        ...(schedules ? [tellSchedules(schedules.get(job.name))] : []),
        job.timeout ?? formatDuration(config.defaultTimeoutMs),
        job.needs.join(', ') || '-',
        job.description,
      ]);
      printWrapped(
        head,
        rows.map((row) => row.map(redactor.text)),
      );
      const hidden = found.length - files.length;
      if (hidden > 0 && isTerminal(1)) print(`\n${hidden} more came with run-job: run-job list --all\n`);
    }
    // Each by itself: a file that is no job hides none of the others.
    for (const { problem } of broken) writeAll(2, `${redactor.text(problem)}\n`);
    return EXIT.ok;
  },
});

type Loaded = { readonly job: Job } | { readonly name: string; readonly problem: string };

async function load(home: URL, file: JobFile): Promise<Loaded> {
  try {
    return { job: await loadJob(home, file) };
  } catch (error) {
    if (!hasCode(error, 'ERR_RUN_JOB_CONFIG')) throw error;
    return { name: file.name, problem: error.message };
  }
}

/** The schedules in force, by job; undefined where there is no database to ask, or it doesn't tell. */
async function readSchedules({ databaseUrl, connectTimeoutMs }: Config) {
  if (databaseUrl === undefined) return undefined;
  try {
    const { schedulesByJob } = await import('../../app/job-schedules.ts');
    return await schedulesByJob(databaseUrl, connectTimeoutMs);
  } catch (error) {
    writeAll(2, `run-job: the schedules can't be told: ${(error as Error).message}\n`);
    return undefined;
  }
}

function toJson(job: Job, defaultTimeout: string, schedules: readonly Schedule[] = []) {
  return {
    name: job.name,
    description: job.description,
    timeout: job.timeout ?? defaultTimeout,
    attempts: job.retry?.attempts ?? 1,
    needs: job.needs,
    schedules: schedules.map(({ name, cron, timeZone, suspend }) => ({ name, cron, timeZone, suspend })),
  };
}

function tellSchedules(schedules: readonly Schedule[] = []): string {
  const [first, ...others] = schedules;
  if (first === undefined) return '-';
  if (others.length > 0) return `${schedules.length} schedules`;
  return [first.cron, first.timeZone !== 'Etc/UTC' && first.timeZone, first.suspend && '(suspended)']
    .filter(Boolean)
    .join(' ');
}
