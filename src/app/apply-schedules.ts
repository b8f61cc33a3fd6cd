// Brings the schedules that the database knows up to a file.
import { readFileSync } from 'node:fs';
import { parseDocument } from 'yaml';
import { UsageError } from '../errors.ts';
import type { Connection } from '../postgres/connect.ts';
import { applySchedules, type ScheduleChange, type ScheduleTold, schedulesInForce } from '../postgres/schedules.ts';
import { readSchedules, refuseCircles, type ScheduleEntry, type SchedulesFile } from '../schedule/file.ts';

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
export async function applyFile(
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

function toTold(entry: ScheduleEntry): ScheduleTold {
  const { timeout, activeDeadlineSeconds, startingDeadlineSeconds, pauseAfter, blackouts, args, cronJob } = entry;
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
    ...(blackouts !== undefined && { blackouts }),
    ...(owner !== undefined && { owner }),
    ...(runbook !== undefined && { runbook }),
    ...(cronJob !== undefined && { cronJobName: cronJob }),
    ...(namespace !== undefined && { namespace }),
  };
}
