// Monitors of Cronitor: https://cronitor.io/docs/monitors-api.md. PUT makes a monitor where its key is new, and leaves what it doesn't name as
// it is. The key for telemetry is taken too, and leaves no schedule. The start of a job is watched by its grace, which also delays the alert
// of a failure: so that is how late it may begin, and how long it may run is an assertion.
import type { MonitorSettings } from './event.ts';
import {
  type Ask,
  asNumber,
  asText,
  asWords,
  compact,
  descriptionOf,
  type FoundMonitor,
  isRecord,
  type MonitorService,
  RefusedError,
  readAnswer,
  type Settings,
  scheduleOf,
  splitSchedule,
} from './monitor-service.ts';

/** A longer name is refused. */
const LONGEST_NAME = 100;

const KEY_NEEDS = 'must be an API key that may change monitors, and not the one for telemetry';

/** What a monitor has that made itself by its first telemetry. */
const DEFAULTS: Settings = { grace: 60, tags: [], description: '' };

/** The assertion that says how long a job may run. */
const DURATION = /^metric\.duration\s*</;

export function cronitorMonitors(base: string, key: string): MonitorService {
  const label = `Cronitor at ${new URL(base).host}`;
  const url = `${base}/api/monitors`;
  const headers = {
    authorization: `Basic ${Buffer.from(`${key}:`).toString('base64')}`,
    accept: 'application/json',
  };
  /** The assertions of each monitor besides ours: they are one list. */
  const others = new Map<string, readonly string[]>();
  const find = async (slug: string, ask: Ask): Promise<FoundMonitor | undefined> => {
    const answer = await ask({ to: label, method: 'GET', url: `${url}/${slug}`, headers });
    if (answer.status === 404) return undefined;
    const monitor = readAnswer(answer, [200], KEY_NEEDS);
    if (isRecord(monitor))
      others.set(
        slug,
        asWords(monitor.assertions).filter((one) => !DURATION.test(one)),
      );
    return read(monitor);
  };
  const put = async (slug: string, body: object, ask: Ask): Promise<FoundMonitor> => {
    const monitors = [{ key: slug, type: 'job', ...body }];
    const request = {
      to: label,
      method: 'PUT',
      url,
      headers: { ...headers, 'content-type': 'application/json' },
    } as const;
    readAnswer(await ask({ ...request, body: JSON.stringify({ monitors }) }), [200], KEY_NEEDS);
    // Read anew, since a key that may not do so leaves out what it was asked for without a word.
    const found = await find(slug, ask);
    if (found === undefined) throw new RefusedError('it took the monitor, and has none by that key');
    return found;
  };
  return {
    label,
    key: `cronitor ${base}`,
    defaults: DEFAULTS,
    wish: async (settings) => ({ settings: wishOf(settings), notes: [] }),
    find,

    async reach(ask) {
      readAnswer(await ask({ to: label, method: 'GET', url: `${url}?page=1`, headers }), [200], KEY_NEEDS);
    },

    async make(slug, name, settings, ask) {
      const body = { name: name.slice(0, LONGEST_NAME), notify: ['default'], ...bodyOf(settings, []) };
      const made = await put(slug, body, ask);
      if (made.settings.schedule === undefined)
        throw new RefusedError(`it left out the schedule: the key ${KEY_NEEDS}`);
      return made;
    },

    change: (_, slug, settings, ask) => put(slug, bodyOf(settings, others.get(slug) ?? []), ask),
  };
}

function wishOf(settings: MonitorSettings): Settings {
  const { cron, timeZone, lateAfterMs, deadlineMs, tags } = settings;
  return compact({
    schedule: scheduleOf(cron, timeZone),
    grace: Math.ceil(lateAfterMs / 1_000),
    maxRuntime: `metric.duration < ${Math.ceil(deadlineMs / 60_000)} min`,
    tags,
    description: descriptionOf(settings),
  });
}

function bodyOf({ schedule, grace, maxRuntime, tags, description }: Settings, assertions: readonly string[]): object {
  const line = schedule === undefined ? undefined : splitSchedule(String(schedule));
  return {
    ...(line && { schedule: line.cron, timezone: line.timeZone }),
    ...(grace !== undefined && { grace_seconds: grace }),
    ...(maxRuntime !== undefined && { assertions: [...assertions, maxRuntime] }),
    ...(tags !== undefined && { tags }),
    ...(description !== undefined && { note: description }),
  };
}

function read(monitor: unknown): FoundMonitor {
  if (!isRecord(monitor) || asText(monitor.key) === undefined)
    throw new RefusedError('it answered no monitor: is the address that of its API?');
  // An older version of its API says `schedule`, a newer one `schedules`.
  const lines = asText(monitor.schedule) ?? asWords(monitor.schedules).join(', ');
  return {
    id: String(monitor.key),
    settings: compact({
      schedule: lines === '' ? undefined : scheduleOf(lines, asText(monitor.timezone) ?? ''),
      grace: asNumber(monitor.grace_seconds),
      maxRuntime: asWords(monitor.assertions).find((assertion) => DURATION.test(assertion)),
      tags: asWords(monitor.tags),
      description: asText(monitor.note) ?? '',
    }),
  };
}
