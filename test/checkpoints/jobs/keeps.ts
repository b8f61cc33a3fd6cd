// Saves what it is told to, and ends as it is told: all by variables, so that its runs are of one slot.
import { setTimeout as sleep } from 'node:timers/promises';
import { defineJob, PermanentError } from 'run-job';
import * as v from 'valibot';

const current = v.object({ done: v.number(), text: v.optional(v.string()) });
/** Of a version before. */
const older = v.pipe(
  v.number(),
  v.transform((done) => ({ done })),
);

export default defineJob({
  name: 'keeps',
  description: 'Keeps a number',
  checkpoint: process.env.SCHEMA === 'migrates' ? v.union([current, older]) : current,
  async run(ctx) {
    const { checkpoint, signal } = ctx;
    const before = await checkpoint.load();
    const { SAVES = '', EVERY, ENDS = 'returns', SIZE } = process.env;
    for (const done of SAVES.split(',').filter(Boolean)) {
      const text = SIZE ? 'x'.repeat(Number(SIZE)) : undefined;
      const every = EVERY as '1s' | undefined;
      await checkpoint.save({ done: Number(done), ...(text !== undefined && { text }) }, every ? { every } : {});
    }
    if (ENDS === 'throws') throw new PermanentError('as it was told');
    if (ENDS === 'continues') return ctx.continue({ before });
    if (ENDS.startsWith('waits')) {
      ctx.log.info('waits');
      while (!signal.aborted) await sleep(10);
      if (ENDS === 'waits_and_continues') return ctx.continue();
    }
    if (ENDS === 'dies') process.kill(process.pid, 'SIGKILL');
    return { before: before ?? null };
  },
});
