// Who a run is: its name, the cron time that it stands for, its share of the work, and a digest of its parameters.
import { toPlainJson } from '../runner/json.ts';
import type { RunRequest } from '../runner/request.ts';
import type { Config } from './config.ts';

/** What a run goes by, as far as it is known before the job's parameters are. */
export type Identity = Pick<RunRequest, 'job' | 'name' | 'scheduledAt' | 'scheduledBy' | 'shard'>;

/** What whoever orders a run says of it. */
export interface Claim {
  readonly job: string;
  /** What the run is to be known by; the job's own name unless given. */
  readonly name?: string | undefined;
  readonly scheduledAt?: Date | undefined;
}

/** How far from now a scheduled time in a Job's name can be for us to believe it. */
const PLAUSIBLE_MS = 366 * 86_400_000;

/** The identity of a run that began at `startedAt`. */
export function makeIdentity({ job, name = job, scheduledAt }: Claim, config: Config, startedAt: Date): Identity {
  const { jobName, cronJobName, jobUid } = config.place;
  const known = scheduledAt ?? config.slot ?? scheduledTimeIn(jobName, cronJobName, startedAt);
  const scheduledBy = known ? 'schedule' : jobUid === undefined ? 'start' : 'job';
  return { job, name, scheduledAt: known ?? startedAt, scheduledBy, shard: config.shard };
}

/**
 * The scheduled time in the name of a Job that the CronJob controller made: the CronJob's name, a dash, and the minutes since the epoch
 * (`getJobName` in kubernetes/pkg/controller/cronjob/utils.go). Undefined for any other name, such as that of `kubectl create job`.
 */
export function scheduledTimeIn(
  jobName: string | undefined,
  cronJobName: string | undefined,
  now: Date,
): Date | undefined {
  const match = /^(.+)-(\d{7,9})$/.exec(jobName ?? '');
  if (!match || (cronJobName !== undefined && match[1] !== cronJobName)) return undefined;
  const time = new Date(Number(match[2]) * 60_000);
  return Math.abs(time.getTime() - now.getTime()) <= PLAUSIBLE_MS ? time : undefined;
}

/** What else makes a run's work another than that of a run with the same parameters. */
export interface Work {
  /** The parameters that a schema computes anew for each run, such as the time now: with them no slot would ever be done. */
  readonly passing?: readonly string[];
  /** Whose parameters they are: two jobs may share a name, or two programs. */
  readonly of?: unknown;
  /** What the parameters were made of: it counts where a schema has made of them what JSON can't tell apart, such as an expression. */
  readonly given?: unknown;
}

/** 128 bits of a SHA-256 of the validated parameters, in hexadecimal digits; the order of keys makes no difference. */
export function digestOf(params: unknown, { passing = [], of, given }: Work = {}): string {
  const lasting =
    isRecord(params) && passing.length > 0
      ? Object.fromEntries(Object.entries(params).filter(([name]) => !passing.includes(name)))
      : params;
  const { value, problems } = toPlainJson(lasting);
  const lossy = problems.length > 0 || !isTold(lasting);
  const work = { params: value, of, ...(lossy && { given: toPlainJson(given).value }) };
  const text = JSON.stringify(work, (_, item: unknown) => (isRecord(item) ? sorted(item) : item));
  return process.getBuiltinModule('node:crypto').hash('sha256', text, 'hex').slice(0, 32);
}

/** Whether JSON tells all of a value: of an object of an unknown class it has the fields, and what the class keeps elsewhere is not there. */
function isTold(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return true;
  if (Array.isArray(value)) return value.every(isTold);
  if (value instanceof Map || value instanceof Set) return [...value.values()].every(isTold);
  const prototype: unknown = Object.getPrototypeOf(value);
  return (prototype === null || prototype === Object.prototype) && Object.values(value).every(isTold);
}

const sorted = (record: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
