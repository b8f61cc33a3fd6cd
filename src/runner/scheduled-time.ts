// Which cron slot a run stands for, when nobody says so with --scheduled-at.

/** How far from now a slot in a Job's name can be for us to believe it. */
const PLAUSIBLE_MS = 366 * 86_400_000;

/**
 * The slot in the name of a Job that the CronJob controller made: the CronJob's name, a dash, and the minutes since the epoch
 * (`getJobName` in kubernetes/pkg/controller/cronjob/utils.go). Undefined for any other name, such as that of `kubectl create job`.
 */
export function slotFromJobName(
  jobName: string | undefined,
  cronJobName: string | undefined,
  now: Date,
): Date | undefined {
  const match = /^(.+)-(\d{7,9})$/.exec(jobName ?? '');
  if (!match || (cronJobName !== undefined && match[1] !== cronJobName)) return undefined;
  const slot = new Date(Number(match[2]) * 60_000);
  return Math.abs(slot.getTime() - now.getTime()) <= PLAUSIBLE_MS ? slot : undefined;
}
