// Monitors of a project at Sentry: https://docs.sentry.io/api/crons/ (sentry/monitors/validators.py: MonitorValidator, ConfigValidator). An
// update is partial, down to the single settings of the configuration. Monitors have no tags, and an owner is a team or a user by its id.
import type { MonitorSettings } from './event.ts';
import {
  type Ask,
  asNumber,
  asText,
  compact,
  type FoundMonitor,
  isRecord,
  type MonitorService,
  RefusedError,
  readAnswer,
  type Settings,
  scheduleOf,
  splitSchedule,
} from './monitor-service.ts';
import { minutesOf } from './sentry.ts';

/** A longer name is refused. */
const LONGEST_NAME = 128;

const KEY_NEEDS = 'must be a token with alerts:write (org:write at an older one), project:read and team:read';

/** What a monitor has where nobody said: a minute to be late, and half an hour to run. */
const DEFAULTS: Settings = { checkinMargin: 1, maxRuntime: 30 };

export function sentryMonitors(base: string, organization: string, project: string, token: string): MonitorService {
  const label = `Sentry at ${new URL(base).host}`;
  const api = `${base}/api/0`;
  const headers = { authorization: `Bearer ${token}`, accept: 'application/json' };
  const monitorUrl = (slug: string) => `${api}/projects/${organization}/${project}/monitors/${slug}/`;
  const get = (url: string, ask: Ask) => ask({ to: label, method: 'GET', url, headers });
  const send = async (method: 'POST' | 'PUT', url: string, body: object, ask: Ask): Promise<FoundMonitor> => {
    const request = { to: label, method, url, headers: { ...headers, 'content-type': 'application/json' } };
    return read(readAnswer(await ask({ ...request, body: JSON.stringify(body) }), [200, 201], KEY_NEEDS));
  };
  const teams = new Map<string, Promise<string | undefined>>();
  const teamOf = async (slug: string, ask: Ask): Promise<string | undefined> => {
    const answer = await get(`${api}/teams/${organization}/${slug}/`, ask);
    if (answer.status === 404) return undefined;
    const team = readAnswer(answer, [200], KEY_NEEDS);
    const id = isRecord(team) ? asText(team.id) : undefined;
    return id === undefined ? undefined : `team:${id}`;
  };
  return {
    label,
    key: `sentry ${base}/${organization}/${project}`,
    defaults: DEFAULTS,

    async wish(settings, ask) {
      const { owner } = settings;
      const given = ownerGiven(owner);
      if (given?.team !== undefined && !teams.has(given.team)) teams.set(given.team, teamOf(given.team, ask));
      const actor = given?.actor ?? (given?.team === undefined ? undefined : await teams.get(given.team));
      const notes =
        owner !== undefined && actor === undefined
          ? [`its owner ${owner} is no team there, and nobody is made its owner`]
          : [];
      return { settings: wishOf(settings, actor), notes };
    },

    async reach(ask) {
      readAnswer(await get(`${api}/projects/${organization}/${project}/`, ask), [200], KEY_NEEDS);
    },

    async find(slug, ask) {
      const answer = await get(monitorUrl(slug), ask);
      // As of a project that isn't there: that is refused when the monitor is made.
      if (answer.status === 404) return undefined;
      return read(readAnswer(answer, [200], KEY_NEEDS));
    },

    make: (slug, name, settings, ask) =>
      send(
        'POST',
        `${api}/organizations/${organization}/monitors/`,
        { project, slug, name: name.slice(0, LONGEST_NAME), type: 'cron_job', ...bodyOf(settings) },
        ask,
      ),

    change: (_, slug, settings, ask) => send('PUT', monitorUrl(slug), bodyOf(settings), ask),
  };
}

/** `team:5` and `user:5` as they are; else the slug of a team. */
function ownerGiven(owner: string | undefined): { readonly actor?: string; readonly team?: string } | undefined {
  if (owner === undefined) return undefined;
  if (/^(?:team|user):\d+$/.test(owner)) return { actor: owner };
  const slug = owner.replace(/^#/, '').toLowerCase();
  return /^[a-z0-9_-]+$/.test(slug) ? { team: slug } : undefined;
}

function wishOf({ cron, timeZone, lateAfterMs, deadlineMs }: MonitorSettings, owner: string | undefined): Settings {
  return compact({
    schedule: scheduleOf(cron, timeZone),
    checkinMargin: minutesOf(lateAfterMs),
    maxRuntime: minutesOf(deadlineMs),
    owner,
  });
}

function bodyOf({ schedule, checkinMargin, maxRuntime, owner }: Settings): object {
  const line = schedule === undefined ? undefined : splitSchedule(String(schedule));
  const config = {
    ...(line && { schedule_type: 'crontab', schedule: line.cron, timezone: line.timeZone }),
    ...(checkinMargin !== undefined && { checkin_margin: checkinMargin }),
    ...(maxRuntime !== undefined && { max_runtime: maxRuntime }),
  };
  return { ...(Object.keys(config).length > 0 && { config }), ...(owner !== undefined && { owner }) };
}

function read(monitor: unknown): FoundMonitor {
  const config = isRecord(monitor) ? monitor.config : undefined;
  if (!isRecord(monitor) || !isRecord(config))
    throw new RefusedError('it answered no monitor: is the address that of its API?');
  const cron = asText(config.schedule);
  const owner = isRecord(monitor.owner) ? monitor.owner : undefined;
  return {
    id: String(monitor.id),
    settings: compact({
      schedule:
        cron === undefined
          ? `every ${(config.schedule as readonly unknown[] | undefined)?.join(' ')}`
          : scheduleOf(cron, asText(config.timezone) ?? 'UTC'),
      checkinMargin: asNumber(config.checkin_margin),
      maxRuntime: asNumber(config.max_runtime),
      owner: owner && `${String(owner.type).toLowerCase()}:${owner.id}`,
    }),
  };
}
