// `run-job list`: the jobs there are.
import { defineCommand } from 'citty';
import { loadConfig } from '../../app/config.ts';
import { findJobFiles, loadJob } from '../../app/job-files.ts';
import type { Job } from '../../job.ts';
import { EXIT } from '../../runner/outcome.ts';
import type { CommandData } from '../command.ts';
import { print, printJson, printTable } from '../terminal/print.ts';

export default defineCommand({
  meta: { name: 'list', description: 'List the jobs: name, description, timeout, needs' },
  args: { json: { type: 'boolean', description: 'Print JSON' } },
  async run({ args, data }) {
    const { home, env, commands } = data as CommandData;
    const config = loadConfig(env);
    const files = [...findJobFiles({ home, dirs: config.jobDirs, commands: Object.keys(commands) }).values()].sort(
      (a, b) => a.name.localeCompare(b.name),
    );
    const jobs = await Promise.all(files.map((file) => loadJob(home, file)));
    const defaultTimeout = `${config.defaultTimeoutMs / 1_000}s`;
    if (args.json) printJson(jobs.map((job) => toJson(job, defaultTimeout)));
    else if (jobs.length === 0) print('There are no jobs yet: run-job new <name> writes one\n');
    else printTable(['JOB', 'TIMEOUT', 'NEEDS', 'DESCRIPTION'], jobs.map(toRow(defaultTimeout)));
    return EXIT.ok;
  },
});

function toJson(job: Job, defaultTimeout: string) {
  return {
    name: job.name,
    description: job.description,
    timeout: job.timeout ?? defaultTimeout,
    attempts: job.retry?.attempts ?? 1,
    needs: job.needs,
  };
}

function toRow(defaultTimeout: string): (job: Job) => string[] {
  return ({ name, timeout, needs, description }) => [
    name,
    timeout ?? defaultTimeout,
    needs.join(', ') || '-',
    description,
  ];
}
