// Executes one run of one job for whoever asks: makes its identity, opens what it needs, and hands both to the runner.

import { fileURLToPath } from 'node:url';
import { parseDuration } from '../duration.ts';
import { UsageError } from '../errors.ts';
import type { Job } from '../job.ts';
import { LastLines } from '../log/last-lines.ts';
import type { LogFormat, LogLevel, LogLine } from '../log/line.ts';
import { createLogger } from '../log/logger.ts';
import { processStart, systemClock } from '../process/clock.ts';
import { newRunId } from '../process/run-id.ts';
import { shutDownSidecars } from '../process/sidecars.ts';
import { openTerminationLog, problemOfTerminationFile } from '../process/termination-log.ts';
import { widenThreadPool } from '../process/thread-pool.ts';
import { usage } from '../process/usage.ts';
import { createWatchdog } from '../process/watchdog.ts';
import { describeError } from '../runner/error-info.ts';
import { runOnce } from '../runner/lifecycle.ts';
import type { Summary } from '../runner/outcome.ts';
import type { Ordered, ProgressBar } from '../runner/ports.ts';
import type { LockedPolicy, Ports, RunRequest } from '../runner/request.ts';
import type { Stop } from '../runner/stop.ts';
import { noTelemetry } from '../telemetry/noop.ts';
import { openTelemetry } from '../telemetry/open.ts';
import { type CommandOrder, commandJob } from './command-job.ts';
import { type Config, configError, missingFor, readConfig } from './config.ts';
import { openDatabase } from './database.ts';
import { digestOf, makeIdentity } from './identity.ts';
import { findJobFile, loadJob } from './job-files.ts';
import { type GivenParams, givenParams, passingParams, validateParams } from './params.ts';
import type { ProgramScreen } from './program-executor.ts';
import { openPrograms, rememberLine } from './programs.ts';
import { redactorFor } from './redactor.ts';
import { neededBy, openResources } from './resources.ts';
import { unguarded } from './unguarded.ts';
import { VERSION } from './version.ts';

/** One run, as somebody asks for it. */
export interface RunOrder {
  /** The job's name; of a command, the name that the run goes by. */
  readonly job: string;
  /** The program to run in place of a job that is found by its name. */
  readonly command?: CommandOrder | undefined;
  /** What the run is known by; the job's own name unless given. */
  readonly name?: string | undefined;
  readonly params: GivenParams;
  /** In milliseconds; the job's own unless given. */
  readonly timeoutMs?: number | undefined;
  /** How many attempts the run may make; the job's own unless given. */
  readonly attempts?: number | undefined;
  readonly dryRun: boolean;
  readonly scheduledAt?: Date | undefined;
  /** When the run began, where that isn't when the process did: slots that were missed were done before. */
  readonly startedAt?: Date | undefined;
  readonly locked: LockedPolicy;
  /** Run a slot that has succeeded already once more. */
  readonly forced: boolean;
  /** The digest that the parameters must have, whatever the schema makes of them here; any unless given. */
  readonly paramsDigest?: string | undefined;
  /** Drop what earlier runs of the slot have saved. */
  readonly restart: boolean;
  /** What is wrong with the order itself: such a run is rejected, and told and recorded like any other. */
  readonly problem?: unknown;
}

/** Where and through what the run takes place. */
export interface Surroundings {
  readonly env: NodeJS.ProcessEnv;
  /** The folder that holds the executable, and the jobs that ship beside it. */
  readonly home: URL;
  readonly stop: Stop;
  /** Names that no job can have. */
  readonly commands: readonly string[];
  readonly log: {
    readonly level: LogLevel | undefined;
    /** What was asked for; else what the environment says; else `usualFormat`. */
    readonly format: LogFormat | undefined;
    readonly usualFormat: LogFormat;
    /** Takes one line, which ends with a newline. */
    readonly write: (line: string) => void;
  };
  readonly progressBar: ProgressBar | undefined;
  readonly programs: ProgramScreen;
  /** `call` is called once, before a reader of standard output or standard error is waited for: the event loop is blocked meanwhile. */
  readonly beforeWaiting: (call: () => void) => void;
  /** Waits until what the job has printed by itself is written, `limitMs` at most; returns how many bytes are not. */
  readonly flushOutput: (limitMs: number) => Promise<number>;
  /** From now on nothing more is written to standard output. */
  readonly endOutput: () => void;
}

/**
 * Steps on PostgreSQL before the first attempt, each of which may take the connect timeout, beside the waits between them: two
 * connections, one of them anew, the shared scheduled time, four statements for the lock, one for the slot, one for the failures in a row, two for
 * what it comes after, and two for the record.
 */
const DATABASE_STEPS = 13;

/**
 * How long a run of a program goes on before the watchdog's thread starts, in milliseconds: none of its code runs on our event loop, and a
 * program that has ended by then needs no thread, which costs as much as Node itself.
 */
const PROGRAM_UNWATCHED_MS = 100;

/** Runs the job and returns the summary, which has been logged, recorded and left as the termination message. Throws only what is a bug. */
export async function executeRun(order: RunOrder, surroundings: Surroundings): Promise<Summary> {
  const { env, home, stop, commands, progressBar, flushOutput, endOutput } = surroundings;
  widenThreadPool(env);
  const startedAt = order.startedAt ?? processStart();
  const runId = newRunId(startedAt);
  const { config, problems, invalid } = readConfig(env);
  const identity = makeIdentity(order, config, startedAt);
  const { terminationLog: terminationFile, databaseUrl, shutdownUrls } = config;

  const watchdogOptions = {
    terminationFile,
    databaseUrl,
    lockCheckMs: config.lockCheckMs,
    graceMs: config.graceMs,
    closeRecordScript: fileURLToPath(new URL('record-closer.cjs', home)),
  };
  const watchdog = createWatchdog(new URL('watchdog-thread.cjs', home), watchdogOptions, {
    afterMs: order.command ? PROGRAM_UNWATCHED_MS : 0,
  });
  surroundings.beforeWaiting(watchdog.begin);
  // Called before all else, so that it makes ready while we do.
  const postgres = databaseUrl
    ? await openDatabase(databaseUrl, config, {
        job: identity.job,
        name: identity.name,
        runId,
        looksBack: order.scheduledAt === undefined,
      })
    : {};

  const redactor = redactorFor(env);
  let telemetry = noTelemetry(env);
  const lastLines = new LastLines();
  const logOptions = {
    level: surroundings.log.level ?? config.log.level,
    format: surroundings.log.format ?? config.log.format ?? surroundings.log.usualFormat,
    write: surroundings.log.write,
    bindings: () => ({ job: order.job, name: identity.name, runId, ...telemetry.currentSpan() }),
  };
  const log = await createLogger({
    ...logOptions,
    redact: redactor,
    onLine: (line) => {
      telemetry.log(line.level, line.message, line.fields);
      rememberLine(lastLines, line);
    },
  });
  const alone = databaseUrl || invalid.has('DATABASE_URL') ? undefined : unguarded(env, config);
  const { place } = config;
  telemetry = await openTelemetry({
    env,
    job: order.job,
    name: identity.name,
    runId,
    version: VERSION,
    place,
    log,
    startedAt,
    redact: redactor,
    describe: (thrown) => describeError(thrown, redactor),
  });

  const alerts = alertsAsked(config)
    ? (await import('./alerts.ts')).openAlerts({ config, env, runId, queries: postgres.queries, log })
    : undefined;

  const request: RunRequest = {
    ...identity,
    runId,
    startedAt,
    dryRun: order.dryRun,
    forced: order.forced,
    restart: order.restart,
    locked: order.locked,
    params: { ...order.params.json, ...Object.fromEntries(order.params.pairs) },
    ordered: orderedBy(order),
    version: VERSION,
    place,
    warning: alone?.warning,
    lockWaitMs: order.locked === 'wait' ? config.lockWaitMs : 0,
    maxConcurrentJobs: config.maxConcurrentJobs,
    connectLimitMs: config.connectTimeoutMs * (config.amqp.urls.length + DATABASE_STEPS),
    graceMs: config.graceMs,
    flushMs: config.flushTimeoutMs,
    retries: config.retries,
    notifyMs: config.notifyTimeoutMs,
    recordMs: config.recordMs,
    historyDays: config.historyDays,
  };
  return runOnce(request, {
    stop,
    log,
    redactor,
    telemetry,
    alerts,
    database: postgres.database,
    calendar: {
      blackoutAt: async (...question) => (await import('./calendar.ts')).blackoutAt(...question),
      latestSlot: async (...question) => (await import('./calendar.ts')).latestSlot(...question),
    },
    openCheckpoints: postgres.openCheckpoints ?? openFile(config.checkpointFile),
    watchdog,
    clock: systemClock,
    terminationLog: openTerminationLog(terminationFile),
    programs: openPrograms({
      env,
      home,
      runId,
      redactor,
      log: {
        ...logOptions,
        ...(telemetry.exportsLogs && {
          onLine: ({ level, message, fields }: LogLine) => telemetry.log(level, message, fields),
        }),
      },
      screen: surroundings.programs,
      lastLines,
    }),
    lastLines: () => lastLines.read(),
    progressBar,
    flushOutput,
    endOutput,
    shutDownSidecars: shutdownUrls.length > 0 ? () => shutDownSidecars(shutdownUrls) : undefined,
    usage,
    random: Math.random,
    async prepare() {
      // Not sooner: whoever waits for the reader of a line needs the watchdog.
      alone?.tell(log);
      const wrong = order.problem ?? postgres.problem;
      if (wrong) throw wrong;
      const found = order.command
        ? commandJob(order.job, order.command)
        : await loadJob(home, findJobFile({ home, dirs: config.jobDirs, commands }, order.job));
      const job = order.attempts === undefined ? found : withAttempts(found, order.attempts);
      // A command has no schema: what it is given goes to it as text.
      const params = order.command ? request.params : validateParams(job.params, order.params, env, order.job);
      const lacking = [
        ...problems,
        ...missingFor({ needs: neededBy(job, order.dryRun), keeps: job.checkpoint !== undefined }, config, invalid),
        ...problemOfTerminationFile(terminationFile, log),
      ];
      if (lacking.length > 0) throw configError(lacking);
      const keeps = postgres.database !== undefined || config.checkpointFile !== undefined;
      const paramsDigest = keeps ? digestFor(job, params, order, env) : '';
      if (order.paramsDigest !== undefined && order.paramsDigest !== paramsDigest) throw otherParams(order.job);
      return {
        job,
        params,
        paramsDigest,
        timeoutMs: order.timeoutMs ?? parseDuration(job.timeout ?? '') ?? config.defaultTimeoutMs,
      };
    },
    open: (job) =>
      openResources(job, { config, server: postgres.server, dryRun: order.dryRun, log, name: identity.name, runId }),
  });
}

/** Whether there is anybody to tell of the run. */
const alertsAsked = ({ checkIns, notify }: Config): boolean => checkIns.length > 0 || notify.targets.length > 0;

/** Where there is no database, a file that somebody has named. */
function openFile(path: string | undefined): Ports['openCheckpoints'] {
  if (path === undefined) return undefined;
  return async () => (await import('../process/checkpoint-file.ts')).openCheckpointFile(path);
}

/** Of a command, the arguments are a part. Where nothing is kept nobody asks for it, and loading SHA-256 takes 5 ms. */
function digestFor(job: Job, params: unknown, order: RunOrder, env: NodeJS.ProcessEnv): string {
  const { command } = order;
  if (command) return digestOf(params, { of: [command.program, ...command.args] });
  return digestOf(params, {
    passing: passingParams(job.params, order.params, env),
    of: job.name,
    given: givenParams(job.params, order.params, env),
  });
}

const otherParams = (job: string): UsageError =>
  new UsageError(
    `what that run was given makes other parameters of ${job} here: its schema, its defaults or the environment differ; say which you mean by --param`,
  );

/** All that somebody said of what is to be done, to be done again by `run-job rerun`. */
function orderedBy({ params: { json, pairs }, command, timeoutMs, attempts }: RunOrder): Ordered {
  return {
    ...(Object.keys(json).length > 0 && { params: json }),
    ...(pairs.size > 0 && { pairs: Object.fromEntries(pairs) }),
    ...(command && { command }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(attempts !== undefined && { attempts }),
  };
}

function withAttempts(job: Job, attempts: number): Job {
  return Object.assign(Object.create(Object.getPrototypeOf(job)), job, { retry: { ...job.retry, attempts } });
}
