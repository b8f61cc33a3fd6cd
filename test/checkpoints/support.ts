// What the tests of checkpoints share.
import { fileURLToPath } from 'node:url';
import { type Ended, type Running, type RunOptions, runJob, runToEnd } from '../support/run-job.ts';

/** The folder of their jobs. */
export const JOBS = fileURLToPath(new URL('jobs', import.meta.url));

/** One slot, for all runs of a test. */
export const SLOT = ['--scheduled-at', '2026-11-23T02:00:00Z'];

const withJobs = (options: RunOptions): RunOptions => ({ ...options, env: { RUN_JOB_DIRS: JOBS, ...options.env } });

/** Runs a job of the folder for the slot, to its end. */
export const runSlot = (args: readonly string[], options: RunOptions): Promise<Ended> =>
  runToEnd([...args, ...SLOT], withJobs(options));

/** Starts it. */
export const startSlot = (args: readonly string[], options: RunOptions): Running =>
  runJob([...args, ...SLOT], withJobs(options));

/** The tables that `copies_rows` works on, with so many rows. */
export const tablesOf = (rows: number): string => `
  CREATE TABLE source (id integer PRIMARY KEY);
  INSERT INTO source SELECT generate_series(1, ${rows});
  CREATE TABLE target (id integer NOT NULL, run_id uuid NOT NULL)`;

/** How `target` differs from `source`. */
export const DIFFERENCE = `
  SELECT (SELECT count(*)::integer FROM target) AS copied, (SELECT count(DISTINCT id)::integer FROM target) AS ids,
    (SELECT count(*)::integer FROM run_job.checkpoints) AS checkpoints`;
