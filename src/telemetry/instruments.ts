// The metrics of a run.
import { type Counter, type Histogram, type Meter, metrics } from '@opentelemetry/api';
import type { Attributes } from '../job.ts';
import type { RunEnd, RunStart } from '../runner/ports.ts';
import { pipelineResult } from './pipeline-result.ts';

/** From a job that does next to nothing to one that takes all night, in seconds. */
const RUN_BUCKETS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14_400, 28_800];
const WAIT_BUCKETS = [0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60];

export class Instruments {
  readonly #name: { 'job.name': string };
  readonly #meter: Meter;
  readonly #items: Counter;
  readonly #lockWait: Histogram;

  constructor(name: string, version: string) {
    this.#name = { 'job.name': name };
    this.#meter = metrics.getMeter('run-job', version);
    this.#items = this.#meter.createCounter('job.items', {
      unit: '{item}',
      description: 'Items that jobs have worked on, such as rows deleted or messages published',
    });
    this.#lockWait = this.#meter.createHistogram('job.lock.wait', {
      unit: 's',
      description: "Time that it took to get the job's lock, or to be refused it",
      advice: { explicitBucketBoundaries: WAIT_BUCKETS },
    });
  }

  countItems(item: string, amount: number, attributes: Attributes): void {
    this.#items.add(amount, { ...attributes, ...this.#name, 'job.item': item });
  }

  recordLockWait(seconds: number): void {
    this.#lockWait.record(seconds, this.#name);
  }

  recordEnd(run: RunStart, end: RunEnd): void {
    const outcome = {
      ...this.#name,
      'job.run.status': end.status,
      'job.run.result': pipelineResult(end.status),
      ...(run.dryRun && { 'job.dry_run': true }),
    };
    const meter = this.#meter;
    meter
      .createHistogram('job.run.duration', {
        unit: 's',
        description: 'How long runs took',
        advice: { explicitBucketBoundaries: RUN_BUCKETS },
      })
      .record(end.durationMs / 1000, outcome);
    meter.createCounter('job.runs', { unit: '{run}', description: 'Runs, by how they ended' }).add(1, outcome);
    meter
      .createCounter('job.attempts', { unit: '{attempt}', description: 'Attempts that runs made' })
      .add(end.attempts, outcome);
    meter.createCounter('job.run.cpu', { unit: 's', description: 'CPU time of runs' }).add(end.cpuMs / 1000, outcome);
    meter
      .createGauge('job.run.memory.peak', { unit: 'By', description: 'Most memory that the run held (resident set)' })
      .record(end.peakRssBytes, this.#name);
    if (end.status === 'succeeded' && !run.dryRun) {
      meter
        .createGauge('job.last_success', { unit: 's', description: 'When the job last succeeded, as Unix time' })
        .record(end.endedAt.getTime() / 1000, this.#name);
    }
  }
}
