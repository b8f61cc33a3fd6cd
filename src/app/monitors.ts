// Makes and updates the monitors of schedules at the services outside that know when a check-in is due. What somebody has chosen there stays.
import type { MonitorSettings } from '../checkins/event.ts';
import { merge } from '../checkins/merge.ts';
import {
  type Ask,
  type FoundMonitor,
  type MonitorService,
  RefusedError,
  type Settings,
} from '../checkins/monitor-service.ts';
import { monitorServiceOf } from '../checkins/monitor-services.ts';
import { slugOf } from '../checkins/slug.ts';
import { send } from '../http/send.ts';
import { rememberMonitor, type WrittenMonitor, writtenMonitors } from '../postgres/monitors.ts';
import type { Queries } from '../postgres/queries.ts';
import type { ScheduleChange } from '../postgres/schedules.ts';
import { fiveFields } from '../schedule/cron.ts';
import type { ScheduleEntry } from '../schedule/file.ts';
import { explainNetworkError } from '../telemetry/network-error.ts';
import type { Config } from './config.ts';

/** The longest that all of it may take, in milliseconds: the hook of an upgrade waits for it. */
const LIMIT_MS = 60_000;

/** How many monitors of a service are looked at at once. */
const AT_ONCE = 4;

/** The longest list of monitors that is read, in characters. */
const LONGEST_LIST = 16 * 1024 * 1024;

/** What became of one monitor. */
export interface MonitorChange {
  readonly name: string;
  /** The service and its host. */
  readonly service: string;
  /** `left`: its schedule is suspended or retired, and it is for a person to say what becomes of it. */
  readonly change: 'made' | 'changed' | 'unchanged' | 'left' | 'failed';
  /** The settings that were changed. */
  readonly settings?: readonly string[];
  /** Settings that somebody has chosen otherwise there. */
  readonly kept?: readonly string[];
  /** What else is to be known, a sentence each; of a failure, why. */
  readonly notes?: readonly string[];
}

export interface MonitorOptions {
  readonly config: Config;
  readonly env: NodeJS.ProcessEnv;
  readonly connection: Queries;
  readonly schedules: readonly ScheduleEntry[];
  /** What became of the schedules themselves. */
  readonly changes: readonly ScheduleChange[];
  readonly dryRun: boolean;
}

/** Brings the monitors up to the schedules. Never rejects: what goes wrong is told of the monitor that it concerns. */
export async function applyMonitors(options: MonitorOptions): Promise<MonitorChange[]> {
  const over = AbortSignal.timeout(LIMIT_MS);
  const all = options.config.monitors.map(async (given, index) => {
    let service: MonitorService;
    try {
      service = monitorServiceOf(given, index + 1);
    } catch (error) {
      return [failed('', 'RUN_JOB_MONITORS', error)];
    }
    try {
      return await applyTo(service, options, over);
    } catch (error) {
      return [failed('', service.label, error)];
    }
  });
  return (await Promise.all(all)).flat();
}

/** How services are asked, each time for as long as a connection may take. */
export function asker({ connectTimeoutMs }: Config, env: NodeJS.ProcessEnv, over?: AbortSignal): Ask {
  return async (request) => {
    const timeUp = AbortSignal.timeout(connectTimeoutMs);
    const signal = over === undefined ? timeUp : AbortSignal.any([timeUp, over]);
    return send(request, { signal, env, bodyLimit: LONGEST_LIST });
  };
}

/** Why a service couldn't be asked, or what it refused, in a sentence. */
export function tellProblem(error: unknown): string {
  if ((error as Error).name === 'TimeoutError') return 'no answer in time';
  return error instanceof RefusedError ? error.message : explainNetworkError(error as Error);
}

async function applyTo(service: MonitorService, options: MonitorOptions, over: AbortSignal): Promise<MonitorChange[]> {
  const { config, env, connection, schedules, changes } = options;
  const ask = asker(config, env, over);
  const written = await writtenMonitors(connection, service.key);
  const told: MonitorChange[] = [];
  const left = [...schedules];
  const work = async () => {
    for (let entry = left.shift(); entry !== undefined; entry = left.shift()) {
      told.push(await applyOne(service, entry, written, options, ask).catch(failure(entry.name, service.label)));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const retired = changes.filter(({ change }) => change === 'retired').map(({ name }) => name);
  const known = new Set([...written.values()].map(({ name }) => name));
  const stays = retired
    .filter((name) => known.has(name))
    .map((name) => leave(name, service, 'its schedule is told of no more: delete or pause its monitor there'));
  return [...told.sort((a, b) => (a.name < b.name ? -1 : 1)), ...stays];
}

const failure = (name: string, service: string) => (error: unknown) => failed(name, service, error);

const failed = (name: string, service: string, error: unknown): MonitorChange => ({
  name,
  service,
  change: 'failed',
  notes: [tellProblem(error)],
});

const leave = (name: string, service: MonitorService, note: string): MonitorChange => ({
  name,
  service: service.label,
  change: 'left',
  notes: [note],
});

async function applyOne(
  service: MonitorService,
  entry: ScheduleEntry,
  written: ReadonlyMap<string, WrittenMonitor>,
  { config, connection, dryRun }: MonitorOptions,
  ask: Ask,
): Promise<MonitorChange> {
  const { name } = entry;
  const slug = slugOf(name);
  if (entry.suspend) {
    return leave(name, service, 'its schedule is suspended: where it has a monitor there, pause it');
  }
  const { settings: wish, notes } = await service.wish(settingsOf(entry, config), ask);
  const told = { name, service: service.label, ...(notes.length > 0 && { notes }) };
  const remember = async ({ id, settings }: FoundMonitor, kept: readonly string[] = []) => {
    const before = written.get(id);
    const asked = keep(wish, kept, before?.asked);
    await rememberMonitor(connection, service.key, {
      monitor: id,
      name,
      asked,
      told: keep(settings, kept, before?.told),
    });
  };
  const found = await service.find(slug, ask);
  if (found === undefined) {
    if (!dryRun) await remember(await service.make(slug, name, wish, ask));
    return { ...told, change: 'made' };
  }
  const { change, kept } = merge(wish, found.settings, service.defaults, written.get(found.id));
  const settings = Object.keys(change);
  const result = { ...told, ...(kept.length > 0 && { kept }) };
  if (settings.length === 0) {
    if (!dryRun) await remember(found, kept);
    return { ...result, change: 'unchanged' };
  }
  if (!dryRun) await remember(await service.change(found.id, slug, change, ask), kept);
  return { ...result, change: 'changed', settings };
}

/** What somebody has chosen there isn't ours: of such settings, what was remembered before, so that they still differ the next time. */
function keep(now: Settings, kept: readonly string[], before: Settings | undefined): Settings {
  const chosen = Object.entries(now).flatMap(([name, value]) => {
    const ours = kept.includes(name) ? before?.[name] : value;
    return ours === undefined ? [] : [[name, ours] as const];
  });
  return Object.fromEntries(chosen);
}

function settingsOf(entry: ScheduleEntry, { defaultTimeoutMs }: Config): MonitorSettings {
  const { schedule, timeZone, lateAfter, activeDeadlineSeconds, timeout, owner, runbook, tags } = entry;
  return {
    cron: fiveFields(schedule),
    timeZone,
    lateAfterMs: lateAfter,
    deadlineMs: activeDeadlineSeconds === undefined ? (timeout ?? defaultTimeoutMs) : activeDeadlineSeconds * 1_000,
    owner,
    runbook,
    tags,
  };
}
