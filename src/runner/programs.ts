// `ctx.exec`: what one attempt of a run tells a program, and remembers of it.
import type { BaseContext, Job, Logger } from '../job.ts';
import { graceFor } from './grace.ts';
import { programCheckpoint } from './kept.ts';
import type { RunState } from './state.ts';

/** The attempt that runs programs. */
export interface Attempt {
  readonly job: Job;
  readonly attempt: number;
  readonly params: unknown;
  readonly deadline: Date;
  readonly log: Logger;
  readonly progress: (done: number, total?: number) => void;
}

/** The `exec` of this attempt's context. */
export function execFor(
  state: RunState,
  { job, attempt, params, deadline, log, progress }: Attempt,
): BaseContext<unknown>['exec'] {
  const { request, ports } = state;
  const { stop, telemetry, programs } = ports;
  const run = {
    runId: request.runId,
    name: request.name,
    attempt,
    scheduledAt: request.scheduledAt,
    deadline,
    dryRun: request.dryRun,
    shard: request.shard,
    fence: state.fence,
    params,
  };
  return (program, args = [], options = {}) =>
    state.underWay.track(
      `program ${program} was still running`,
      telemetry.span('job.exec', { attributes: { 'process.executable.name': program } }, async (span) =>
        programs.exec({
          program,
          args,
          options,
          run,
          log,
          signal: stop.signal,
          graceMs: () => graceFor(stop, request.graceMs),
          progress,
          traceHeaders: span.headers(),
          lockDescriptor: state.lease?.descriptor,
          checkpoint: job.command ? await programCheckpoint(state, log) : undefined,
          onEnd: (exit) => {
            if (job.command) state.program = exit;
          },
        }),
      ),
    );
}
