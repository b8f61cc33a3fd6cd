// What the API answers, as valibot schemas: the OpenAPI description is made from these, the pages are made of what fits them.
import * as v from 'valibot';
import { HEALTHS } from '../../app/standing.ts';
import { STATUSES } from '../../runner/outcome.ts';

const describe = <Schema extends v.GenericSchema>(schema: Schema, text: string) => v.pipe(schema, v.description(text));

const time = v.pipe(v.string(), v.isoTimestamp(), v.description('RFC 3339, in UTC'));
const milliseconds = v.pipe(v.number(), v.minValue(0));
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
/** What a record holds may be anything that JSON can tell. */
const recorded = v.unknown();

const SLOT_STATES = ['done', 'running', 'due', 'late', 'failed', 'skipped', 'missed'] as const;
const RUN_STATUSES = ['running', ...STATUSES, 'continued', 'missed'] as const;

export const Slot = v.object({
  at: describe(time, 'The scheduled time'),
  state: v.picklist(SLOT_STATES),
  reason: v.optional(describe(v.string(), 'Why it was skipped or missed, or the status of the run that failed')),
  runId: v.optional(v.string()),
});

export const RunBrief = v.object({
  id: v.string(),
  name: v.string(),
  status: v.picklist(RUN_STATUSES),
  reason: v.optional(v.string()),
  scheduledAt: time,
  startedAt: time,
  endedAt: v.optional(time),
  durationMs: v.optional(milliseconds),
  shard: v.object({ index: count, count }),
});

const Progress = describe(
  v.object({ done: v.number(), total: v.optional(v.number()) }),
  'How far its work is, as its job has said last',
);

export const Attempt = v.object({
  startedAt: time,
  endedAt: v.optional(describe(time, 'Absent of one that goes on, or that ended the run')),
  error: v.optional(v.object({ name: v.string(), message: v.string() })),
  retryInMs: v.optional(describe(milliseconds, 'How long the next one was waited for')),
});

/** A run that hasn't begun yet. */
export const Waiting = v.object({
  id: v.string(),
  name: v.string(),
  scheduledAt: time,
  shard: v.object({ index: count, count }),
  place: v.string(),
  since: time,
  until: describe(time, 'How long it waits at most'),
  reason: describe(
    v.picklist(['locked', 'limit', 'after']),
    'Another run has its lock, all places are taken, or it comes after a slot of another name',
  ),
  holder: v.optional(v.object({ id: v.string(), name: v.optional(v.string()) })),
  after: v.optional(describe(v.string(), 'The name that it comes after')),
});

export const Running = v.object({
  id: v.string(),
  name: v.string(),
  scheduledAt: time,
  startedAt: time,
  deadline: v.optional(describe(time, 'When it must have ended')),
  attempts: describe(count, 'Which attempt goes on'),
  lastFailure: v.optional(describe(v.string(), 'How the attempt failed that was made last, until the next begins')),
  progress: v.optional(Progress),
  shard: v.object({ index: count, count }),
  usualMs: v.optional(describe(milliseconds, 'How long nineteen of twenty runs of the name take')),
  place: v.optional(describe(v.string(), 'The pod, or the host and the process')),
});

export const Pause = v.object({
  since: time,
  until: v.optional(describe(time, 'When it ends by itself')),
  why: v.string(),
  by: v.optional(v.string()),
  endedAt: v.optional(time),
  endedBy: v.optional(v.string()),
});

export const Job = v.object({
  name: v.string(),
  job: describe(v.string(), 'The job that it runs'),
  namespace: describe(v.string(), 'Of Kubernetes; empty where it has none'),
  health: v.picklist(HEALTHS),
  owner: v.optional(v.string()),
  runbook: v.optional(v.string()),
  tags: v.array(v.string()),
  schedule: v.optional(v.object({ cron: v.string(), timeZone: v.string(), words: v.string(), suspended: v.boolean() })),
  slots: describe(v.array(Slot), 'The newest 30 at most, the oldest first'),
  lastSuccess: v.optional(v.object({ scheduledAt: time, endedAt: time })),
  lastRun: v.optional(
    v.object({
      id: v.string(),
      status: v.string(),
      startedAt: time,
      endedAt: v.optional(time),
      error: v.optional(v.string()),
    }),
  ),
  running: describe(count, 'How many runs are under way'),
  next: describe(v.array(time), 'The next slots'),
  overdueSince: v.optional(describe(time, 'The first slot since the last success that nobody began in time')),
  overdueSeconds: v.optional(v.number()),
  consecutiveFailures: count,
  missed: describe(count, 'Slots since the last success that passed without a run'),
  durationsMs: describe(v.array(milliseconds), 'Of the newest 30 successes at most, the oldest first'),
  p50Ms: v.optional(describe(milliseconds, 'Of 30 days')),
  p95Ms: v.optional(describe(milliseconds, 'Of 30 days')),
  days30: v.optional(v.object({ succeeded: count, failed: count, skipped: count })),
  pause: v.optional(Pause),
});

export const JobDetail = v.object({
  ...Job.entries,
  params: v.optional(recorded),
  timeoutMs: v.optional(milliseconds),
  source: v.optional(describe(v.string(), 'Who tells of its schedule')),
  after: describe(v.array(v.string()), 'Names whose slots its runs come after'),
  runs: describe(v.array(RunBrief), 'The newest 200 by their slots, the newest first'),
  days: describe(
    v.array(v.object({ day: v.pipe(v.string(), v.isoDate()), status: v.picklist(RUN_STATUSES), slots: count })),
    'How many slots of each of the last 98 days of UTC ended how, by their newest runs',
  ),
  missedSlots: v.array(
    v.object({ at: time, reason: v.optional(v.string()), command: describe(v.string(), 'Runs the slot now') }),
  ),
  pauses: v.array(Pause),
  actions: v.array(
    v.object({
      at: time,
      who: v.string(),
      action: v.string(),
      runId: v.nullish(v.string()),
      why: v.nullish(v.string()),
    }),
  ),
});

export const RunDetail = v.object({
  ...RunBrief.entries,
  job: v.string(),
  why: v.optional(v.string()),
  exitCode: v.optional(v.number()),
  attempts: count,
  begunAt: v.optional(describe(time, 'When it had all that it waited for')),
  tries: v.optional(describe(v.array(Attempt), 'Its attempts, where there was more than one')),
  progress: v.optional(Progress),
  deadline: v.optional(time),
  dryRun: v.boolean(),
  forced: v.boolean(),
  version: v.string(),
  traceId: v.optional(v.string()),
  place: v.record(v.string(), v.union([v.string(), v.number()])),
  params: v.optional(recorded),
  result: v.optional(recorded),
  error: v.optional(recorded),
  output: v.optional(describe(v.array(v.string()), 'The last lines of a run that did not succeed')),
  program: v.optional(recorded),
  peakRssBytes: v.optional(v.number()),
  cpuMs: v.optional(milliseconds),
  siblings: describe(v.array(RunBrief), 'Parts and other runs of its slot, and pods of its Job'),
  checkpoint: v.optional(v.object({ value: recorded, steps: recorded, savedAt: v.optional(time), saves: v.number() })),
});

export const Jobs = v.object({
  at: describe(time, 'For when this holds, by the clock of the database'),
  total: describe(count, 'How many names fit'),
  page: count,
  pages: count,
  counts: describe(
    v.record(v.string(), count),
    'How many names there are in each health, before they are filtered by it',
  ),
  jobs: v.array(Job),
});

export const Now = v.object({
  at: time,
  standby: describe(
    v.boolean(),
    'Whether the database is a standby, where nobody knows whether a run that says running lives',
  ),
  places: v.object({
    taken: v.optional(describe(count, 'Absent where the database is a standby, which knows no locks')),
    total: count,
  }),
  running: v.array(Running),
  waiting: describe(v.array(Waiting), 'Runs that have not begun yet, by name'),
});

export const Night = v.object({
  from: time,
  to: time,
  stepMs: count,
  crowd: describe(v.array(count), 'How many runs worked in each step'),
  total: count,
  page: count,
  pages: count,
  names: v.array(
    v.object({
      name: v.string(),
      runs: describe(count, 'How many of its runs worked'),
      busyMs: describe(milliseconds, 'How long they took in all'),
      bars: describe(
        v.array(v.object({ status: v.picklist(RUN_STATUSES), from: count, to: count, runs: count })),
        'Its runs that began in one step and ended alike, as one, in seconds after the beginning; the oldest first of each status',
      ),
    }),
  ),
});

export const Problem = v.object({ error: v.string() });

/** Text of a query: short, and without what no name has. */
const textUpTo = (most: number) =>
  v.pipe(
    v.string(),
    v.maxLength(most, `may have ${most} characters at most`),
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
    v.regex(/^[^\u0000-\u001f\u007f]*$/, 'must not contain control characters'),
  );
const text = textUpTo(200);
/** As long as a schedule may have it, whose row links to it. */
const chosen = textUpTo(1_024);
const page = v.pipe(v.string(), v.regex(/^[1-9]\d{0,4}$/, 'must be a number from 1 on'), v.transform(Number));

/** How the list of names can be asked. */
export const JobsQuery = v.object({
  q: v.optional(describe(text, 'A part of a name, a job, an owner or a tag')),
  health: v.optional(
    v.pipe(
      v.picklist(['', ...HEALTHS], `must be one of ${HEALTHS.join(', ')}`),
      v.description('Only names in this health'),
    ),
  ),
  owner: v.optional(chosen),
  tag: v.optional(chosen),
  namespace: v.optional(chosen),
  page: v.optional(page),
});
export const NightQuery = v.object({ q: v.optional(text), page: v.optional(page) });

export type Slot = v.InferOutput<typeof Slot>;
export type RunBrief = v.InferOutput<typeof RunBrief>;
export type Attempt = v.InferOutput<typeof Attempt>;
export type Waiting = v.InferOutput<typeof Waiting>;
export type Running = v.InferOutput<typeof Running>;
export type Pause = v.InferOutput<typeof Pause>;
export type Job = v.InferOutput<typeof Job>;
export type Jobs = v.InferOutput<typeof Jobs>;
export type JobDetail = v.InferOutput<typeof JobDetail>;
export type RunDetail = v.InferOutput<typeof RunDetail>;
export type Now = v.InferOutput<typeof Now>;
export type Night = v.InferOutput<typeof Night>;
export type JobsQuery = v.InferOutput<typeof JobsQuery>;
export type NightQuery = v.InferOutput<typeof NightQuery>;
