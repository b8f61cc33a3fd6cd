// What services are told of runs that were found dead, whoever finds them.
import type { CheckInEvent } from '../checkins/event.ts';
import { identify } from '../checkins/id.ts';
import { checkedIn, claimFailure, type LostRun, lostRuns } from '../postgres/check-ins.ts';
import type { Queries } from '../postgres/queries.ts';

/**
 * Of these runs, those that had checked in, by the ids of their own Jobs; one failure for all shards of a Job.
 * @param again whether the work is tried again, so that it hasn't failed yet
 * @param left those that another finder may have died at: it may have claimed what it never told
 */
export async function lostEvents(
  queries: Queries,
  ids: readonly string[],
  environment: string | undefined,
  again: (lost: LostRun) => boolean,
  left: readonly string[] = [],
): Promise<CheckInEvent[]> {
  if (ids.length === 0) return [];
  const lost = (await lostRuns(queries, ids)).map((run) => ({
    run,
    id: identify({ ...run, jobUid: run.jobUid ?? undefined, runId: run.id }),
  }));
  const known = await checkedIn(
    queries,
    lost.map(({ id }) => id),
  );
  const events: CheckInEvent[] = [];
  for (const { run, id } of lost) {
    if (!known.has(id)) continue;
    const retried = again(run);
    const isToldHere = events.some((event) => event.id === id && event.kind === 'failure');
    const claimed = async () => (await claimFailure(queries, id)) || (left.includes(run.id) && !isToldHere);
    if (!retried && run.shards > 1 && !(await claimed())) continue;
    const { name, job, scheduledAt, host } = run;
    events.push({
      kind: retried ? 'log' : 'failure',
      id,
      name,
      job,
      runId: run.id,
      scheduledAt,
      host,
      environment,
      status: 'lost',
      text: `lost: the process died without a word${retried ? ', to be tried again' : ''}`,
    });
  }
  return events;
}
