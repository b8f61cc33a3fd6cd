// `run-job backfill` as help and completion know it; backfill-run.ts is what it does.
import { defineCommand } from 'citty';
import { BACKFILL_ARGUMENTS } from './backfill-arguments.ts';

export default defineCommand({
  meta: {
    name: 'backfill',
    description: 'Run the slots of a span of time that haven’t succeeded, one by one; run again, it goes on',
  },
  args: BACKFILL_ARGUMENTS,
});
