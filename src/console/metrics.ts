// `/metrics`: how the names stand, for Prometheus; the same at each replica, since all of it comes from PostgreSQL.
// Names and units: https://prometheus.io/docs/practices/naming/
import { Counter, Gauge, Registry } from 'prom-client';
import type { Picture, Seen } from './ports.ts';

/** More names than this are left out, the last of the alphabet first: each has a dozen series. */
const MOST_NAMES = 5_000;

/** What a scrape tells of. */
export interface Scrape {
  /** Undefined where the database was never reached. */
  readonly seen: Picture | undefined;
  /** When the database was looked at last. */
  readonly lookedAt: Date | undefined;
  /** Whether it can't be looked at now. */
  readonly stale: boolean;
  readonly places: number;
}

/** Makes the text of scrapes. */
export function createMetrics(version: string) {
  const registry = new Registry();
  const labelNames = ['name', 'namespace'] as const;
  const gauge = (name: string, help: string) =>
    new Gauge({ name: `run_job_${name}`, help, labelNames, registers: [registry] });
  const lastSuccess = gauge('last_success_timestamp_seconds', 'When a run last succeeded, in all its parts');
  const lastCompletion = gauge(
    'last_completion_timestamp_seconds',
    'When a run last ended, however it did, skipped ones left out',
  );
  const lastDuration = gauge('last_duration_seconds', 'How long that run took');
  const lastStatus = new Gauge({
    name: 'run_job_last_status',
    help: 'Always 1: how that run ended is in the label status',
    labelNames: [...labelNames, 'status'],
    registers: [registry],
  });
  const failures = gauge('consecutive_failures', 'Runs that failed since the last success');
  const running = gauge('running', 'Runs that are under way');
  const overdue = gauge(
    'overdue_seconds',
    'For how long the first slot since the last success is overdue; 0 when none is',
  );
  const missed = gauge('missed_slots', 'Slots since the last success that passed without a run');
  const nextSlot = gauge('next_slot_timestamp_seconds', 'When the next slot is; absent while there is none');
  const paused = gauge('paused', '1 while the name is paused');
  const runs = new Counter({
    name: 'run_job_runs_total',
    help: 'Runs that have ended, ever, by how they did; missed counts slots without a run',
    labelNames: [...labelNames, 'status'],
    registers: [registry],
  });
  const places = new Gauge({
    name: 'run_job_places',
    help: 'Places for runs at once, of all names: taken and free',
    labelNames: ['state'],
    registers: [registry],
  });
  const up = new Gauge({
    name: 'run_job_console_last_look_timestamp_seconds',
    help: 'When the console last read the database with success',
    registers: [registry],
  });
  const left = new Gauge({
    name: 'run_job_console_names_left_out',
    help: `Names of which nothing is told here, since there are more than ${MOST_NAMES}`,
    registers: [registry],
  });
  new Gauge({
    name: 'run_job_console_info',
    help: 'Always 1: the version is in the label',
    labelNames: ['version'],
    registers: [registry],
  }).set({ version }, 1);

  function tellName({ standing, lastEnded, namespace }: Seen, now: Date): void {
    const labels = { name: standing.name, namespace };
    if (standing.lastSuccess) lastSuccess.set(labels, seconds(standing.lastSuccess.endedAt));
    if (lastEnded?.endedAt) {
      lastCompletion.set(labels, seconds(lastEnded.endedAt));
      lastStatus.set({ ...labels, status: lastEnded.status }, 1);
      if (lastEnded.durationMs !== undefined) lastDuration.set(labels, lastEnded.durationMs / 1_000);
    }
    failures.set(labels, standing.consecutiveFailures);
    running.set(labels, standing.running.length);
    overdue.set(labels, standing.overdueSince ? Math.max(0, seconds(now) - seconds(standing.overdueSince)) : 0);
    missed.set(labels, standing.missed);
    paused.set(labels, standing.pause === undefined ? 0 : 1);
    if (standing.next[0] !== undefined) nextSlot.set(labels, seconds(standing.next[0]));
  }

  return {
    contentType: registry.contentType,
    async text({ seen, lookedAt, stale, places: total }: Scrape): Promise<string> {
      for (const metric of [lastSuccess, lastCompletion, lastDuration, lastStatus, failures, running]) metric.reset();
      for (const metric of [overdue, missed, nextSlot, paused, runs, places]) metric.reset();
      if (lookedAt) up.set(seconds(lookedAt));
      if (seen) {
        const names = [...seen.seen.keys()].sort();
        const told = new Set(names.slice(0, MOST_NAMES));
        left.set(names.length - told.size);
        for (const name of told) tellName(seen.seen.get(name) as Seen, seen.at);
        for (const { name, namespace, status, runs: count } of seen.totals) {
          if (told.has(name) && status !== 'dry_run') runs.inc({ name, namespace, status }, count);
        }
        if (!stale && seen.taken !== undefined) {
          places.set({ state: 'taken' }, seen.taken);
          places.set({ state: 'free' }, Math.max(0, total - seen.taken));
        }
      }
      return registry.metrics();
    },
  };
}

const seconds = (time: Date): number => time.getTime() / 1_000;
