// database_cleanup: deletes for good what was soft-deleted long ago.
import { hasCode } from '../../errors.ts';
import { defineJob } from '../../job.ts';
import { cleanup } from './cleanup.ts';
import { params } from './params.ts';

export default defineJob({
  name: 'database_cleanup',
  description: 'Deletes rows for good that were soft-deleted more than 90 days ago',
  timeout: '30m',
  // What was committed stays committed, so another attempt goes on where the last one was. Its waits outlast a failover.
  retry: {
    attempts: 3,
    baseDelay: '5s',
    maxDelay: '1m',
    when: (error) => !hasCode(error, 'ERR_RUN_JOB_CONFIG'),
  },
  needs: ['postgres'],
  params,
  run: cleanup,
});
