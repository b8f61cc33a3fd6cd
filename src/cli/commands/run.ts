// `run-job <name>`: puts the runner, the adapters and the job together for one run.
import { type Config, configError, missingFor, readConfig } from '../../app/config.ts';
import { locate, openDatabase } from '../../app/database.ts';
import { findJobFile, findJobFiles, loadJob } from '../../app/job-files.ts';
import { validateParams } from '../../app/params.ts';
import { neededBy, openResources } from '../../app/resources.ts';
import { VERSION } from '../../app/version.ts';
import { createLogger, type LogFormat, type LogLevel } from '../../log/logger.ts';
import { processStart } from '../../process/clock.ts';
import { newRunId } from '../../process/run-id.ts';
import { createWatchdog } from '../../process/watchdog.ts';
import { parseDuration } from '../../runner/duration.ts';
import { live } from '../../runner/lifecycle.ts';
import { EXIT } from '../../runner/outcome.ts';
import { createRedactor, secretsOf } from '../../runner/redact.ts';
import type { RunRequest } from '../../runner/request.ts';
import { slotFromJobName } from '../../runner/scheduled-time.ts';
import { noTelemetry } from '../../telemetry/noop.ts';
import { openTelemetry } from '../../telemetry/open.ts';
import type { Invocation } from '../main.ts';
import { checkArguments, type StrictArguments } from '../terminal/arguments.ts';
import { openScreen } from '../terminal/screen.ts';
import { isTerminal, writeAll } from '../terminal/stdio.ts';
import { RUN_ARGUMENTS, type RunFlags, readRunFlags } from './run-arguments.ts';

/**
 * Steps on PostgreSQL before the first attempt, each of which may take the connect timeout: two connections, one of them anew, four
 * statements for the lock, and two for the record.
 */
const DATABASE_STEPS = 9;

/** Runs the job with this name, and returns the exit code. */
export async function run(name: string, rawArgs: readonly string[], invocation: Invocation): Promise<number> {
  const { env, home, stop } = invocation;
  if (rawArgs.includes('--help') || rawArgs.includes('-h')) return printHelp(name, invocation);
  const startedAt = processStart();
  const runId = newRunId(startedAt);
  const { config, problems } = readConfig(env);

  // What is wrong is told by the run itself, as its outcome: here it is only kept.
  const file = attempt(() => findJobFile(findJobFiles(home, config.jobDirs), name));
  // A name that is no job's has no runs: there is nothing to lock or record.
  const databaseUrl = file.ok ? config.databaseUrl : undefined;
  const watchdog = createWatchdog(new URL('watchdog-thread.cjs', home));
  // The watchdog's thread and the database are called before all else, so that they make ready while we do.
  if (databaseUrl) watchdog.warm();
  const located = await attemptAsync(async () =>
    databaseUrl ? locate(databaseUrl, config, { job: name, runId }) : undefined,
  );
  const server = located.ok ? located.value : undefined;
  const database = server && (await openDatabase(server, config));

  const args = attempt(() => checkArguments(rawArgs, RUN_ARGUMENTS, `run-job ${name}`));
  const flags = attempt(() => readRunFlags(unwrap(args)));
  const given = flags.ok ? flags.value : NO_FLAGS;

  const redactor = createRedactor(secretsOf(env));
  const screen = isTerminal(2) ? openScreen() : undefined;
  let telemetry = noTelemetry(env);
  const log = await createLogger({
    ...logOptions(config, args.ok ? args.value : undefined),
    redact: redactor,
    write: (text) => (screen ? screen.writeLine(text) : writeAll(1, text)),
    bindings: () => ({ job: name, runId, ...telemetry.currentSpan() }),
    onLine: ({ level, message, fields }) => telemetry.log(level, message, fields),
  });
  const { place } = config;
  const slot = given.scheduledAt ?? slotFromJobName(place.jobName, place.cronJobName, startedAt);
  telemetry = await openTelemetry({ env, job: name, runId, version: VERSION, place, log, startedAt, redact: redactor });

  const request: RunRequest = {
    runId,
    job: name,
    startedAt,
    scheduledAt: slot ?? startedAt,
    ownSlot: slot === undefined,
    shard: config.shard,
    dryRun: given.dryRun,
    forced: given.forced,
    locked: given.locked,
    params: { ...given.params.json, ...Object.fromEntries(given.params.pairs) },
    version: VERSION,
    place,
    lockWaitMs: given.locked === 'wait' ? config.lockWaitMs : 0,
    maxConcurrentJobs: config.maxConcurrentJobs,
    connectLimitMs: config.connectTimeoutMs * (config.amqp.urls.length + DATABASE_STEPS),
    graceMs: config.graceMs,
    flushMs: config.flushTimeoutMs,
    historyDays: config.historyDays,
    terminationLog: config.terminationLog,
    databaseUrl: config.databaseUrl,
    shutdownUrls: config.shutdownUrls,
  };
  const summary = await live(request, {
    stop,
    log,
    redactor,
    telemetry,
    database,
    watchdog,
    terminal: screen?.terminal,
    random: Math.random,
    async prepare() {
      unwrap(flags);
      unwrap(located);
      const job = await loadJob(home, unwrap(file));
      const params = validateParams(job.params, given.params, env, name);
      const wrong = [...problems, ...missingFor(neededBy(job, given.dryRun), config)];
      if (wrong.length > 0) throw configError(wrong);
      return { job, params, timeoutMs: given.timeoutMs ?? parseDuration(job.timeout ?? '') ?? config.defaultTimeoutMs };
    },
    open: (job) => openResources(job, { config, server, dryRun: given.dryRun, log, runId }),
  });
  return summary.exitCode;
}

type Attempt<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown };

function attempt<T>(get: () => T): Attempt<T> {
  try {
    return { ok: true, value: get() };
  } catch (error) {
    return { ok: false, error };
  }
}

async function attemptAsync<T>(get: () => Promise<T>): Promise<Attempt<T>> {
  try {
    return { ok: true, value: await get() };
  } catch (error) {
    return { ok: false, error };
  }
}

function unwrap<T>(tried: Attempt<T>): T {
  if (tried.ok) return tried.value;
  throw tried.error;
}

/** A run whose flags can't be read still gets an outcome; it is told with the defaults. */
const NO_FLAGS: RunFlags = {
  params: { json: {}, pairs: new Map() },
  timeoutMs: undefined,
  dryRun: false,
  scheduledAt: undefined,
  locked: 'skip',
  forced: false,
};

function logOptions(config: Config, args: StrictArguments | undefined): { format: LogFormat; level: LogLevel } {
  const flag = (name: string) => args?.values.get(name)?.at(-1);
  return {
    format: (flag('log-format') as LogFormat | undefined) ?? config.log.format ?? (isTerminal(1) ? 'pretty' : 'json'),
    level: (flag('log-level') as LogLevel | undefined) ?? config.log.level,
  };
}

async function printHelp(name: string, { home, env }: Invocation): Promise<number> {
  const { jobHelp } = await import('../terminal/help.ts');
  const { config } = readConfig(env);
  const job = await loadJob(home, findJobFile(findJobFiles(home, config.jobDirs), name));
  process.stdout.write(jobHelp(job));
  return EXIT.ok;
}
