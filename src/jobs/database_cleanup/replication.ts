// Rests while a replica can't keep up with what the job deletes.
import { setTimeout as sleep } from 'node:timers/promises';
import { transaction } from './transaction.ts';
import { readingLimits, type Work } from './work.ts';

const CHECK_INTERVAL_MS = 1_000;

/** Returns once no replica is further behind than `maxReplicationLag`; looks at most once a second. */
export function lagWatch(work: Work): () => Promise<void> {
  const limitMs = work.ctx.params.maxReplicationLag;
  let lastLook = Number.NEGATIVE_INFINITY;
  let told = false;
  return async () => {
    if (limitMs === undefined || performance.now() - lastLook < CHECK_INTERVAL_MS) return;
    for (;;) {
      const lagMs = await longestLag(work);
      lastLook = performance.now();
      if (lagMs <= limitMs || work.ctx.signal.aborted) return;
      if (!told) work.ctx.log.info('resting: a replica is too far behind', { lagMs, limitMs });
      told = true;
      await sleep(CHECK_INTERVAL_MS, undefined, { signal: work.ctx.signal }).catch(() => undefined);
    }
  };
}

/** The lag in milliseconds. A replica that has replayed all that was sent has none, whatever its last measured lag says. */
async function longestLag(work: Work): Promise<number> {
  const { rows } = await transaction(work.ctx, readingLimits(work), (client) =>
    client.query<{ lag: number }>(
      `select coalesce(max(extract(epoch from replay_lag) * 1000) filter (where replay_lsn < sent_lsn), 0)::float8 as lag
       from pg_catalog.pg_stat_replication`,
    ),
  );
  return rows[0]?.lag ?? 0;
}
