// What the root span tells of a run.
import type { Attributes } from '../job.ts';
import type { ErrorInfo } from '../runner/outcome.ts';
import type { RunEnd, RunStart } from '../runner/ports.ts';
import { pipelineResult } from './pipeline-result.ts';

/** The error behind a crash, which by itself only says that there was one; any other error as it is. */
export function whatHappened(error: ErrorInfo): ErrorInfo {
  return (error.code === 'ERR_RUN_JOB_CRASH' && error.causes?.[0]) || error;
}

export function rootAttributes(run: RunStart, end: RunEnd): Attributes {
  const { name, scheduledAt, shard } = run.slot;
  const error = end.error && whatHappened(end.error);
  const attributes: Attributes = {
    'job.run.status': end.status,
    'job.run.result': pipelineResult(end.status),
    'job.run.exit_code': end.exitCode,
    'job.run.attempts': end.attempts,
    'job.run.skip_reason': end.reason,
    'job.run.memory.peak': end.peakRssBytes,
    'job.run.cpu': end.cpuMs / 1000,
    'job.slot': `${name}/${scheduledAt.toISOString()}/${shard.index}`,
    'job.scheduled_at': scheduledAt.toISOString(),
    'job.deadline': run.deadline?.toISOString(),
    'job.shard.index': shard.count > 1 ? shard.index : undefined,
    'job.shard.count': shard.count > 1 ? shard.count : undefined,
    'job.dry_run': run.dryRun || undefined,
    'job.forced': run.forced || undefined,
    'error.type': error && (error.code ?? error.name),
  };
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
}
