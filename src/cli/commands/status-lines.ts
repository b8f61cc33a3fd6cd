// What `run-job status` shows: a line for each name, a page for one, and the same as JSON.
import { type DetailedStanding, type Health, rootCause, type Standing } from '../../app/standing.ts';
import { tellReason } from '../../app/tell-reason.ts';
import { formatDuration } from '../../duration.ts';
import { wrap } from '../../log/wrap.ts';
import type { RunRecord } from '../../postgres/records.ts';
import type { Schedule } from '../../postgres/schedules.ts';
import type { Statistics } from '../../postgres/statistics.ts';
import type { SlotState } from '../../schedule/judge.ts';
import type { Colour } from '../terminal/paint.ts';
import { shortId, tellAgo, tellSpan, tellTime } from '../terminal/print.ts';

export const HEAD = ['NAME', 'STATE', 'LAST RUN', 'SUCCESS', 'NEXT', 'P50', 'P95', 'RATE', 'NOTE'];

/** A line without what the page of the name tells too, for a narrow terminal. */
export const withoutStatistics = (line: readonly string[]): string[] =>
  line.filter((_, column) => !STATISTICS.includes(HEAD[column] ?? ''));

const STATISTICS = ['P50', 'P95', 'RATE'];

export const COLOUR_OF: Readonly<Record<Health, Colour | undefined>> = {
  failing: 'red',
  overdue: 'red',
  paused: 'yellow',
  suspended: 'yellow',
  running: 'cyan',
  unknown: undefined,
  ok: undefined,
};

/** The line of one name. */
export function toLine(one: Standing, now: Date): string[] {
  const { name, lastRun, lastSuccess, next, statistics } = one;
  const [first] = lastRun;
  const [following] = next;
  return [
    name,
    tellState(one, now),
    first === undefined ? 'never' : tellAgo(first.startedAt, now),
    lastSuccess === undefined ? 'never' : tellAgo(lastSuccess.endedAt, now),
    following === undefined ? '-' : `in ${tellSpan(following.getTime() - now.getTime())}`,
    tellMs(statistics?.p50Ms),
    tellMs(statistics?.p95Ms),
    statistics === undefined ? '-' : tellRate(statistics),
    tellNotes(one, now).join(', '),
  ];
}

/** In few words. */
export function tellState(one: Standing, now: Date): string {
  const { health, consecutiveFailures, overdueSince, running, lastRun, pause } = one;
  switch (health) {
    case 'failing':
      return `failing ${consecutiveFailures}x`;
    case 'overdue':
      return `overdue ${tellSpan(now.getTime() - (overdueSince ?? now).getTime())}`;
    case 'paused':
      return pause?.until === undefined ? 'paused' : `paused ${tellSpan(pause.until.getTime() - now.getTime())}`;
    case 'running':
      return `running ${tellSpan(now.getTime() - (running[0]?.startedAt ?? now).getTime())}`;
    case 'unknown':
      return 'never ran';
    case 'ok':
      return statusOf(lastRun) ?? 'ok';
    default:
      return health;
  }
}

function tellNotes(one: Standing, now: Date): string[] {
  const { health, lastRun, overdueSince, missed, skips, error, running, pause, schedule, unreadable } = one;
  const [first] = lastRun;
  return [
    first && first.shard.count > 1 && `parts ${succeededParts(lastRun)}/${first.shard.count}`,
    health !== 'overdue' && overdueSince && `overdue ${tellSpan(now.getTime() - overdueSince.getTime())}`,
    missed > 0 && `${missed} missed`,
    skips > 0 && `${skips} skipped`,
    health !== 'running' && running.length > 0 && 'running',
    tellSaved(one, now),
    pause?.why,
    unreadable && `its schedule can't be read: ${unreadable}`,
    health === 'failing' && schedule?.suspend && 'suspended',
    error && rootCause(error),
  ].filter((note) => typeof note === 'string');
}

/** When something was last saved of a slot that hasn't succeeded. */
function tellSaved({ checkpoints }: Standing, now: Date): string | undefined {
  const times = checkpoints.flatMap(({ savedAt }) => savedAt?.getTime() ?? []);
  return times.length === 0 ? undefined : `checkpoint ${tellAgo(new Date(Math.max(...times)), now)}`;
}

const SYMBOL: Readonly<Record<SlotState, { symbol: string; colour: Colour | undefined }>> = {
  done: { symbol: '●', colour: 'green' },
  running: { symbol: '▶', colour: 'cyan' },
  due: { symbol: '◌', colour: undefined },
  late: { symbol: '◷', colour: 'yellow' },
  failed: { symbol: '✖', colour: 'red' },
  skipped: { symbol: '○', colour: 'yellow' },
  missed: { symbol: '!', colour: 'red' },
};

type Paint = (colour: Colour | undefined, text: string) => string;

/** How a page looks where it is shown. */
export interface Page {
  /** Takes out of texts of others what would change the terminal. */
  readonly clean: (text: string) => string;
  readonly paint: Paint;
  /** How wide the terminal is; undefined where lines may have any length. */
  readonly columns: number | undefined;
}

/** The page of one name. */
export function toPage(one: DetailedStanding, now: Date, { clean, paint, columns }: Page): string {
  const { schedule, lastRun, lastSuccess, next, statistics, error, pause } = one;
  const [first] = lastRun;
  const since = (date: Date) => `${tellTime(date)} UTC (${tellAgo(date, now)})`;
  // Where slots of the past are run, the newest run isn't that of the newest slot.
  const ofSlot = ({ scheduledAt }: { scheduledAt: Date }) =>
    schedule ? `, slot ${tellTime(scheduledAt).slice(0, 16)}` : '';
  const rows: [string, string | undefined][] = [
    ['Name', one.name],
    ['Job', one.job === one.name ? undefined : one.job],
    ['State', tellState(one, now)],
    ['Paused', pause && `since ${tellTime(pause.since)} UTC${pause.by ? ` by ${pause.by}` : ''}: ${pause.why}`],
    ['Schedule', schedule ? tellSchedule(one, schedule) : 'none is known'],
    ['In force', schedule && `since ${tellTime(schedule.validFrom)} UTC, told by ${schedule.source}`],
    ['Late after', schedule && formatDuration(schedule.lateAfterMs)],
    ['CronJob', schedule?.cronJobName && [schedule.namespace, schedule.cronJobName].filter(Boolean).join('/')],
    ['Owner', schedule?.owner],
    ['Runbook', schedule?.runbook],
    ['Tags', schedule?.tags.join(', ') || undefined],
    [
      'Last run',
      first ? `${since(first.startedAt)}, ${statusOf(lastRun)}, ${shortId(first.id)}${ofSlot(first)}` : 'never',
    ],
    ['Checkpoint', tellSaved(one, now)?.replace('checkpoint ', 'saved ')],
    ['Last success', lastSuccess ? `${since(lastSuccess.endedAt)}${ofSlot(lastSuccess)}` : 'never'],
    ['Next', next.length === 0 ? undefined : `${next.map((slot) => tellTime(slot).slice(0, 16)).join(', ')} UTC`],
    [
      'Overdue',
      one.overdueSince &&
        `since ${tellTime(one.overdueSince)} UTC, by ${formatDuration(now.getTime() - one.overdueSince.getTime())}`,
    ],
    ['Missed', one.missed > 0 ? `${one.missed} since the last success` : undefined],
    ['Failures', one.consecutiveFailures > 0 ? `${one.consecutiveFailures} in a row` : undefined],
    ['Error', error && rootCause(error)],
    ['Skipped', one.skips > 0 ? `${one.skips} since the last success` : undefined],
    ['30 days', statistics && tell30Days(statistics)],
  ];
  const known = rows.filter((row): row is [string, string] => row[1] !== undefined);
  const width = Math.max(...known.map(([label]) => label.length));
  const lines = known.map(([label, value]) => {
    const told = columns === undefined ? [clean(value)] : wrap(clean(value), columns - width - 2);
    const line = `${label.padEnd(width)}  ${told.join(`\n${' '.repeat(width + 2)}`)}`;
    return label === 'State' ? paint(COLOUR_OF[one.health], line) : line;
  });
  if (one.slots.length > 0) lines.push('', ...toStrip(one, clean, paint));
  return `${lines.join('\n')}\n`;
}

const tellSchedule = ({ words, unreadable }: Standing, { cron, suspend }: Schedule): string =>
  words === undefined
    ? `${cron}, which can't be read: ${unreadable}`
    : `${words} (${cron})${suspend ? ', suspended' : ''}`;

/** The newest slots as one row of signs, and what each of the last ones was. */
function toStrip({ slots }: DetailedStanding, clean: (text: string) => string, paint: Paint): string[] {
  const signs = slots.map(({ state }) => paint(SYMBOL[state].colour, SYMBOL[state].symbol)).join(' ');
  const each = slots.map(({ at, state, reason, runId }) => {
    const told = [tellReason(reason), runId && shortId(runId)].filter(Boolean).join(', ');
    return `${paint(SYMBOL[state].colour, SYMBOL[state].symbol)} ${tellTime(at).slice(0, 16)}  ${state.padEnd(8)}${told && ` ${clean(told)}`}`.trimEnd();
  });
  return [`The last ${slots.length === 1 ? 'slot' : `${slots.length} slots`} (UTC)  ${signs}`, ...each];
}

const tellMs = (ms: number | undefined): string => (ms === undefined ? '-' : (formatDuration(ms).split(' ')[0] ?? '-'));

/** Of the runs that succeeded or failed. */
function rateOf({ succeeded, failed }: Statistics): number | undefined {
  return succeeded + failed === 0 ? undefined : succeeded / (succeeded + failed);
}

/** Rounded down, so that 100% means all. */
function tellRate(days: Statistics): string {
  const rate = rateOf(days);
  return rate === undefined ? '-' : `${Math.floor(rate * 100)}%`;
}

function tell30Days(days: Statistics): string {
  const { succeeded, failed, skipped, p50Ms, p95Ms } = days;
  const parts = [
    `${tellRate(days)} of ${succeeded + failed} ${succeeded + failed === 1 ? 'run' : 'runs'} succeeded`,
    p50Ms !== undefined &&
      p95Ms !== undefined &&
      `half took up to ${formatDuration(p50Ms)}, 95% up to ${formatDuration(p95Ms)}`,
    skipped > 0 && `${skipped} skipped`,
  ];
  return parts.filter(Boolean).join('; ');
}

/** The parts of a sharded run as one: it has succeeded when all have, it runs while one does, else the worst of them says. */
function statusOf(parts: readonly RunRecord[]): RunRecord['status'] | 'incomplete' | undefined {
  const [first] = parts;
  if (first === undefined) return undefined;
  if (parts.some(({ status }) => status === 'running')) return 'running';
  const bad = parts.find(({ status }) => status !== 'succeeded');
  if (bad !== undefined) return bad.status;
  return parts.length < first.shard.count ? 'incomplete' : 'succeeded';
}

const succeededParts = (parts: readonly RunRecord[]): number =>
  parts.filter(({ status }) => status === 'succeeded').length;

/** All of it for machines. */
export function toJson(one: Standing & Partial<Pick<DetailedStanding, 'slots'>>, now: Date): unknown {
  const { name, job, health, lastRun, lastSuccess, running, consecutiveFailures, skips, schedule, statistics } = one;
  const [first] = lastRun;
  return {
    name,
    job,
    health,
    lastRun: first && {
      scheduledAt: first.scheduledAt,
      startedAt: new Date(Math.min(...lastRun.map(({ startedAt }) => startedAt.getTime()))),
      status: statusOf(lastRun),
      shards: first.shard.count,
      succeededShards: succeededParts(lastRun),
      parts: lastRun.map(tellPart),
    },
    lastSuccess,
    running: running.map(tellPart),
    checkpoints: one.checkpoints,
    consecutiveFailures,
    skips,
    missed: one.missed,
    missedSince: one.missedSince,
    next: one.next,
    overdueSince: one.overdueSince,
    overdueMs: one.overdueSince && now.getTime() - one.overdueSince.getTime(),
    rootCause: one.error && rootCause(one.error),
    schedule: schedule && {
      ...schedule,
      words: one.words,
      unreadable: one.unreadable,
      id: undefined,
      settledTo: undefined,
    },
    statistics: statistics && { ...statistics, days: 30, successRate: rateOf(statistics) },
    pause: one.pause,
    slots: one.slots,
  };
}

const tellPart = ({ id, shard, status, exitCode, startedAt, endedAt, place }: RunRecord) => ({
  runId: id,
  shard: shard.index,
  status,
  exitCode,
  startedAt,
  endedAt,
  place,
});
