// Does steps, each of which leaves a row in `done`; stops in the one that it is told to.
import { appendFileSync } from 'node:fs';
import { defineJob } from 'run-job';

export default defineJob({
  name: 'does_steps',
  description: 'Does steps in order',
  needs: ['postgres'],
  async run({ step, runId }) {
    const results = [];
    for (const name of (process.env.STEPS ?? 'first,second,third').split(',')) {
      results.push(
        await step(name, async (client) => {
          if (process.env.CALLS_FILE) appendFileSync(process.env.CALLS_FILE, `${name}\n`);
          await client.query('INSERT INTO done (name, run_id) VALUES ($1, $2)', [name, runId]);
          if (process.env.FAIL_STEP === name) throw new Error(`${name} fails`);
          return { name, at: new Date('2026-01-01') };
        }),
      );
    }
    return results;
  },
});
