// Brings the schedules that the database knows up to a file.
import { readFileSync } from 'node:fs';
import { type Document, parseDocument, visit } from 'yaml';
import { UsageError } from '../errors.ts';
import type { Connection } from '../postgres/connect.ts';
import { applySchedules, type ScheduleChange, type ScheduleTold } from '../postgres/schedules.ts';
import { readSchedules, refuseCircles, type ScheduleEntry, type SchedulesFile } from '../schedule/file.ts';
import type { Config } from './config.ts';
import { knownNames } from './database-names.ts';
import { losesDigits } from './json-text.ts';
import { applyMonitors, type MonitorChange } from './monitors.ts';
import { nearest } from './suggest.ts';

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
  const inexact = lineOfInexactNumber(document, text);
  if (inexact !== undefined) {
    throw new UsageError(
      `line ${inexact} of the file ${path} holds a number that can't be held exactly, and nothing was changed: write it as text in quotes`,
    );
  }
  return readSchedules(plain(document, path));
}

/** YAML may say a value once and point to it from elsewhere: also from within itself, or a million times. */
function plain(document: Document, path: string): unknown {
  try {
    const value: unknown = document.toJS();
    JSON.stringify(value);
    return value;
  } catch (error) {
    throw new UsageError(
      `the file ${path} points to its own parts in circles, or too often, and nothing was changed: write them out`,
      { cause: error },
    );
  }
}

function lineOfInexactNumber(document: Document, text: string): number | undefined {
  let line: number | undefined;
  visit(document, {
    Scalar(_, { value, source = '', range }) {
      if (typeof value !== 'number' || !losesDigits(value, source)) return undefined;
      line = text.slice(0, range?.[0]).split('\n').length;
      return visit.BREAK;
    },
  });
  return line;
}

/**
 * Applies what a file tells.
 * @throws {UsageError} names would wait for each other, together with what other files tell
 */
async function applyFile(
  connection: Connection,
  { source, schedules }: SchedulesFile,
  options: { readonly dryRun: boolean },
): Promise<AppliedChange[]> {
  const changes = await applySchedules(connection, source, schedules.map(toTold), { ...options, check: refuseCircles });
  const known = [...new Set([...(await knownNames(connection)), ...schedules.map(({ name }) => name)])];
  const after = new Map(schedules.map((schedule) => [schedule.name, schedule.after.map(({ name }) => name)]));
  return changes.map((change) => {
    const unknown = (after.get(change.name) ?? []).filter((name) => !known.includes(name));
    return { ...change, ...(unknown.length > 0 && { unknown: unknown.map((name) => guess(name, known)) }) };
  });
}

/** What became of one name, and what of its schedule may be a mistake. */
export interface AppliedChange extends ScheduleChange {
  /** Names that it comes after, and of which nothing is known: they may be still to come, or mistyped. */
  readonly unknown?: readonly { readonly name: string; readonly meant?: string }[];
}

function guess(name: string, known: readonly string[]): { readonly name: string; readonly meant?: string } {
  const meant = nearest(name, known);
  return { name, ...(meant !== undefined && { meant }) };
}

/** What became of a file. */
export interface Applied {
  readonly schedules: readonly AppliedChange[];
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
