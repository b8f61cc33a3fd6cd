// Rests while a replica can't keep up with what the job deletes.
import { setTimeout as sleep } from 'node:timers/promises';
import { identifier } from './sql.ts';
import { transaction } from './transaction.ts';
import { readingLimits, type Work } from './work.ts';

const CHECK_INTERVAL_MS = 1_000;

/** Returns once no replica is further behind than `maxReplicationLag`; looks at most once a second. */
export function lagWatch(work: Work): () => Promise<void> {
  const limitMs = work.ctx.params.maxReplicationLag;
  let lastLook = Number.NEGATIVE_INFINITY;
  let told = false;
  let warned = false;
  return async () => {
    if (limitMs === undefined || performance.now() - lastLook < CHECK_INTERVAL_MS) return;
    for (;;) {
      const { lagMs, hidden } = await longestLag(work);
      lastLook = performance.now();
      if (hidden && !warned) {
        work.ctx.log.warn(
          `maxReplicationLag has no effect: the role ${work.server.role} can't see how far replicas are; run: GRANT pg_monitor TO ${identifier(work.server.role)}`,
        );
      }
      warned ||= hidden;
      if (lagMs <= limitMs || work.ctx.signal.aborted) return;
      if (!told) work.ctx.log.info('resting: a replica is too far behind', { lagMs, limitMs });
      told = true;
      await sleep(CHECK_INTERVAL_MS, undefined, { signal: work.ctx.signal }).catch(() => undefined);
    }
  };
}

/**
 * The lag in milliseconds, and whether there are replicas of which this role sees no more than that. A replica that has replayed all that
 * was sent has none, whatever its last measured lag says.
 */
async function longestLag(work: Work): Promise<{ lagMs: number; hidden: boolean }> {
  const { rows } = await transaction(work.ctx, readingLimits(work), (client) =>
    client.query<{ lagMs: number; hidden: boolean }>(
      `select coalesce(max(extract(epoch from replay_lag) * 1000) filter (where replay_lsn < sent_lsn), 0)::float8 as "lagMs",
         coalesce(bool_or(state is null), false) as hidden
       from pg_catalog.pg_stat_replication`,
    ),
  );
  return rows[0] ?? { lagMs: 0, hidden: false };
}
