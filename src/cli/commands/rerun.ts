// `run-job rerun` as help and completion know it; rerun-run.ts is what it does.
import { defineCommand } from 'citty';
import { RERUN_ARGUMENTS } from './rerun-arguments.ts';

export default defineCommand({
  meta: { name: 'rerun', description: 'Run again what a recorded run did: same job, name, parameters and slot' },
  args: RERUN_ARGUMENTS,
});
