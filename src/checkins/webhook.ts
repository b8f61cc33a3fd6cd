// A service of one's own, which is sent each check-in as JSON.
import type { CheckInEvent } from './event.ts';
import { type CheckInService, commonProblem } from './service.ts';

export function webhook(url: string): CheckInService {
  const label = `webhook at ${new URL(url).host}`;
  return {
    label,
    request({ monitor: _, ...event }: CheckInEvent) {
      return {
        to: label,
        method: 'POST',
        url,
        headers: { 'content-type': 'application/json', 'idempotency-key': `${event.id}/${event.runId}/${event.kind}` },
        body: JSON.stringify(event),
      };
    },
    problem: (status) => commonProblem(status),
  };
}
