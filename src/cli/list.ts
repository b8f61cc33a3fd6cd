// `run-job list`: the jobs there are.
import { defineCommand } from 'citty';
import { loadConfig } from '../config.ts';
import type { Job } from '../job.ts';
import { EXIT } from '../runner/outcome.ts';
import { findJobFiles, loadJob } from './job-files.ts';
import { table } from './table.ts';

export default defineCommand({
  meta: { name: 'list', description: 'List the jobs: name, description, timeout, needs' },
  args: { json: { type: 'boolean', description: 'Print JSON' } },
  async run({ args, data }) {
    const { home, env } = data as { home: URL; env: NodeJS.ProcessEnv };
    const config = loadConfig(env);
    const files = [...findJobFiles(home, config.jobDirs).values()].sort((a, b) => a.name.localeCompare(b.name));
    const jobs = await Promise.all(files.map((file) => loadJob(home, file)));
    const defaultTimeout = `${config.defaultTimeoutMs / 1_000}s`;
    process.stdout.write(
      args.json
        ? `${JSON.stringify(
            jobs.map((job) => toJson(job, defaultTimeout)),
            null,
            2,
          )}\n`
        : toTable(jobs, defaultTimeout),
    );
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

function toTable(jobs: readonly Job[], defaultTimeout: string): string {
  if (jobs.length === 0) return 'There are no jobs yet: put a file with defineJob in a folder of RUN_JOB_DIRS\n';
  return table(
    ['JOB', 'TIMEOUT', 'NEEDS', 'DESCRIPTION'],
    jobs.map((job) => [job.name, job.timeout ?? defaultTimeout, job.needs.join(', ') || '-', job.description]),
  );
}
