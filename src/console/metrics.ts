// `/metrics`: how the names stand, for Prometheus; the same at each replica, since all of it comes from PostgreSQL.
// Names and units: https://prometheus.io/docs/practices/naming/
import { Counter, Gauge, Registry } from 'prom-client';
import type { Job } from './api/schemas.ts';
import type { Picture } from './ports.ts';

/** More names than this are left out, the last of the alphabet first: each has a dozen series. */
const MOST_NAMES = 5_000;

/** What a scrape tells of. */
export interface Scrape {
  /** Undefined where the database was never reached. */
  readonly seen: Picture | undefined;
  readonly jobs: readonly Job[];
  /** When the database was looked at last. */
  readonly lookedAt: Date | undefined;
  readonly taken: number | undefined;
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

  function tellName(job: Job, picture: Picture): void {
    const labels = { name: job.name, namespace: job.namespace };
    const ended = picture.seen.get(job.name)?.lastEnded;
    if (job.lastSuccess) lastSuccess.set(labels, seconds(job.lastSuccess.endedAt));
    if (ended?.endedAt) {
      lastCompletion.set(labels, ended.endedAt.getTime() / 1_000);
      lastStatus.set({ ...labels, status: ended.status }, 1);
      if (ended.durationMs !== undefined) lastDuration.set(labels, ended.durationMs / 1_000);
    }
    failures.set(labels, job.consecutiveFailures);
    running.set(labels, job.running);
    overdue.set(labels, job.overdueSeconds ?? 0);
    missed.set(labels, job.missed);
    paused.set(labels, job.pause === undefined ? 0 : 1);
    if (job.next[0] !== undefined) nextSlot.set(labels, seconds(job.next[0]));
  }

  return {
    contentType: registry.contentType,
    async text({ seen, jobs, lookedAt, taken, places: total }: Scrape): Promise<string> {
      for (const metric of [lastSuccess, lastCompletion, lastDuration, lastStatus, failures, running]) metric.reset();
      for (const metric of [overdue, missed, nextSlot, paused, runs, places]) metric.reset();
      const told = [...jobs].sort((a, b) => (a.name < b.name ? -1 : 1)).slice(0, MOST_NAMES);
      left.set(jobs.length - told.length);
      if (lookedAt) up.set(lookedAt.getTime() / 1_000);
      if (seen) {
        const names = new Set(told.map(({ name }) => name));
        for (const job of told) tellName(job, seen);
        for (const { name, namespace, status, runs: count } of seen.totals) {
          if (names.has(name) && status !== 'dry_run') runs.inc({ name, namespace, status }, count);
        }
      }
      if (taken !== undefined) {
        places.set({ state: 'taken' }, taken);
        places.set({ state: 'free' }, Math.max(0, total - taken));
      }
      return registry.metrics();
    },
  };
}

const seconds = (time: string): number => Date.parse(time) / 1_000;
