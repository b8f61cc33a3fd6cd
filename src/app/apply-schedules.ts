// Brings the schedules that the database knows up to a file.
import { readFileSync } from 'node:fs';
import { parseDocument } from 'yaml';
import { UsageError } from '../errors.ts';
import type { Connection } from '../postgres/connect.ts';
import { applySchedules, type ScheduleChange, type ScheduleTold, schedulesInForce } from '../postgres/schedules.ts';
import { readSchedules, refuseCircles, type ScheduleEntry, type SchedulesFile } from '../schedule/file.ts';
import type { Config } from './config.ts';
import { applyMonitors, type MonitorChange } from './monitors.ts';

/**
 * Reads a schedules file; `-` is standard input.
 * @throws {UsageError} it can't be read, or isn't what it should be; naming each entry that is wrong
 */
export function readSchedulesFile(path: string): SchedulesFile {
  let text: string;
  try {
    text = readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (error) {
    throw new UsageError(
      `the file ${path} can't be read (${(error as NodeJS.ErrnoException).code}); nothing was changed`,
      {
        cause: error,
      },
    );
  }
  const document = parseDocument(text);
  const [wrong] = document.errors;
  if (wrong) {
    throw new UsageError(
      `the file ${path} is neither YAML nor JSON, and nothing was changed: ${wrong.message.split('\n')[0]}`,
    );
  }
  return readSchedules(document.toJS());
}

/**
 * Applies what a file tells.
 * @throws {UsageError} names would wait for each other, together with what other files tell
 */
async function applyFile(
  connection: Connection,
  { source, schedules }: SchedulesFile,
  options: { readonly dryRun: boolean },
): Promise<ScheduleChange[]> {
  const names = new Set(schedules.map(({ name }) => name));
  const others = (await schedulesInForce(connection)).filter(
    (other) => other.source !== source && !names.has(other.name),
  );
  refuseCircles([...schedules, ...others]);
  return applySchedules(connection, source, schedules.map(toTold), options);
}

/** What became of a file. */
export interface Applied {
  readonly schedules: readonly ScheduleChange[];
  /** Empty where nobody named a service that makes them. */
  readonly monitors: readonly MonitorChange[];
}

/**
 * Applies what a file tells, and then brings the monitors of the services in RUN_JOB_MONITORS up to it. These come after the schedules are
 * committed, and take nothing back: a service that is down is told of, and asked again the next time.
 * @throws {UsageError} names would wait for each other, together with what other files tell
 */
export async function applyWithMonitors(
  connection: Connection,
  file: SchedulesFile,
  options: { readonly dryRun: boolean; readonly config: Config; readonly env: NodeJS.ProcessEnv },
): Promise<Applied> {
  const changes = await applyFile(connection, file, options);
  const { schedules } = file;
  return { schedules: changes, monitors: await applyMonitors({ ...options, connection, schedules, changes }) };
}

function toTold(entry: ScheduleEntry): ScheduleTold {
  const { timeout, activeDeadlineSeconds, startingDeadlineSeconds, pauseAfter, blackouts, args, cronJob } = entry;
  const { notifyEvery } = entry;
  const { owner, runbook, namespace } = entry;
  return {
    name: entry.name,
    job: entry.job,
    cron: entry.schedule,
    timeZone: entry.timeZone,
    params: entry.params,
    shards: entry.shards,
    lateAfterMs: entry.lateAfter,
    catchUp: entry.catchUp,
    catchUpLimit: entry.catchUpLimit,
    after: entry.after.map(({ name, slot, within }) => ({
      name,
      slot,
      ...(within !== undefined && { withinMs: within }),
    })),
    suspend: entry.suspend,
    tags: entry.tags,
    ...(args !== undefined && { args }),
    ...(timeout !== undefined && { timeoutMs: timeout }),
    ...(activeDeadlineSeconds !== undefined && { deadlineSeconds: activeDeadlineSeconds }),
    ...(startingDeadlineSeconds !== undefined && { startingDeadlineSeconds }),
    ...(pauseAfter !== undefined && { pauseAfter }),
    ...(notifyEvery !== undefined && { notifyEvery }),
    ...(blackouts !== undefined && { blackouts }),
    ...(owner !== undefined && { owner }),
    ...(runbook !== undefined && { runbook }),
    ...(cronJob !== undefined && { cronJobName: cronJob }),
    ...(namespace !== undefined && { namespace }),
  };
}
