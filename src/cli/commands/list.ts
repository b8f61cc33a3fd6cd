// `run-job list`: the jobs there are.
import { defineCommand } from 'citty';
import { loadConfig } from '../../app/config.ts';
import { findJobFiles, type JobFile, loadJob } from '../../app/job-files.ts';
import { redactorFor } from '../../app/redactor.ts';
import { hasCode } from '../../errors.ts';
import type { Job } from '../../job.ts';
import { EXIT } from '../../runner/outcome.ts';
import type { CommandData } from '../command.ts';
import { print, printJson, printTable } from '../terminal/print.ts';
import { writeAll } from '../terminal/stdio.ts';

export default defineCommand({
  meta: { name: 'list', description: 'List the jobs: name, description, timeout, needs' },
  args: { json: { type: 'boolean', description: 'Print JSON' } },
  async run({ args, data }) {
    const { home, env, commands } = data as CommandData;
    const config = loadConfig(env);
    const files = [...findJobFiles({ home, dirs: config.jobDirs, commands: Object.keys(commands) }).values()].sort(
      (a, b) => a.name.localeCompare(b.name),
    );
    const loaded = await Promise.all(files.map((file) => load(home, file)));
    const jobs = loaded.filter((one) => 'job' in one).map(({ job }) => job);
    const broken = loaded.filter((one) => 'problem' in one);
    const defaultTimeout = `${config.defaultTimeoutMs / 1_000}s`;
    const redactor = redactorFor(env);
    if (args.json) printJson(redactor.value([...jobs.map((job) => toJson(job, defaultTimeout)), ...broken]));
    else if (loaded.length === 0) print('There are no jobs yet: run-job new <name> writes one\n');
    else
      printTable(
        ['JOB', 'TIMEOUT', 'NEEDS', 'DESCRIPTION'],
        jobs.map(toRow(defaultTimeout)).map((row) => row.map(redactor.text)),
      );
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
