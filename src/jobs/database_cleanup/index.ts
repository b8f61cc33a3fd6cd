// database_cleanup: deletes for good what was soft-deleted long ago.
//
// Glossary of this folder:
//   due         a row is due when it was soft-deleted before the cutoff
//   cutoff      the run's base instant less the retention of the table
//   component   a strongly connected component of the tables under their foreign keys: tables that refer to each other in a cycle, or
//               one table; components are cleaned one after another, those that refer first
//   partition   what holds rows: a partition at the bottom of a partitioned table, or a table that isn't partitioned
//   block range some blocks (pages) of a partition, one after another
//   extent      256 blocks: what shards divide a partition by
//   scope       what one batch looks at: a block range, or a list of ctids that the index has found
//   batch       one transaction that deletes the due rows of a scope
//   pass        batch after batch over a partition; what a pass had to leave, a further one looks at again
//   blocked     a due row that stays because another row refers to it
//   kept        a due row that stays because a trigger or constraint refuses its deletion
//   row cycle   due rows that refer to each other, so that none can go without the others
//   closure     a due row with all rows that refer to it, directly or not
import { hasCode } from '../../errors.ts';
import { defineJob } from '../../job.ts';
import { cleanup } from './cleanup.ts';
import { params } from './params.ts';
import { progress } from './saved.ts';

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
  checkpoint: progress,
  run: cleanup,
});
