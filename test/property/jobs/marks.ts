// The work as a job.
import { defineJob } from 'run-job';
import { work } from '../work.ts';

export default defineJob({
  name: 'marks',
  description: 'Leaves marks while it works',
  retry: { attempts: 2, baseDelay: '100ms' },
  run: ({ attempt, fence, signal }) => work(attempt, { signal, fence }),
});
