// The arguments of `run-job backfill`.
import type { ArgsDef } from 'citty';
import { ONLY } from '../../app/backfill/plan.ts';

/** citty's definition of them. */
export const BACKFILL_ARGUMENTS = {
  name: { type: 'positional', required: true, description: 'What the runs are known by: a job, or what --as said' },
  from: {
    type: 'string',
    valueHint: 'time',
    description: 'The first slot: 2026-11-23T02:00:00Z, 2026-11-23 in the schedule’s zone, or how long ago, 7d',
  },
  to: {
    type: 'string',
    valueHint: 'time',
    description: 'The last slot, given likewise; of a day, its last (Default: now)',
  },
  only: {
    type: 'enum',
    options: [...ONLY],
    default: 'all',
    description: 'missing: no run has come to an end; failed: one has failed; all: whatever hasn’t succeeded (all)',
  },
  'newest-first': { type: 'boolean', description: 'Begin with the newest slot in place of the oldest' },
  parallel: {
    type: 'string',
    valueHint: 'n',
    default: '1',
    description: "So many slots at a time, of a job that says overlap: 'slots' (1)",
  },
  'current-schedule': {
    type: 'boolean',
    description: 'Take the times of the schedule in force now, also where it was another, suspended or not known',
  },
  param: { type: 'string', valueHint: 'key=value', description: 'Set a parameter to something else; repeatable' },
  'dry-run': { type: 'boolean', description: 'List the slots, and run nothing' },
  yes: { type: 'boolean', description: 'Do it, however many slots there are' },
  emit: {
    type: 'enum',
    options: ['job'],
    description: 'Run nothing, and print one Indexed Job of Kubernetes that would, for kubectl apply -f -',
  },
  cronjob: {
    type: 'string',
    valueHint: 'file',
    description: 'With --emit: the CronJob as JSON, or - for standard input (Default: kubectl is asked)',
  },
} as const satisfies ArgsDef;
