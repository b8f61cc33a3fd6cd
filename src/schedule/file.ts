// The schedules file: what `run-job schedules apply` reads and the chart writes.
import * as v from 'valibot';
import { parseDuration } from '../duration.ts';
import { UsageError } from '../errors.ts';
import { readBlackouts } from './blackouts.ts';
import { findCircle } from './circle.ts';
import { parseCron } from './cron.ts';
import { DEFAULT_CATCH_UP_LIMIT, DEFAULT_LATE_AFTER } from './defaults.ts';
import { zoneOf } from './zone.ts';
import { ZONE_ALIASES } from './zone-aliases.ts';

/** What reads a text and throws a UsageError becomes a check with that sentence. */
const readable = (read: (text: string) => unknown) =>
  v.rawCheck<string>(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    try {
      read(dataset.value);
    } catch (error) {
      addIssue({ message: (error as Error).message });
    }
  });

const text = v.pipe(
  v.string('must be a text'),
  v.trim(),
  v.nonEmpty('must not be empty'),
  v.maxLength(1_024, 'must have at most 1024 characters'),
  // PostgreSQL keeps no NUL, and no line of a page is to be broken by the others.
  v.regex(/^\P{Cc}*$/u, 'must have no control characters'),
);

/** As Kubernetes writes names, and as jobs have them. */
const name = v.pipe(
  text,
  v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'must have letters, digits, dots, dashes and underscores'),
  v.maxLength(253, 'must have at most 253 characters'),
);

/** As much as any schedule has use for, and what comes of it is still a time. */
const LONGEST_MS = 366 * 86_400_000;

const duration = v.pipe(
  v.string('must be a duration such as 90s or 2h'),
  v.check((given) => parseDuration(given) !== undefined, 'must be a duration such as 90s or 2h'),
  v.transform((given) => parseDuration(given) as number),
  v.maxValue(LONGEST_MS, 'must be at most 366d'),
);

/** What an Indexed Job of Kubernetes may have. */
const MOST_SHARDS = 100_000;

const wholeFrom = (least: number, most = 1_000_000_000) =>
  v.pipe(
    v.number(`must be a whole number from ${least} on`),
    v.integer(`must be a whole number from ${least} on`),
    v.minValue(least, `must be a whole number from ${least} on`),
    v.maxValue(most, `must be at most ${most}`),
  );

/** Go looks for a file of this name, capitals and all; Node takes any capitals, and some names of its own. */
function asKubernetesSpells(given: string): void {
  zoneOf(given);
  const known = [...Intl.supportedValuesOf('timeZone'), ...ZONE_ALIASES];
  if (known.includes(given)) return;
  const like = known.find((name) => name.toLowerCase() === given.toLowerCase());
  throw new UsageError(
    `"${given}" isn't an IANA time zone: ${like ? `did you mean ${like}?` : 'write one such as Etc/UTC or Europe/Berlin'}`,
  );
}

const timeZone = v.pipe(text, readable(asKubernetesSpells));

const blackouts = v.pipe(
  v.unknown(),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    try {
      return readBlackouts(dataset.value);
    } catch (error) {
      addIssue({ message: (error as Error).message });
      return NEVER;
    }
  }),
);

/** What a run waits for: that this slot of another name has succeeded. */
const after = v.strictObject(
  {
    name,
    slot: v.optional(v.picklist(['same', 'latest'], 'must be same or latest'), 'same'),
    within: v.optional(duration),
  },
  'must have name, and may have slot and within',
);

const ENTRY = {
  /** What the runs are known by. */
  name,
  /** The job, or of a command the name it goes by; the name unless given. */
  job: v.optional(name),
  schedule: v.pipe(text, readable(parseCron)),
  timeZone: v.optional(timeZone, 'Etc/UTC'),
  params: v.optional(v.record(v.string(), v.unknown(), 'must be an object'), {}),
  /** What run-job is called with, for whoever runs a slot again. */
  args: v.optional(v.array(v.string('must be a text'), 'must be a list of texts')),
  shards: v.optional(wholeFrom(1, MOST_SHARDS), 1),
  timeout: v.optional(duration),
  activeDeadlineSeconds: v.optional(wholeFrom(1)),
  startingDeadlineSeconds: v.optional(wholeFrom(0)),
  lateAfter: v.optional(duration, DEFAULT_LATE_AFTER),
  catchUp: v.optional(v.picklist(['latest', 'all'], 'must be latest or all'), 'latest'),
  catchUpLimit: v.optional(wholeFrom(1), DEFAULT_CATCH_UP_LIMIT),
  pauseAfter: v.optional(wholeFrom(1)),
  notifyEvery: v.optional(wholeFrom(1)),
  blackouts: v.optional(blackouts),
  after: v.optional(v.array(after, 'must be a list'), []),
  suspend: v.optional(v.boolean('must be true or false'), false),
  owner: v.optional(text),
  runbook: v.optional(v.pipe(text, v.regex(/^https?:\/\/\S+$/, 'must be a URL'))),
  tags: v.optional(v.array(text, 'must be a list of texts'), []),
  cronJob: v.optional(name),
  namespace: v.optional(name),
};

const entry = v.strictObject(ENTRY, 'it must have name and schedule');

const file = v.strictObject(
  {
    /** Who tells of these schedules: what this source told of before and doesn't any more is retired. */
    source: v.pipe(
      text,
      v.notValue('run', 'must not be run, by which schedules are known that runs brought themselves'),
    ),
    schedules: v.array(v.unknown(), 'must be a list'),
  },
  'it must have source and schedules',
);

/** One schedule as the file gives it, with durations in milliseconds and defaults filled in. */
export type ScheduleEntry = Omit<v.InferOutput<typeof entry>, 'job'> & { readonly job: string };

/** The file's meaning. */
export interface SchedulesFile {
  readonly source: string;
  readonly schedules: readonly ScheduleEntry[];
}

/**
 * Makes sense of a schedules file that was parsed from YAML or JSON.
 * @throws {UsageError} naming every entry that is wrong, and what is wrong with it
 */
export function readSchedules(value: unknown): SchedulesFile {
  const outside = v.safeParse(file, value);
  if (!outside.success) throw unreadable(outside.issues.map((issue) => tellIssue('the file', issue)));
  const problems: string[] = [];
  const schedules = outside.output.schedules.flatMap((given, index) => {
    const parsed = v.safeParse(entry, given);
    if (parsed.success) return [{ ...parsed.output, job: parsed.output.job ?? parsed.output.name }];
    problems.push(...parsed.issues.map((issue) => tellIssue(whichEntry(given, index), issue)));
    return [];
  });
  for (const [name, same] of Map.groupBy(schedules, (schedule) => schedule.name)) {
    if (same.length > 1) problems.push(`${name}: ${same.length} entries have this name, which can have one`);
  }
  if (problems.length > 0) throw unreadable(problems);
  refuseCircles(schedules);
  return { source: outside.output.source, schedules };
}

/**
 * Refuses names that wait for each other.
 * @throws {UsageError} naming those on the circle
 */
export function refuseCircles(
  schedules: readonly { readonly name: string; readonly after: readonly { readonly name: string }[] }[],
): void {
  const circle = findCircle(new Map(schedules.map(({ name, after }) => [name, after.map((other) => other.name)])));
  if (circle) throw unreadable([`${circle.join(' comes after ')}: none of them could ever begin`]);
}

function whichEntry(given: unknown, index: number): string {
  const named = (given as { name?: unknown } | null)?.name;
  return typeof named === 'string' && named !== '' ? named : `entry ${index + 1}`;
}

function tellIssue(where: string, issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue);
  if (issue.type === 'strict_object' && path !== null && issue.expected !== 'Object') {
    return `${where}: ${issue.expected === 'never' ? 'it knows no' : 'it needs'} ${path}`;
  }
  // What reads blackouts says where in them.
  const said = path !== null && issue.message.startsWith(path);
  return `${where}: ${path === null || said ? issue.message : `${path} ${issue.message}`}`;
}

function unreadable(problems: readonly string[]): UsageError {
  return new UsageError(`The schedules file can't be applied, and nothing was changed: ${problems.join('; ')}`);
}
