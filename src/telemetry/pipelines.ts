// How each signal is batched, encoded and sent.
import { diag } from '@opentelemetry/api';
import { getNumberFromEnv } from '@opentelemetry/core';
import { OTLPLogExporter as JsonLogExporter } from '@opentelemetry/exporter-logs-otlp-http';
import { OTLPLogExporter as ProtobufLogExporter } from '@opentelemetry/exporter-logs-otlp-proto';
import { OTLPMetricExporter as JsonMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPMetricExporter as ProtobufMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { OTLPTraceExporter as JsonTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  BatchLogRecordProcessor,
  type LogRecordExporter,
  type LogRecordProcessor,
  type ReadableLogRecord,
} from '@opentelemetry/sdk-logs';
import {
  AggregationTemporality,
  ConsoleMetricExporter,
  type IMetricReader,
  InstrumentType,
  PeriodicExportingMetricReader,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import {
  BatchSpanProcessor,
  ConsoleSpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  type SpanExporter,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace';
import type { Connections } from './connections.ts';
import { booked, type Delivery, type Exporter } from './delivery.ts';
import type { Destination, Signal } from './settings.ts';

/** The collector's end of things. */
export interface Collector {
  readonly connections: Connections;
  readonly delivery: Delivery;
}

/** What ended spans pass through. */
export function spanProcessors({ otlp, console }: Destination, collector: Collector): SpanProcessor[] {
  const processors: SpanProcessor[] = [];
  if (otlp !== undefined) {
    const Exporter = otlp === 'http/json' ? JsonTraceExporter : ProtobufTraceExporter;
    const exporter = bookedList<ReadableSpan, SpanExporter>(
      new Exporter({ httpAgentOptions: collector.connections.agentFor('TRACES') }),
      'TRACES',
      collector,
    );
    const limits = batchLimits('OTEL_BSP');
    processors.push(new CountedSpanProcessor(collector.delivery), new BatchSpanProcessor({ exporter, ...limits }));
  }
  if (console) processors.push(new SimpleSpanProcessor({ exporter: new ConsoleSpanExporter() }));
  return processors;
}

/** What collects the metrics: now and then in a long run, and once at the end. */
export function metricReaders({ otlp, console }: Destination, collector: Collector): IMetricReader[] {
  const readers: IMetricReader[] = [];
  if (otlp !== undefined) {
    const Exporter = otlp === 'http/json' ? JsonMetricExporter : ProtobufMetricExporter;
    const exporter = new Exporter({ httpAgentOptions: collector.connections.agentFor('METRICS') });
    const cumulative =
      exporter.selectAggregationTemporality(InstrumentType.COUNTER) === AggregationTemporality.CUMULATIVE;
    const { delivery } = collector;
    booked<ResourceMetrics, typeof exporter>(exporter, {
      sent(batch) {
        if (cumulative) delivery.forgetEarlier('METRICS', pointsOf(batch));
        else delivery.made('METRICS', pointsOf(batch));
      },
      arrived: (batch) => delivery.arrived('METRICS', pointsOf(batch)),
      failed: (error) => delivery.failed('METRICS', error),
    });
    readers.push(new PeriodicExportingMetricReader({ exporter, ...readerTimes() }));
  }
  if (console) readers.push(new PeriodicExportingMetricReader({ exporter: new ConsoleMetricExporter() }));
  return readers;
}

/** What log lines pass through. */
export function logProcessors({ otlp }: Destination, collector: Collector): LogRecordProcessor[] {
  if (otlp === undefined) return [];
  const Exporter = otlp === 'http/json' ? JsonLogExporter : ProtobufLogExporter;
  const exporter = bookedList<ReadableLogRecord, LogRecordExporter>(
    new Exporter({ httpAgentOptions: collector.connections.agentFor('LOGS') }),
    'LOGS',
    collector,
  );
  return [new BatchLogRecordProcessor({ exporter, ...batchLimits('OTEL_BLRP') })];
}

/** Counts spans as they end, before the batch processor may drop some for want of room. */
class CountedSpanProcessor implements SpanProcessor {
  readonly #delivery: Delivery;

  constructor(delivery: Delivery) {
    this.#delivery = delivery;
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    if (span.spanContext().traceFlags & 1) this.#delivery.made('TRACES', 1);
  }

  async forceFlush(): Promise<void> {}

  async shutdown(): Promise<void> {}
}

function bookedList<Item, E extends Exporter<Item[]>>(exporter: E, signal: Signal, { delivery }: Collector): E {
  return booked<Item[], E>(exporter, {
    arrived: (batch) => delivery.arrived(signal, batch.length),
    failed: (error) => delivery.failed(signal, error),
  });
}

function pointsOf({ scopeMetrics }: ResourceMetrics): number {
  const metrics = scopeMetrics.flatMap((scope) => scope.metrics);
  return metrics.reduce((sum, metric) => sum + metric.dataPoints.length, 0);
}

/** `OTEL_BSP_*` and `OTEL_BLRP_*`, which the SDK reads only for processors of its own making. */
function batchLimits(prefix: string) {
  return {
    ...option('maxQueueSize', `${prefix}_MAX_QUEUE_SIZE`),
    ...option('maxExportBatchSize', `${prefix}_MAX_EXPORT_BATCH_SIZE`),
    ...option('scheduledDelayMillis', `${prefix}_SCHEDULE_DELAY`),
    ...option('exportTimeoutMillis', `${prefix}_EXPORT_TIMEOUT`),
  };
}

/** `OTEL_METRIC_EXPORT_*`; a timeout that is longer than the interval is cut to it. */
function readerTimes() {
  const { interval = 60_000 } = option('interval', 'OTEL_METRIC_EXPORT_INTERVAL');
  const { timeout = 30_000 } = option('timeout', 'OTEL_METRIC_EXPORT_TIMEOUT');
  return { exportIntervalMillis: interval, exportTimeoutMillis: Math.min(timeout, interval) };
}

function option<Name extends string>(option: Name, variable: string): Partial<Record<Name, number>> {
  const value = getNumberFromEnv(variable);
  if (value === undefined) return {};
  if (value > 0) return { [option]: value } as Record<Name, number>;
  diag.warn(`${variable} must be greater than 0; the default is used`);
  return {};
}
