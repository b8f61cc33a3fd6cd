// Copies numbered rows from `source` to `target` in batches; each batch and its cursor are one transaction. Nothing but the checkpoint
// keeps a row from being copied twice.
import { ContinueError, defineJob } from 'run-job';
import * as v from 'valibot';

export default defineJob({
  name: 'copies_rows',
  description: 'Copies rows, each once',
  timeout: '2m',
  params: v.object({
    batch: v.optional(v.number(), 50),
    /** How long each batch takes, in milliseconds, beside its statements. */
    pauseMs: v.optional(v.number(), 0),
    /** Asks for a new pod after so many batches, and when the run is asked to stop. */
    batches: v.optional(v.number()),
    /** One batch in so many is rolled back after its checkpoint was saved. */
    rollBackOneIn: v.optional(v.number(), 0),
  }),
  checkpoint: v.object({ lastId: v.number() }),
  needs: ['postgres'],
  async run({ postgres, checkpoint, signal, params, runId, log }) {
    let lastId = (await checkpoint.load())?.lastId ?? 0;
    log.info('goes on', { lastId });
    for (let batches = 0; ; batches += 1) {
      if (signal.aborted || batches === params.batches) throw new ContinueError();
      const copied = await postgres
        .transaction(new AbortController().signal, {}, async (client) => {
          const { rows } = await client.query<{ id: number }>(
            `WITH batch AS (SELECT id FROM source WHERE id > $1 ORDER BY id LIMIT $2), copied AS (
             INSERT INTO target (id, run_id) SELECT id, $3 FROM batch
           ) SELECT id FROM batch ORDER BY id`,
            [lastId, params.batch, runId],
          );
          const last = rows.at(-1)?.id;
          if (last === undefined) return 0;
          await checkpoint.save({ lastId: last }, { client });
          if (params.rollBackOneIn > 0 && Math.random() * params.rollBackOneIn < 1) throw new RolledBack();
          if (params.pauseMs > 0) await client.query('SELECT pg_sleep($1)', [params.pauseMs / 1_000]);
          return last;
        })
        .catch((error) => {
          if (error instanceof RolledBack) return undefined;
          throw error;
        });
      if (copied === 0) return { lastId };
      lastId = copied ?? (await checkpoint.load())?.lastId ?? 0;
    }
  },
});

class RolledBack extends Error {}
