// Checks of Healthchecks.io, its own or self-hosted, by its Management API v3: https://healthchecks.io/docs/api/ (hc/api/views.py: Spec,
// _update). A key is that of one project. A check that no integration is assigned to alerts nobody; `channels` in an update replaces what a
// person chose, so that only a new check gets all of them.
import type { MonitorSettings } from './event.ts';
import {
  type Ask,
  asNumber,
  asText,
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

/** Shorter and longer ones are refused, in seconds. */
const LEAST_GRACE = 60;
const MOST_GRACE = 31_536_000;

/** A longer name is refused. */
const LONGEST_NAME = 100;

const KEY_NEEDS = 'must be a read-write key of the project';

/** What a check has that was made without a word: a period of a day, and an hour of grace. */
const DEFAULTS: Settings = { schedule: 'every 86400 s', grace: 3_600, tags: [], description: '' };

export function healthchecksMonitors(base: string, key: string): MonitorService {
  const label = `Healthchecks at ${new URL(base).host}`;
  const url = `${base}/api/v3/checks/`;
  const headers = { 'x-api-key': key, accept: 'application/json' };
  const post = async (to: string, body: object, ask: Ask): Promise<FoundMonitor> => {
    const typed = { ...headers, 'content-type': 'application/json' };
    const answer = await ask({ to: label, method: 'POST', url: to, headers: typed, body: JSON.stringify(body) });
    if (answer.status === 403 && answer.body === '')
      throw new RefusedError(
        'it answered 403: the account has as many checks as it may, or the key is of another project',
      );
    return read(readAnswer(answer, [200, 201], KEY_NEEDS));
  };
  // All of them by one request: more than a hundred in a minute are refused.
  let all: Promise<Record<string, unknown>[]> | undefined;
  const list = async (ask: Ask) => {
    const found = readAnswer(await ask({ to: label, method: 'GET', url, headers }), [200], KEY_NEEDS);
    if (!isRecord(found) || !Array.isArray(found.checks)) throw new RefusedError(NO_CHECK);
    return found.checks.filter(isRecord);
  };
  return {
    label,
    key: `healthchecks ${base}`,
    defaults: DEFAULTS,
    wish: async (settings) => ({ settings: wishOf(settings), notes: [] }),

    async reach(ask) {
      all ??= list(ask);
      for (const check of await all) read(check);
    },

    async find(slug, ask) {
      all ??= list(ask);
      const same = (await all).filter((check) => check.slug === slug);
      if (same.length > 1)
        throw new RefusedError(`it has ${same.length} checks ${slug}: give all but one another slug`);
      return same[0] === undefined ? undefined : read(same[0]);
    },

    make: (slug, name, settings, ask) =>
      post(url, { ...specOf(settings), slug, name: name.slice(0, LONGEST_NAME), channels: '*', unique: ['slug'] }, ask),

    change: (id, _, settings, ask) => post(`${url}${id}`, specOf(settings), ask),
  };
}

/** One grace is for both: from the slot to the success, and from the start to the success. */
function wishOf(settings: MonitorSettings): Settings {
  const { cron, timeZone, lateAfterMs, deadlineMs, tags } = settings;
  const grace = Math.ceil((lateAfterMs + deadlineMs) / 1_000);
  return compact({
    schedule: scheduleOf(cron, timeZone),
    grace: Math.min(MOST_GRACE, Math.max(LEAST_GRACE, grace)),
    // Its tags are separated by spaces.
    tags: tags.map((tag) => tag.replace(/\s+/g, '-')),
    description: descriptionOf(settings),
  });
}

function specOf({ schedule, grace, tags, description }: Settings): object {
  const line = schedule === undefined ? undefined : splitSchedule(String(schedule));
  return {
    ...(line && { schedule: line.cron, tz: line.timeZone }),
    ...(grace !== undefined && { grace }),
    ...(tags !== undefined && { tags: (tags as readonly string[]).join(' ') }),
    ...(description !== undefined && { desc: description }),
  };
}

const NO_CHECK = 'it answered no check: is the address that of its API?';

function read(check: unknown): FoundMonitor {
  if (!isRecord(check)) throw new RefusedError(NO_CHECK);
  const id = asText(check.uuid);
  if (id === undefined) throw new RefusedError(`its key only reads: the key ${KEY_NEEDS}`);
  const cron = asText(check.schedule);
  return {
    id,
    settings: compact({
      schedule: cron === undefined ? `every ${check.timeout} s` : scheduleOf(cron, asText(check.tz) ?? 'UTC'),
      grace: asNumber(check.grace),
      tags: (asText(check.tags) ?? '').split(' ').filter(Boolean),
      description: asText(check.desc) ?? '',
    }),
  };
}
