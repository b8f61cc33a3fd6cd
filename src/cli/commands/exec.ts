// `run-job exec` as help and completion know it; exec-run.ts is what it does.
import { defineCommand } from 'citty';
import { EXEC_ARGUMENTS } from './exec-arguments.ts';

export default defineCommand({
  meta: { name: 'exec', description: 'Run any program as a job: run-job exec <name> [flags] -- program args...' },
  args: EXEC_ARGUMENTS,
});
