// Copies orders into an archive, a batch at a time, for as many pods as it takes. Each batch and the cursor behind it are committed
// together, so that no order is copied twice, and none is left out, wherever a pod ends.
import { ContinueError, defineJob } from 'run-job';
import * as v from 'valibot';

const BATCH = 1_000;

/** How much of the deadline is kept, in milliseconds, for the batch that is under way. */
const RESERVE_MS = 30_000;

export default defineJob({
  name: 'copy_orders',
  description: 'Copies orders into the archive',
  timeout: '1h',
  needs: ['postgres'],
  checkpoint: v.object({ lastId: v.number(), copied: v.number() }),
  async run({ postgres, checkpoint, signal, deadline, progress }) {
    let at = (await checkpoint.load()) ?? { lastId: 0, copied: 0 };
    for (;;) {
      // A drain, or the time is nearly up: a new pod goes on from here.
      if (signal.aborted || deadline.getTime() - Date.now() < RESERVE_MS) {
        throw new ContinueError(undefined, { result: { copied: at.copied } });
      }
      // Not the run's own signal: the batch that is under way when it aborts may still be committed.
      const batch = await postgres.transaction(AbortSignal.timeout(RESERVE_MS), {}, async (client) => {
        const { rows } = await client.query<{ id: number }>(
          `WITH batch AS (SELECT * FROM orders WHERE id > $1 ORDER BY id LIMIT $2),
             copied AS (INSERT INTO orders_archive SELECT * FROM batch)
           SELECT id FROM batch ORDER BY id`,
          [at.lastId, BATCH],
        );
        const last = rows.at(-1);
        if (!last) return undefined;
        const next = { lastId: last.id, copied: at.copied + rows.length };
        await checkpoint.save(next, { client });
        return next;
      });
      if (!batch) return { copied: at.copied };
      at = batch;
      progress(at.copied);
    }
  },
});
