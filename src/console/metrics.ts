// `/metrics`: how the names stand, for Prometheus; the same at each replica, since all of it comes from PostgreSQL.
// Names and units: https://prometheus.io/docs/practices/naming/
import { Exposition } from './exposition.ts';
import type { Picture, Seen } from './ports.ts';

/** More names than this are left out, the last of the alphabet first: each has a dozen series. */
const MOST_NAMES = 5_000;

/** What a scrape tells of. */
export interface Scrape {
  readonly version: string;
  /** Undefined where the database was never reached. */
  readonly seen: Picture | undefined;
  /** When the database was looked at last. */
  readonly lookedAt: Date | undefined;
  /** Whether it can't be looked at now. */
  readonly stale: boolean;
  readonly places: number;
}

/** The text of a scrape. */
export function tellMetrics({ version, seen, lookedAt, stale, places }: Scrape): Buffer<ArrayBuffer> {
  const text = new Exposition('run_job_');
  const told = [...(seen?.seen.values() ?? [])]
    .sort((a, b) => (a.standing.name < b.standing.name ? -1 : 1))
    .slice(0, MOST_NAMES)
    .map((one) => ({ ...one, labels: text.labels({ name: one.standing.name, namespace: one.namespace }) }));

  /** A gauge of every name for which there is a value. */
  const gauge = (name: string, help: string, value: (one: Seen) => number | undefined) => {
    text.family(name, 'gauge', help);
    for (const one of told) text.sample(name, one.labels, value(one));
  };
  gauge('last_success_timestamp_seconds', 'When a run last succeeded, in all its parts', ({ standing }) =>
    seconds(standing.lastSuccess?.endedAt),
  );
  gauge(
    'last_completion_timestamp_seconds',
    'When a run last ended, however it did, skipped ones left out',
    ({ lastEnded }) => seconds(lastEnded?.endedAt),
  );
  gauge('last_duration_seconds', 'How long that run took', ({ lastEnded }) =>
    lastEnded?.durationMs === undefined ? undefined : lastEnded.durationMs / 1_000,
  );
  text.family('last_status', 'gauge', 'Always 1: how that run ended is in the label status');
  for (const { labels, lastEnded } of told) {
    if (lastEnded) text.sample('last_status', `${labels},${text.labels({ status: lastEnded.status })}`, 1);
  }
  gauge(
    'consecutive_failures',
    'Runs that failed since the last success',
    ({ standing }) => standing.consecutiveFailures,
  );
  gauge('running', 'Runs that are under way', ({ standing }) => standing.running.length);
  gauge(
    'overdue_seconds',
    'For how long the first slot since the last success is overdue; 0 when none is',
    ({ standing: { overdueSince } }) =>
      overdueSince && seen ? Math.max(0, seen.at.getTime() - overdueSince.getTime()) / 1_000 : 0,
  );
  gauge('missed_slots', 'Slots since the last success that passed without a run', ({ standing }) => standing.missed);
  gauge('next_slot_timestamp_seconds', 'When the next slot is; absent while there is none', ({ standing }) =>
    seconds(standing.next[0]),
  );
  gauge('paused', '1 while the name is paused', ({ standing }) => (standing.pause === undefined ? 0 : 1));

  text.family(
    'runs_total',
    'counter',
    'Runs that have ended, ever, by how they did; missed counts slots without a run',
  );
  const names = new Set(told.map(({ standing }) => standing.name));
  for (const { name, namespace, status, runs } of seen?.totals ?? []) {
    if (status !== 'dry_run' && names.has(name)) {
      text.sample('runs_total', text.labels({ name, namespace, status }), runs);
    }
  }
  if (seen?.taken !== undefined && !stale) {
    text.family('places', 'gauge', 'Places for runs at once, of all names: taken and free');
    text.sample('places', text.labels({ state: 'taken' }), seen.taken);
    text.sample('places', text.labels({ state: 'free' }), Math.max(0, places - seen.taken));
  }
  text.family('console_last_look_timestamp_seconds', 'gauge', 'When the console last read the database with success');
  text.sample('console_last_look_timestamp_seconds', '', seconds(lookedAt));
  text.family(
    'console_names_left_out',
    'gauge',
    `Names of which nothing is told here, since there are more than ${MOST_NAMES}`,
  );
  text.sample('console_names_left_out', '', (seen?.seen.size ?? 0) - told.length);
  text.family('console_info', 'gauge', 'Always 1: the version is in the label');
  text.sample('console_info', text.labels({ version }), 1);
  return text.toBytes();
}

const seconds = (time: Date | undefined): number | undefined => time && time.getTime() / 1_000;
