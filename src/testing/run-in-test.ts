// One run inside a test: the runner's own life of a run, with a world whose effects can be looked at.
import { checkJob } from '../app/check-job.ts';
import { configError, readConfig } from '../app/config.ts';
import { digestOf } from '../app/identity.ts';
import { validateParams } from '../app/params.ts';
import { redactorFor } from '../app/redactor.ts';
import { VERSION } from '../app/version.ts';
import { parseDuration } from '../duration.ts';
import type { Job, JobDefinition, Need, OutgoingMessage, ParamsSchema } from '../job.ts';
import { createLogger } from '../log/logger.ts';
import { systemClock } from '../process/clock.ts';
import { newRunId } from '../process/run-id.ts';
import { usage } from '../process/usage.ts';
import { runOnce } from '../runner/lifecycle.ts';
import type { RunRequest } from '../runner/request.ts';
import { Stop } from '../runner/stop.ts';
import { noTelemetry } from '../telemetry/noop.ts';
import { clockOf } from './clock.ts';
import { memoryDatabase } from './memory-database.ts';
import type { LogEntry, RunJobOptions, RunJobOutcome } from './options.ts';
import { testPrograms } from './programs.ts';
import { environmentOf, openSubstitutes, secretsOfPool } from './resources.ts';

/** Keeps the event loop from running empty, for which a test has nobody to blame; the deadline ends what hangs. */
const FOREVER_MS = 2 ** 31 - 1;

/**
 * Runs a job once, in this process: parameters, attempts, deadline, grace and verdict are the runner's own. Nothing is locked or
 * recorded, nothing is written to the process's output, and the process lives on.
 *
 * What only a process of its own can show isn't shown: an exception outside the job's promise is the test runner's, and a blocked
 * event loop blocks the test.
 *
 * @throws {TypeError} the options lack what the job needs, or aren't what they should be: the test is wrong, not the job
 *
 * @example
 * const { status, result } = await runJob(hello, { params: { to: 'Ada' } });
 */
export async function runJob<Schema extends ParamsSchema | undefined, Needs extends Need, Result>(
  definition: JobDefinition<Schema, Needs, Result>,
  options: RunJobOptions<Schema> = {},
): Promise<RunJobOutcome<Result>> {
  const job = definition as Job;
  const env = environmentOf({ ...options, needs: job.needs });
  const { config, problems } = readConfig(env);
  const clock = options.clock ? clockOf(options.clock) : systemClock;
  const startedAt = clock.now();
  const scheduledAt = new Date(options.scheduledAt ?? startedAt);
  if (Number.isNaN(scheduledAt.getTime())) throw new TypeError(`scheduledAt is no time: ${options.scheduledAt}`);
  const dryRun = options.dryRun ?? false;
  const stop = new Stop();
  const published: OutgoingMessage[] = [];
  const counts: Record<string, number> = {};
  const entries: LogEntry[] = [];
  const redactor = redactorFor({ ...env, ...secretsOfPool(options.postgres) });
  const log = await createLogger({
    format: 'json',
    level: 'debug',
    redact: redactor,
    bindings: () => ({}),
    write: () => undefined,
    onLine: ({ level, message, fields }) => entries.push({ level, message, fields }),
  });

  const request: RunRequest = {
    runId: newRunId(startedAt),
    job: job.name,
    name: options.name ?? job.name,
    startedAt,
    scheduledAt,
    scheduledBy: options.scheduledAt === undefined ? 'start' : 'schedule',
    shard: options.shard ?? config.shard,
    dryRun,
    forced: false,
    locked: 'skip',
    params: options.params ?? {},
    version: VERSION,
    place: config.place,
    lockWaitMs: 0,
    maxConcurrentJobs: config.maxConcurrentJobs,
    connectLimitMs: config.connectTimeoutMs,
    graceMs: duration('grace', options.grace) ?? config.graceMs,
    flushMs: 0,
    recordMs: 10_000,
    historyDays: config.historyDays,
  };
  const timeoutMs = duration('timeout', options.timeout) ?? parseDuration(job.timeout ?? '') ?? config.defaultTimeoutMs;

  const onAbort = () => stop.request({ kind: 'signal', signal: 'SIGTERM' });
  if (options.signal?.aborted) onAbort();
  options.signal?.addEventListener('abort', onAbort, { once: true });
  const alive = setInterval(() => undefined, FOREVER_MS);
  try {
    const summary = await runOnce(request, {
      stop,
      log,
      redactor,
      telemetry: {
        ...noTelemetry(env),
        count: (item, amount) => {
          const told = redactor.text(String(item));
          counts[told] = (counts[told] ?? 0) + amount;
        },
      },
      database: memoryDatabase(options.previousRuns ?? [], options.fence ?? startedAt.getTime() * 1_000),
      calendar: { blackoutAt: async () => undefined, latestSlot: async () => undefined },
      watchdog: { arm: () => undefined, claim: () => undefined },
      clock,
      terminationLog: { write: () => undefined },
      programs: testPrograms(options.exec, { env, runId: request.runId, redactor, entries }),
      lastLines: () => [],
      progressBar: undefined,
      shutDownSidecars: undefined,
      flushOutput: async () => 0,
      usage,
      random: options.random ?? (() => 0),
      async prepare() {
        checkJob(job, { name: job.name, path: 'the job' });
        const given = { json: (options.params ?? {}) as Record<string, unknown>, pairs: new Map<string, string>() };
        const params = validateParams(job.params, given, env, job.name);
        if (problems.length > 0) throw configError(problems);
        return { job, params, paramsDigest: digestOf(params), timeoutMs };
      },
      open: () =>
        openSubstitutes(job, options, { config, dryRun, log, name: request.name, runId: request.runId, published }),
    });
    return { ...summary, log: entries, published, counts } as RunJobOutcome<Result>;
  } finally {
    clearInterval(alive);
    options.signal?.removeEventListener('abort', onAbort);
  }
}

function duration(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseDuration(text);
  if (ms === undefined) throw new TypeError(`${option} must be a duration such as 250ms or 90s, and is ${text}`);
  return ms;
}
