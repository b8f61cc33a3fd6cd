// The run's outcome in the words of OpenTelemetry.
import type { Status } from '../runner/outcome.ts';

/** OpenTelemetry's values of `cicd.pipeline.result`: there is no convention for batch jobs, and a run is much like a pipeline's. */
export type PipelineResult = 'success' | 'failure' | 'error' | 'timeout' | 'cancellation' | 'skip' | 'continuation';

const RESULTS: Readonly<Record<Status, PipelineResult>> = {
  succeeded: 'success',
  skipped: 'skip',
  // None of theirs says that a part is done and the rest goes on elsewhere; the attribute may have values of one's own.
  continued: 'continuation',
  // The job's own doing…
  failed: 'failure',
  timed_out: 'timeout',
  interrupted: 'cancellation',
  cancelled: 'cancellation',
  // …and what kept it from being done.
  rejected: 'error',
  misconfigured: 'error',
  unavailable: 'error',
  crashed: 'error',
  lost: 'error',
};

export function pipelineResult(status: Status): PipelineResult {
  return RESULTS[status];
}

/** Whether a run that ended like this did what it should. */
export function isGood(status: Status): boolean {
  return status === 'succeeded' || status === 'skipped' || status === 'continued';
}
