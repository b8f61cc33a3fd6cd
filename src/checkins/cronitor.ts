// Cronitor's telemetry: https://cronitor.io/docs/telemetry-api.md, "Parameters": `series` matches a run with its end, a message has 2,000 characters at most.
import type { CheckInEvent } from './event.ts';
import { type CheckInService, commonProblem } from './service.ts';
import { slugOf } from './slug.ts';

const STATE = { start: 'run', success: 'complete', failure: 'fail' } as const;

/** The longest message, in characters. */
const LONGEST_MESSAGE = 2_000;

/** The monitors of an account, each named after a name unless one is given. */
export function cronitor(base: string, apiKey: string, monitor: string | undefined): CheckInService {
  const label = `Cronitor at ${new URL(base).host}`;
  return {
    label,
    request(event: CheckInEvent) {
      // Another `run` would begin anew, and Cronitor has no word for what changes nothing.
      if (event.kind === 'log') return undefined;
      const search = new URLSearchParams({ state: STATE[event.kind], series: event.id, host: event.host });
      if (event.environment !== undefined) search.set('env', event.environment);
      if (event.kind !== 'start') search.set('message', [...event.text].slice(0, LONGEST_MESSAGE).join(''));
      if (event.exitCode !== undefined) search.set('status_code', String(event.exitCode));
      if (event.durationMs !== undefined) search.set('metric', `duration:${event.durationMs / 1_000}`);
      return {
        to: label,
        method: 'GET',
        url: `${base}/p/${apiKey}/${monitor ?? slugOf(event.name)}?${search}`,
        headers: {},
      };
    },
    problem: (status) => commonProblem(status),
  };
}
