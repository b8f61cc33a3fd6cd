// One line of `run-job doctor`.
import { hasCode } from '../../errors.ts';

/** What a check found. `warning` is worth a look and lets every run pass; the last two end runs with 69 and 78. */
export type Verdict = 'ok' | 'skipped' | 'warning' | 'unavailable' | 'misconfigured';

/** A check, what it found, and where something is wrong what to do about it. */
export interface Finding {
  readonly check: string;
  readonly verdict: Verdict;
  readonly message: string;
}

/** Runs a check; an error that it throws is what it found. */
export async function find(check: string, look: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await look();
  } catch (error) {
    return [{ check, verdict: verdictOf(error), message: (error as Error).message }];
  }
}

function verdictOf(error: unknown): Verdict {
  const misconfigured = ['ERR_RUN_JOB_CONFIG', 'ERR_RUN_JOB_PERMANENT', 'ERR_RUN_JOB_USAGE'] as const;
  if (misconfigured.some((code) => hasCode(error, code))) return 'misconfigured';
  if (hasCode(error, 'ERR_RUN_JOB_UNAVAILABLE')) return 'unavailable';
  throw error;
}
