// Turns what was seen into what the API answers and the pages show. No reading, no HTML.
import { barsOf } from '../../app/console/open.ts';
import { type Seen, slotsOf } from '../../app/console/seen.ts';
import { shellWord } from '../../app/shell-word.ts';
import { attemptsMade, byNeed, HEALTHS, rootCause } from '../../app/standing.ts';
import type { Attempted, Crowding, JobRecords, LiveRun, Picture, RecentRun, RunRecord, RunRecords } from '../ports.ts';
import type {
  Attempt,
  Job,
  JobDetail,
  Jobs,
  JobsQuery,
  Night,
  NightQuery,
  Now,
  Pause,
  RunBrief,
  RunDetail,
  Running,
  Waiting,
} from './schemas.ts';

/** How many names one page lists. */
export const PAGE = 100;

/** How many missed slots are told with their command. */
const MISSED_SHOWN = 20;

/** The names that fit, what needs a person first. */
export function jobsOf(picture: Picture, query: JobsQuery): Jobs {
  const wanted = (query.q ?? '').trim().toLowerCase();
  const fitting = [...picture.seen.values()].filter(
    ({ standing: { name, job, schedule }, namespace }) =>
      (!query.owner || schedule?.owner === query.owner) &&
      (!query.tag || (schedule?.tags.includes(query.tag) ?? false)) &&
      (!query.namespace || namespace === query.namespace) &&
      (wanted === '' ||
        [name, job, schedule?.owner ?? '', ...(schedule?.tags ?? [])].some((text) =>
          text.toLowerCase().includes(wanted),
        )),
  );
  const counts: Record<string, number> = Object.fromEntries(HEALTHS.map((health) => [health, 0]));
  for (const { standing } of fitting) counts[standing.health] = (counts[standing.health] ?? 0) + 1;
  const shown = fitting
    .filter(({ standing }) => !query.health || standing.health === query.health)
    .sort((a, b) => byNeed(a.standing, b.standing));
  const { page, pages, from } = pageOf(shown.length, query.page);
  return {
    at: picture.at.toISOString(),
    total: shown.length,
    page,
    pages,
    counts,
    jobs: shown.slice(from, from + PAGE).map((seen) => jobOf(seen, picture.at)),
  };
}

function pageOf(total: number, asked = 1): { page: number; pages: number; from: number } {
  const pages = Math.max(1, Math.ceil(total / PAGE));
  const page = Math.min(asked, pages);
  return { page, pages, from: (page - 1) * PAGE };
}

/** One name. */
export function jobOf(seen: Seen, now: Date): Job {
  const { standing, durations, namespace } = seen;
  const { schedule, statistics, pause, lastSuccess, lastRun, overdueSince, error } = standing;
  const [last] = lastRun;
  const failed = lastRun.find(({ status }) => status !== 'succeeded') ?? last;
  return {
    name: standing.name,
    job: standing.job,
    namespace,
    health: standing.health,
    ...(schedule?.owner !== undefined && { owner: schedule.owner }),
    ...(schedule?.runbook !== undefined && { runbook: schedule.runbook }),
    tags: [...(schedule?.tags ?? [])],
    ...(schedule && {
      schedule: {
        cron: schedule.cron,
        timeZone: schedule.timeZone,
        words: standing.words ?? schedule.cron,
        suspended: schedule.suspend,
      },
    }),
    slots: slotsOf(seen),
    ...(lastSuccess && {
      lastSuccess: { scheduledAt: lastSuccess.scheduledAt.toISOString(), endedAt: lastSuccess.endedAt.toISOString() },
    }),
    ...(failed && {
      lastRun: {
        id: failed.id,
        status: failed.status,
        startedAt: failed.startedAt.toISOString(),
        ...(failed.endedAt && { endedAt: failed.endedAt.toISOString() }),
        ...(error && { error: rootCause(error).slice(0, 300) }),
      },
    }),
    running: standing.running.length,
    next: standing.next.map((at) => at.toISOString()),
    ...(overdueSince && {
      overdueSince: overdueSince.toISOString(),
      overdueSeconds: Math.max(0, (now.getTime() - overdueSince.getTime()) / 1_000),
    }),
    consecutiveFailures: standing.consecutiveFailures,
    missed: standing.missed,
    durationsMs: [...durations],
    ...(statistics?.p50Ms !== undefined && { p50Ms: statistics.p50Ms }),
    ...(statistics?.p95Ms !== undefined && { p95Ms: statistics.p95Ms }),
    ...(statistics && {
      days30: { succeeded: statistics.succeeded, failed: statistics.failed, skipped: statistics.skipped },
    }),
    ...(pause && { pause: pauseOf(pause) }),
  };
}

interface GivenPause {
  readonly since: Date;
  readonly until?: Date;
  readonly why: string;
  readonly by?: string;
  readonly endedAt?: Date;
  readonly endedBy?: string;
}

function pauseOf({ since, until, why, by, endedAt, endedBy }: GivenPause): Pause {
  return {
    since: since.toISOString(),
    why,
    ...(until && { until: until.toISOString() }),
    ...(by !== undefined && { by }),
    ...(endedAt && { endedAt: endedAt.toISOString() }),
    ...(endedBy !== undefined && { endedBy }),
  };
}

/** One name, with what only its own page tells. */
export function jobDetailOf(seen: Seen, records: JobRecords, now: Date): JobDetail {
  const { schedule } = seen.standing;
  const missed = new Map<string, string | undefined>();
  for (const { state, at, reason } of slotsOf(seen)) if (state === 'missed') missed.set(at, reason);
  // What a role that only reads has noticed, nobody has written down.
  const written = new Set(records.missed.map(({ at }) => at.toISOString()));
  const unwritten = [...missed.keys()].filter((at) => !written.has(at));
  for (const { at, reason } of records.missed) missed.set(at.toISOString(), reason ?? undefined);
  return {
    ...jobOf(seen, now),
    ...(schedule && { params: schedule.params, source: schedule.source }),
    after: (schedule?.after ?? []).map((after) => after.name),
    ...(schedule?.timeoutMs !== undefined && { timeoutMs: schedule.timeoutMs }),
    runs: records.runs.filter(({ status }) => status !== 'missed').map(briefOf),
    days: [...records.days, ...unwritten.map((at) => ({ day: at.slice(0, 10), status: 'missed' as const, slots: 1 }))],
    missedSlots: [...missed]
      .sort(([a], [b]) => (a < b ? 1 : -1))
      .slice(0, MISSED_SHOWN)
      .map(([at, reason]) => ({ at, ...(reason !== undefined && { reason }), command: commandFor(seen, at) })),
    pauses: records.pauses.map(pauseOf),
    actions: records.actions.map(({ at, who, action, runId, why }) => ({
      at: at.toISOString(),
      who,
      action,
      runId,
      why,
    })),
  };
}

/** What runs a slot of the past: the command of its schedule, with the slot's time. */
function commandFor({ standing: { name, job, schedule } }: Seen, slot: string): string {
  const time = `--scheduled-at=${slot}`;
  if (schedule?.args) {
    const end = schedule.args.indexOf('--');
    const [own, program] = end < 0 ? [schedule.args, []] : [schedule.args.slice(0, end), schedule.args.slice(end)];
    return ['run-job', ...own.map(shellWord), time, ...program.map(shellWord)].join(' ');
  }
  const params = Object.entries(schedule?.params ?? {}).map(([key, value]) =>
    shellWord(`--param=${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`),
  );
  return ['run-job', shellWord(job), ...(job === name ? [] : [shellWord(`--as=${name}`)]), time, ...params].join(' ');
}

function briefOf(run: RecentRun): RunBrief {
  return {
    id: run.runId,
    name: run.name,
    status: run.status,
    ...(run.reason !== undefined && { reason: run.reason }),
    scheduledAt: run.scheduledAt.toISOString(),
    startedAt: run.startedAt.toISOString(),
    ...(run.endedAt && { endedAt: run.endedAt.toISOString() }),
    ...(run.durationMs !== undefined && { durationMs: run.durationMs }),
    shard: run.shard,
  };
}

/** One run, all of it. */
export function runDetailOf({ run, siblings, checkpoint, told }: RunRecords): RunDetail {
  const { id, name, job, status, shard, dryRun, forced, version, place } = run;
  const { scheduledAt, startedAt, begunAt, endedAt, deadline, output } = run;
  // The record tells of attempts when it is closed; a killed run never closes it.
  const tries = run.tries ?? told?.attempts;
  return {
    ...{ id, name, job, status, shard, dryRun, forced, version },
    attempts: attemptsMade(run, tries),
    ...(begunAt && { begunAt: begunAt.toISOString() }),
    ...(tries?.some(({ error }) => error !== undefined) && { tries: tries.map(attemptOf) }),
    ...(told?.progress && { progress: told.progress }),
    scheduledAt: scheduledAt.toISOString(),
    startedAt: startedAt.toISOString(),
    ...(endedAt && { endedAt: endedAt.toISOString() }),
    ...(deadline && { deadline: deadline.toISOString() }),
    place: { ...place },
    ...known(run, ['reason', 'why', 'exitCode', 'durationMs', 'traceId', 'peakRssBytes', 'cpuMs']),
    ...known(run, ['params', 'result', 'error', 'program']),
    ...(output && { output: [...output] }),
    siblings: siblings.map(briefOf),
    ...(checkpoint && {
      checkpoint: {
        value: checkpoint.value,
        steps: checkpoint.steps,
        saves: checkpoint.saves,
        ...(checkpoint.savedAt && { savedAt: checkpoint.savedAt.toISOString() }),
      },
    }),
  };
}

const attemptOf = ({ startedAt, endedAt, error, retryInMs }: Attempted): Attempt => ({
  startedAt: startedAt.toISOString(),
  ...(endedAt && { endedAt: endedAt.toISOString() }),
  ...(error && { error }),
  ...(retryInMs !== undefined && { retryInMs }),
});

/** The fields that are there. */
function known<Key extends keyof RunRecord>(
  run: RunRecord,
  keys: readonly Key[],
): { [K in Key]?: NonNullable<RunRecord[K]> } {
  const there = keys.filter((key) => run[key] !== undefined).map((key) => [key, run[key]]);
  return Object.fromEntries(there) as { [K in Key]?: NonNullable<RunRecord[K]> };
}

/** What runs now. */
export function nowOf(picture: Picture, total: number): Now {
  return {
    at: picture.at.toISOString(),
    standby: picture.standby,
    places: { total, ...(picture.taken !== undefined && { taken: picture.taken }) },
    running: picture.running.map((run) => runningOf(run, picture.seen.get(run.name), picture.live.get(run.id))),
    waiting: picture.waiting.flatMap((run) => waitingOf(run, picture) ?? []),
  };
}

function waitingOf(run: LiveRun, { running }: Picture): Waiting | undefined {
  const { waiting } = run.told;
  if (waiting === undefined) return undefined;
  const { since, until, reason, after, holder } = waiting;
  const name = running.find(({ id }) => id === holder)?.name;
  return {
    id: run.runId,
    name: run.name,
    scheduledAt: run.scheduledAt.toISOString(),
    shard: run.shard,
    place: run.place,
    since: since.toISOString(),
    until: until.toISOString(),
    reason,
    ...(holder !== undefined && { holder: { id: holder, ...(name !== undefined && { name }) } }),
    ...(after !== undefined && { after }),
  };
}

function runningOf(run: RunRecord, seen: Seen | undefined, live: LiveRun | undefined): Running {
  const usualMs = seen?.standing.statistics?.p95Ms;
  const { podName, namespace, host, pid } = run.place;
  const attempts = live?.told.attempts ?? [];
  const failure = attempts.at(-1)?.error;
  return {
    id: run.id,
    name: run.name,
    scheduledAt: run.scheduledAt.toISOString(),
    startedAt: run.startedAt.toISOString(),
    ...(run.deadline && { deadline: run.deadline.toISOString() }),
    attempts: Math.max(1, attempts.length),
    ...(failure && { lastFailure: `${failure.name}: ${failure.message}` }),
    ...(live?.told.progress && { progress: live.told.progress }),
    shard: run.shard,
    ...(usualMs !== undefined && { usualMs }),
    place: podName === undefined ? `${host}, process ${pid}` : `${namespace ? `${namespace}/` : ''}${podName}`,
  };
}

/** The last 24 hours. */
export function nightOf({ from, to, stepMs, crowd, names }: Crowding, query: NightQuery): Night {
  const wanted = (query.q ?? '').trim().toLowerCase();
  const fitting = names.filter(({ name }) => name.toLowerCase().includes(wanted));
  const { page, pages, from: first } = pageOf(fitting.length, query.page);
  return {
    from: from.toISOString(),
    to: to.toISOString(),
    stepMs,
    crowd: [...crowd],
    ...{ total: fitting.length, page, pages },
    names: fitting.slice(first, first + PAGE).map((one) => ({
      name: one.name,
      runs: one.runs,
      busyMs: one.busyMs,
      bars: barsOf(one),
    })),
  };
}
