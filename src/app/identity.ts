// Who a run is: its name, the cron time that it stands for, and its share of the work.
import type { RunRequest } from '../runner/request.ts';
import type { Config } from './config.ts';

/** What a run goes by, as far as it is known before the job's parameters are. */
export type Identity = Pick<RunRequest, 'job' | 'scheduledAt' | 'ownSlot' | 'shard'>;

/** How far from now a scheduled time in a Job's name can be for us to believe it. */
const PLAUSIBLE_MS = 366 * 86_400_000;

/** The identity of a run that was ordered like this and began at `startedAt`. */
export function makeIdentity(
  order: { readonly job: string; readonly scheduledAt?: Date | undefined },
  config: Config,
  startedAt: Date,
): Identity {
  const { jobName, cronJobName } = config.place;
  const scheduledAt = order.scheduledAt ?? scheduledTimeIn(jobName, cronJobName, startedAt);
  return {
    job: order.job,
    scheduledAt: scheduledAt ?? startedAt,
    ownSlot: scheduledAt === undefined,
    shard: config.shard,
  };
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
