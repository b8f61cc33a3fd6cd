// A run without a process of its own: the runner's own life of a run on the real adapter of PostgreSQL.
import { setTimeout as sleep } from 'node:timers/promises';
import { checkJob } from '../../src/app/check-job.ts';
import { readConfig } from '../../src/app/config.ts';
import { openDatabase } from '../../src/app/database.ts';
import { makeIdentity } from '../../src/app/identity.ts';
import { redactorFor } from '../../src/app/redactor.ts';
import { defineJob } from '../../src/job.ts';
import { systemClock } from '../../src/process/clock.ts';
import { newRunId } from '../../src/process/run-id.ts';
import { usage } from '../../src/process/usage.ts';
import { runOnce } from '../../src/runner/lifecycle.ts';
import type { RunLog } from '../../src/runner/ports.ts';
import { Stop } from '../../src/runner/stop.ts';
import { noTelemetry } from '../../src/telemetry/noop.ts';

const silent: RunLog = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent };

const second = defineJob({ name: 'second', description: 'Takes a second', run: () => sleep(1_000) });

/** Runs a job of a second under this name, with the defaults of the environment, and returns its exit code. */
export async function lightRun(url: string, name: string): Promise<number> {
  const env = { DATABASE_URL: url };
  const { config } = readConfig(env);
  const startedAt = new Date();
  const runId = newRunId(startedAt);
  const { database } = await openDatabase(url, config, { job: 'second', name, runId, looksBack: true });
  const job = checkJob(second, { name: 'second', path: 'this file' });
  const summary = await runOnce(
    {
      ...makeIdentity({ job: 'second', name }, config, startedAt),
      runId,
      startedAt,
      dryRun: false,
      forced: false,
      restart: false,
      locked: 'wait',
      params: {},
      version: 'bench',
      place: config.place,
      lockWaitMs: config.lockWaitMs,
      maxConcurrentJobs: config.maxConcurrentJobs,
      connectLimitMs: config.connectTimeoutMs,
      graceMs: config.graceMs,
      flushMs: 0,
      retries: 0,
      notifyMs: 0,
      recordMs: config.recordMs,
      historyDays: config.historyDays,
    },
    {
      stop: new Stop(),
      log: silent,
      redactor: redactorFor(env),
      telemetry: noTelemetry(env),
      alerts: undefined,
      database,
      calendar: { blackoutAt: async () => undefined, latestSlot: async () => undefined },
      openCheckpoints: undefined,
      watchdog: { arm() {}, claim() {} },
      clock: systemClock,
      terminationLog: { write() {} },
      programs: {
        exec: () => Promise.reject(new Error('a light run starts no program')),
        endAll: async () => undefined,
      },
      lastLines: () => [],
      progressBar: undefined,
      shutDownSidecars: undefined,
      flushOutput: async () => 0,
      endOutput: () => undefined,
      usage,
      random: Math.random,
      prepare: async () => ({ job, params: {}, paramsDigest: '', timeoutMs: 60_000 }),
      open: async () => ({ resources: {}, close: [] }),
    },
  );
  if (summary.exitCode !== 0)
    console.error(`${name} ended with ${summary.exitCode}: ${JSON.stringify(summary.error ?? summary)}`);
  return summary.exitCode;
}
