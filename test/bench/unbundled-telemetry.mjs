// One span and one metric, sent with OpenTelemetry's libraries as they are installed: what the bundle is compared with.
import { metrics, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { NodeSDK } from '@opentelemetry/sdk-node';

process.env.OTEL_LOGS_EXPORTER = 'none';
const sdk = new NodeSDK({ traceExporter: new OTLPTraceExporter() });
sdk.start();
trace.getTracer('bench').startActiveSpan('run', (span) => span.end());
metrics.getMeter('bench').createCounter('runs').add(1);
await sdk.shutdown();
process.exit(0);
