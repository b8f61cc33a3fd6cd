// The work as a job that commits it in PostgreSQL.
import { defineJob } from 'run-job';
import { work } from '../work.ts';

export default defineJob({
  name: 'marks_table',
  description: 'Leaves marks while it works, and a row when it is done',
  needs: ['postgres'],
  retry: { attempts: 2, baseDelay: '100ms' },
  run: ({ attempt, fence, signal, postgres, runId }) =>
    work(attempt, { signal, fence, commit: () => postgres.query('insert into work (run_id) values ($1)', [runId]) }),
});
