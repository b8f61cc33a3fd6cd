// Works, loses its lock, or has its record closed, and only then saves: `target` must stay as it was.
import { defineJob } from 'run-job';
import * as v from 'valibot';

/** The session that holds our lock: nobody else is at work in the test's database. */
const LOCK = `SELECT pid FROM pg_locks
  WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

export default defineJob({
  name: 'loses_its_lock',
  description: 'Loses its lock between work and save',
  checkpoint: v.object({ lastId: v.number() }),
  needs: ['postgres'],
  async run({ postgres, checkpoint, runId }) {
    await checkpoint.load();
    const own = new AbortController();
    await postgres.transaction(own.signal, {}, async (client) => {
      await client.query('INSERT INTO target VALUES (1, $1)', [runId]);
      if (process.env.BY === 'closing') {
        await postgres.query(`UPDATE run_job.runs SET status = 'lost', exit_code = 137, ended_at = now()`);
      } else {
        await client.query(`SELECT pg_terminate_backend(pid) FROM (${LOCK}) AS lock`);
        while ((await postgres.query(LOCK)).rows.length > 0);
      }
      // A job that passes over it commits nothing all the same.
      await checkpoint.save({ lastId: 1 }, { client }).catch(() => undefined);
    });
  },
});
