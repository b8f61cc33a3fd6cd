// The arguments of `run-job rerun`: what of a run can be told anew.
import type { ArgsDef } from 'citty';
import { RUN_ARGUMENTS } from './run-arguments.ts';

const { param, timeout, attempts, locked } = RUN_ARGUMENTS;

/** citty's definition of them. */
export const RERUN_ARGUMENTS = {
  run: { type: 'positional', required: true, description: 'The id of the run, or how it begins or ends' },
  param: { ...param, description: 'Set a parameter to something else than that run had; repeatable' },
  timeout,
  attempts,
  locked,
  emit: {
    type: 'enum',
    options: ['job'],
    description: 'Run nothing, and print the Job of Kubernetes that would, for kubectl apply -f -',
  },
  cronjob: {
    type: 'string',
    valueHint: 'file',
    description: 'With --emit: the CronJob as JSON, or - for standard input (Default: kubectl is asked)',
  },
  'log-format': RUN_ARGUMENTS['log-format'],
  'log-level': RUN_ARGUMENTS['log-level'],
} as const satisfies ArgsDef;
