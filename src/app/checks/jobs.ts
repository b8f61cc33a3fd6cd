// Is there what certain jobs need: their files, their variables, and what they themselves ask for?
import { ConfigError, hasCode, UnavailableError } from '../../errors.ts';
import type { Job } from '../../job.ts';
import { openPool } from '../../postgres/job-pool.ts';
import { parseServer } from '../../postgres/server.ts';
import { limited, StepTimeout } from '../../runner/limited.ts';
import { NO_SPAN } from '../../telemetry/noop.ts';
import { type Config, missingFor } from '../config.ts';
import { findJobFile, type JobSearch, loadJob } from '../job-files.ts';
import { neededBy } from '../resources.ts';
import { type Finding, find } from './check.ts';

/** How long a job's own check may take. */
const CHECK_LIMIT_MS = 30_000;

/** Which jobs, and where they are. */
export interface JobsToCheck {
  readonly names: readonly string[];
  readonly search: JobSearch;
  readonly config: Config;
  /** Whether their runs only say what they would do: those need no broker. */
  readonly dryRun: boolean;
}

/** Looks at each of the jobs; what is misconfigured for one of them would end its runs with 64 or 78. */
export async function checkJobs({ names, search, config, dryRun }: JobsToCheck): Promise<Finding[]> {
  const looks = names.map((name) =>
    find(name, async () => {
      const job = await loadJob(search.home, findJobFile(search, name));
      const missing = missingFor({ needs: neededBy(job, dryRun), keeps: job.checkpoint !== undefined }, config);
      if (missing.length > 0) throw new ConfigError(missing.join('; '));
      await ask(job, config);
      return [{ check: name, verdict: 'ok', message: tellNeeds(job) }];
    }),
  );
  return (await Promise.all(looks)).flat();
}

function tellNeeds({ needs, check }: Job): string {
  const all = [...needs, ...(check ? ['what it asks for itself'] : [])];
  return all.length > 0 ? `the job has what it needs: ${all.join(', ')}` : 'the job needs nothing';
}

/** The job's own check, on a pool that is closed again. */
async function ask(job: Job, config: Config): Promise<void> {
  if (!job.check) return;
  const signal = AbortSignal.timeout(CHECK_LIMIT_MS);
  const server =
    job.needs.includes('postgres') && config.databaseUrl
      ? parseServer(config.databaseUrl, { name: 'doctor' }, config.connectTimeoutMs)
      : undefined;
  const opened = server && openPool(server, { max: 2 });
  // Which of these are there is what its needs say: the types are the author's.
  const context = {
    signal,
    span: (_name: string, _options: object, step: (span: typeof NO_SPAN) => unknown) => step(NO_SPAN),
    postgres: opened?.pool,
  };
  try {
    const checked = Promise.resolve(job.check(context as unknown as Parameters<NonNullable<Job['check']>>[0]));
    await limited("the job's own check", CHECK_LIMIT_MS, checked);
  } catch (error) {
    if (error instanceof StepTimeout)
      throw new UnavailableError(`The job's own check took longer than ${CHECK_LIMIT_MS / 1_000} s`);
    if (isOurs(error)) throw error;
    throw new ConfigError(`The job's own check failed: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    await opened?.close();
  }
}

/** An error that says itself whether anybody can mend it. */
const isOurs = (error: unknown): boolean =>
  (['ERR_RUN_JOB_CONFIG', 'ERR_RUN_JOB_PERMANENT', 'ERR_RUN_JOB_UNAVAILABLE'] as const).some((code) =>
    hasCode(error, code),
  );
