// Fails with what it would go on from.
import { defineJob, PermanentError } from 'run-job';
import * as v from 'valibot';

export default defineJob({
  name: 'copies_nothing',
  description: 'Tells what was saved',
  params: v.object({ row: v.number() }),
  checkpoint: v.any(),
  async run({ checkpoint }) {
    const saved: unknown = await checkpoint.load();
    await checkpoint.save({ row: 1 });
    throw new PermanentError(`goes on from ${saved === undefined ? 'nothing' : JSON.stringify(saved)}`);
  },
});
