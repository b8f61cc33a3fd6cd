// Starts OpenTelemetry's NodeSDK for one run. Loaded only when something is to be sent.
import { DiagLogLevel, diag } from '@opentelemetry/api';
import { diagLogLevelFromString } from '@opentelemetry/core';
import { resourceAttributesEnvDetector, serviceNameEnvDetector } from '@opentelemetry/resources';
import { NodeSDK } from '@opentelemetry/sdk-node';
import type { Telemetry } from '../runner/ports.ts';
import { Connections } from './connections.ts';
import { Delivery } from './delivery.ts';
import { diagnostics } from './diagnostics.ts';
import type { TelemetryOptions } from './options.ts';
import { type Collector, logProcessors, metricReaders, spanProcessors } from './pipelines.ts';
import { runResource } from './resource.ts';
import { RunTelemetry } from './run-telemetry.ts';
import type { Settings } from './settings.ts';
import { cleanVariables } from './variables.ts';

/** Starts the SDK and the run's root span. */
export function openSdk(options: TelemetryOptions, settings: Settings): Telemetry {
  const { env, log } = options;
  const connections = new Connections(env, log);
  const delivery = new Delivery((signal) => connections.trouble(signal));
  const collector: Collector = { connections, delivery };
  const logger = diagnostics(log, delivery);
  const listen = (logLevel = DiagLogLevel.WARN) => diag.setLogger(logger, { logLevel, suppressOverrideMessage: true });

  listen();
  cleanVariables(process.env);
  const logLevel = diagLogLevelFromString(env.OTEL_LOG_LEVEL?.trim());
  const { TRACES, METRICS, LOGS } = settings.destinations;
  const pipelines = {
    spanProcessors: spanProcessors(TRACES, collector),
    metricReaders: metricReaders(METRICS, collector),
    logRecordProcessors: logProcessors(LOGS, collector),
  };
  // With OTEL_LOG_LEVEL set, NodeSDK puts a logger of its own in place of ours, and complains to both when there is one.
  diag.disable();
  const sdk = new NodeSDK({
    ...pipelines,
    resource: runResource(options),
    // Those that are asked for, else none but the variables: what there is to know of the process is in runResource.
    ...(!env.OTEL_NODE_RESOURCE_DETECTORS?.trim() && {
      resourceDetectors: [resourceAttributesEnvDetector, serviceNameEnvDetector],
    }),
  });
  listen(logLevel);
  sdk.start();
  return new RunTelemetry(options, {
    delivery,
    shutdown: () => sdk.shutdown(),
    abort: () => connections.destroy(),
    exportsLogs: LOGS.otlp !== undefined,
  });
}
