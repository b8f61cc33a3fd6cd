// The text of a notification: who, when, what, and where to look further, so that nobody has to search for it at night.
import type { Notification } from './notification.ts';

/** The first line says it all. */
function headline({ kind, name, failures = 0, scheduledAt, since, reason, environment }: Notification): string {
  const who = environment === undefined ? name : `${name} (${environment})`;
  const slot = scheduledAt === undefined ? '' : ` ${utc(scheduledAt)}`;
  switch (kind) {
    case 'failed':
      return `${who} failed${inARow(failures)}`;
    case 'lost':
      return `${who} was lost: the process died without a word${inARow(failures)}`;
    case 'recovered':
      return `${who} has recovered${failures > 0 ? ` after ${count(failures, 'failure')}` : ''}${since === undefined ? '' : `, since ${utc(since)}`}`;
    case 'missed':
      return `${who} missed its slot${slot}${WHY_MISSED[reason ?? ''] ?? ''}`;
    case 'overdue':
      return `${who} is overdue: nobody has begun its slot${slot}`;
    case 'paused':
      return `${who} was paused after ${count(failures, 'failure')} in a row, and runs no more until somebody resumes it`;
  }
}

/** All of it, a line for each fact that is known. */
export function tell(notification: Notification): string {
  const { scheduledAt, status, exitCode, attempts, pod, error, owner, runbook, traceId, link, command } = notification;
  const ended = status !== undefined && notification.kind !== 'recovered';
  return [
    headline(notification),
    error,
    [
      scheduledAt && `slot ${utc(scheduledAt)}`,
      ended && `${status.replace('_', ' ')}${exitCode === undefined ? '' : `, exit code ${exitCode}`}`,
      ended && attempts !== undefined && attempts > 1 && count(attempts, 'attempt'),
      ended && pod !== undefined && `pod ${pod.number} of ${pod.of}`,
    ]
      .filter(Boolean)
      .join(', '),
    owner && `owner: ${owner}`,
    runbook && `runbook: ${runbook}`,
    traceId && `trace: ${traceId}`,
    link,
    `look further: ${command}`,
  ]
    .filter(Boolean)
    .join('\n');
}

const WHY_MISSED: Readonly<Record<string, string>> = {
  previous_running: ', since the run before it was still under way',
};

const utc = (date: Date): string => `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;

const inARow = (failures: number): string => (failures > 1 ? ` (${failures} times in a row)` : '');
