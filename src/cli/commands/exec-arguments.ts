// The arguments of `run-job exec`: those of every run, and what is a program's own.
import type { ArgsDef } from 'citty';
import { RUN_ARGUMENTS } from './run-arguments.ts';

/** citty's definition of its arguments. */
export const EXEC_ARGUMENTS = {
  name: { type: 'positional', required: true, description: 'What the run goes by: its lock, its record, its alerts' },
  ...RUN_ARGUMENTS,
  param: { ...RUN_ARGUMENTS.param, description: 'Give the program RUN_JOB_PARAM_<KEY>; repeatable' },
  params: { ...RUN_ARGUMENTS.params, description: 'Give the program parameters from a JSON object' },
  'dry-run': {
    type: 'boolean',
    description: 'Tell the program by RUN_JOB_DRY_RUN=true to do nothing; it must know that',
  },
  'exit-code': {
    type: 'string',
    valueHint: 'code=meaning',
    description: 'What an exit code of the program means, such as 24=succeeded; repeatable',
  },
  raw: { type: 'boolean', description: 'Pass the output on untouched, and make no log lines of it' },
} as const satisfies ArgsDef;
