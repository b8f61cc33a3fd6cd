// Sentry Crons, by the DSN of a project: https://docs.sentry.io/product/crons/getting-started/http/, relay-server/src/endpoints/monitor.rs, and
// relay-monitors/src/lib.rs, by which slugs are cut at 50 characters without a word. One that has ended stays as it is: a later check-in of the
// same id is an error, and one that says in_progress is ignored (sentry/monitors/consumers/monitor_consumer.py).
import type { CheckInEvent, MonitorSettings } from './event.ts';
import { type CheckInService, commonProblem } from './service.ts';
import { slugOf } from './slug.ts';

const STATUS = { start: 'in_progress', success: 'ok', failure: 'error' } as const;

/** The longest that Sentry lets a run be under way, and how late it may be, in minutes. */
const MOST_MINUTES = 10_080;

/** A project's monitors, each named after a name. With `create=1` in the DSN each start says what to expect, which makes the monitor. */
export function sentry(base: string, project: string, key: string, query: URLSearchParams): CheckInService {
  const label = `Sentry at ${new URL(base).host}`;
  return {
    label,
    // 202, also of a monitor that isn't there, or beyond its limits (relay-server/src/endpoints/monitor.rs).
    unproved: 'it answers so whatever becomes of it: look there whether it has arrived',
    request(event: CheckInEvent) {
      // What is tried again stays in progress.
      if (event.kind === 'log') return undefined;
      const slug = slugOf(event.name);
      const { monitor } = event;
      return {
        to: label,
        method: 'POST',
        url: `${base}/api/${project}/cron/${slug}/${key}/`,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          check_in_id: event.id,
          monitor_slug: slug,
          status: STATUS[event.kind],
          ...(event.environment !== undefined && { environment: event.environment }),
          ...(event.durationMs !== undefined && { duration: event.durationMs / 1_000 }),
          ...(event.traceId !== undefined && { contexts: { trace: { trace_id: event.traceId } } }),
          ...(monitor &&
            query.get('create') === '1' &&
            event.kind === 'start' && { monitor_config: monitorConfig(monitor) }),
        }),
      };
    },
    problem(status) {
      if (status === 400 || status === 413) return `it answered ${status}: is the DSN that of a project?`;
      return commonProblem(status);
    },
  };
}

/** In Sentry's words and minutes. */
function monitorConfig({ cron, timeZone, lateAfterMs, deadlineMs }: MonitorSettings) {
  return {
    schedule: { type: 'crontab', value: cron },
    timezone: timeZone,
    checkin_margin: minutesOf(lateAfterMs),
    max_runtime: minutesOf(deadlineMs),
  };
}

/** As it takes them: whole, and not more than it lets anything last. */
export const minutesOf = (ms: number): number => Math.min(MOST_MINUTES, Math.max(1, Math.ceil(ms / 60_000)));
