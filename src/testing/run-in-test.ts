// One run inside a test: the runner's own life of a run, with a world whose effects can be looked at.
import { checkJob } from '../app/check-job.ts';
import { configError, readConfig } from '../app/config.ts';
import { digestOf } from '../app/identity.ts';
import { validateParams } from '../app/params.ts';
import { redactorFor } from '../app/redactor.ts';
import { VERSION } from '../app/version.ts';
import { parseDuration } from '../duration.ts';
import type { CheckpointSchema, Job, JobDefinition, Need, OutgoingMessage, ParamsSchema } from '../job.ts';
import { createLogger } from '../log/logger.ts';
import { systemClock } from '../process/clock.ts';
import { newRunId } from '../process/run-id.ts';
import { usage } from '../process/usage.ts';
import { runOnce } from '../runner/lifecycle.ts';
import type { SlotProgress } from '../runner/ports.ts';
import type { RunRequest } from '../runner/request.ts';
import { Stop } from '../runner/stop.ts';
import { noTelemetry } from '../telemetry/noop.ts';
import { clockOf } from './clock.ts';
import type { KillSwitch } from './kill-switch.ts';
import { MemoryCheckpoints } from './memory-checkpoints.ts';
import { memoryDatabase } from './memory-database.ts';
import type { LogEntry, RunJobOptions, RunJobOutcome, Saved } from './options.ts';
import { testPrograms } from './programs.ts';
import { environmentOf, openSubstitutes, secretsOfPool } from './resources.ts';

/** Keeps the event loop from running empty, for which a test has nobody to blame; the deadline ends what hangs. */
const FOREVER_MS = 2 ** 31 - 1;

/** How a run in a test ended: without an outcome when it was killed. */
export interface Ended<Result> {
  readonly outcome?: RunJobOutcome<Result>;
  readonly saved: Saved;
}

/**
 * Runs a job once, as `runJob` does, and kills it where the switch says.
 * @throws {TypeError} the options lack what the job needs, or aren't what they should be
 */
export async function runInTest<
  Schema extends ParamsSchema | undefined,
  Needs extends Need,
  Result,
  Kept extends CheckpointSchema | undefined,
>(
  definition: JobDefinition<Schema, Needs, Result, Kept>,
  options: RunJobOptions<Schema>,
  kill?: KillSwitch,
): Promise<Ended<Result>> {
  const job = definition as unknown as Job;
  const env = environmentOf({ ...options, needs: job.needs });
  const { config, problems } = readConfig(env);
  const systemOrOwn = options.clock ? clockOf(options.clock) : systemClock;
  const clock = kill?.clock(systemOrOwn) ?? systemOrOwn;
  const startedAt = clock.now();
  const scheduledAt = new Date(options.scheduledAt ?? startedAt);
  if (Number.isNaN(scheduledAt.getTime())) throw new TypeError(`scheduledAt is no time: ${options.scheduledAt}`);
  const dryRun = options.dryRun ?? false;
  const stop = new Stop();
  const runId = newRunId(startedAt);
  const memory = new MemoryCheckpoints(progressOf(options.saved, runId));
  const killed = kill?.arm();
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
    runId,
    job: job.name,
    name: options.name ?? job.name,
    startedAt,
    scheduledAt,
    scheduledBy: options.scheduledAt === undefined ? 'start' : 'schedule',
    shard: options.shard ?? config.shard,
    dryRun,
    forced: false,
    restart: false,
    locked: 'skip',
    params: options.params ?? {},
    version: VERSION,
    place: config.place,
    lockWaitMs: 0,
    maxConcurrentJobs: config.maxConcurrentJobs,
    connectLimitMs: config.connectTimeoutMs,
    graceMs: duration('grace', options.grace) ?? config.graceMs,
    flushMs: 0,
    retries: 0,
    notifyMs: 0,
    recordMs: 10_000,
    historyDays: config.historyDays,
  };
  const timeoutMs = duration('timeout', options.timeout) ?? parseDuration(job.timeout ?? '') ?? config.defaultTimeoutMs;

  const onAbort = () => stop.request({ kind: 'signal', signal: 'SIGTERM' });
  if (options.signal?.aborted) onAbort();
  options.signal?.addEventListener('abort', onAbort, { once: true });
  const programs = testPrograms(options.exec, { env, runId, redactor, entries });
  let close = async (): Promise<void> => undefined;
  const alive = setInterval(() => undefined, FOREVER_MS);
  try {
    const ended = runOnce(request, {
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
      alerts: undefined,
      database: memoryDatabase(
        options.previousRuns ?? [],
        options.fence ?? startedAt.getTime() * 1_000,
        options.saved !== undefined,
      ),
      openCheckpoints: async () => kill?.around(memory) ?? memory,
      calendar: { blackoutAt: async () => undefined, latestSlot: async () => undefined },
      watchdog: { arm: () => undefined, claim: () => undefined },
      clock,
      terminationLog: { write: () => undefined },
      programs,
      lastLines: () => [],
      progressBar: undefined,
      shutDownSidecars: undefined,
      flushOutput: async () => 0,
      endOutput: () => undefined,
      usage,
      random: options.random ?? (() => 0),
      async prepare() {
        checkJob(job, { name: job.name, path: 'the job' });
        const given = { json: (options.params ?? {}) as Record<string, unknown>, pairs: new Map<string, string>() };
        const params = validateParams(job.params, given, env, job.name);
        if (problems.length > 0) throw configError(problems);
        return { job: kill?.aroundJob(job) ?? job, params, paramsDigest: digestOf(params), timeoutMs };
      },
      async open() {
        const surroundings = { config, dryRun, log, name: request.name, runId, published };
        const opened = await openSubstitutes(job, options, surroundings);
        memory.watch(opened.resources.postgres);
        close = async () => void (await Promise.allSettled(opened.close.map((each) => each.close())));
        return opened;
      },
    });
    const summary = await Promise.race([ended, ...(killed ? [killed] : [])]);
    if (summary === 'killed') {
      memory.hangUp();
      await Promise.all([programs.endAll(), close()]);
      return { saved: savedOf(memory.progress) };
    }
    const saved = savedOf(memory.progress);
    return { outcome: { ...summary, log: entries, published, counts, saved } as RunJobOutcome<Result>, saved };
  } finally {
    memory.unwatch();
    clearInterval(alive);
    options.signal?.removeEventListener('abort', onAbort);
  }
}

function progressOf({ checkpoint, steps }: Saved = { steps: [] }, runId: string): SlotProgress {
  return {
    value: checkpoint === undefined ? undefined : JSON.stringify(checkpoint),
    steps: steps.map((step) => ({ ...step, runId })),
  };
}

function savedOf({ value, steps }: SlotProgress): Saved {
  return {
    ...(value !== undefined && { checkpoint: JSON.parse(value) as unknown }),
    steps: steps.map(({ runId: _, ...step }) => step),
  };
}

function duration(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseDuration(text);
  if (ms === undefined) throw new TypeError(`${option} must be a duration such as 250ms or 90s, and is ${text}`);
  return ms;
}
