// Leaves out of the bundle what OpenTelemetry's NodeSDK imports, and a run never uses.
//
// NodeSDK imports every exporter that OTEL_* variables can name. We make the exporters ourselves (src/telemetry/exporters.ts) and
// hand them over, so the branches of NodeSDK that would make these are never taken; should one be taken, it says so.
import { isBuiltin } from 'node:module';
import type { Plugin } from 'esbuild';

const unused = (name: string, reason: string) =>
  `export class ${name} { constructor() { throw new Error(${JSON.stringify(`${name} is not part of run-job: ${reason}`)}); } }`;

const GRPC = 'OTLP goes over HTTP; gRPC and its protobuf would be 850 kB of the bundle, for the same data';

const STUBS: Readonly<Record<string, string>> = {
  '@opentelemetry/exporter-trace-otlp-grpc': unused('OTLPTraceExporter', GRPC),
  '@opentelemetry/exporter-metrics-otlp-grpc': unused('OTLPMetricExporter', GRPC),
  '@opentelemetry/exporter-logs-otlp-grpc': unused('OTLPLogExporter', GRPC),
  '@opentelemetry/exporter-zipkin': unused('ZipkinExporter', 'Zipkin reads OTLP'),
  '@opentelemetry/exporter-prometheus': unused('PrometheusExporter', 'a run is over before it could be scraped'),
  // Patches modules as they are loaded; in a bundle there is nothing left to patch, and NodeSDK is given no instrumentation.
  '@opentelemetry/instrumentation': 'export function registerInstrumentations() {}',
};

const later = (module: string, name: string) =>
  `export const ${name} = () => process.getBuiltinModule('node:${module}').${name}();`;

const only = (module: string, ...names: string[]) =>
  `export const { ${names.join(', ')} } = process.getBuiltinModule('node:${module}');`;

/** What OpenTelemetry gets for a module of Node that would take its time to load. */
const BUILTINS: Readonly<Record<string, string>> = {
  // 3 ms. Payloads are compressed only if OTEL_EXPORTER_OTLP_COMPRESSION says so.
  zlib: later('zlib', 'createGzip'),
  // 5 ms. For an instance id of the SDK's own; ours is the run's id.
  crypto: later('crypto', 'randomUUID'),
  // import('http') evaluates every export, and WebSocket among them loads the whole of undici: 35 ms.
  http: only('http', 'Agent', 'request'),
  https: only('https', 'Agent', 'request'),
};

/** Replaces the modules of STUBS, and hands OpenTelemetry those of Node without their facades. */
export const leanTelemetry: Plugin = {
  name: 'lean-telemetry',
  setup(build) {
    build.onResolve({ filter: /^@opentelemetry\// }, ({ path }) =>
      path in STUBS ? { path, namespace: 'stub', sideEffects: false } : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: 'stub' }, ({ path }) => ({ contents: STUBS[path] ?? '' }));

    // The id of the machine, which a container doesn't have, is not among what we tell of the host.
    build.onResolve({ filter: /^\.\/getMachineId-/ }, ({ path }) => ({ path, namespace: 'no-machine-id' }));
    build.onLoad({ filter: /.*/, namespace: 'no-machine-id' }, () => ({
      contents: 'export const getMachineId = async () => undefined;',
    }));

    build.onResolve({ filter: /^[a-z_]+$/ }, ({ path, importer, resolveDir, kind }) => {
      if (!importer.includes('@opentelemetry') || !isBuiltin(path)) return undefined;
      if (path in BUILTINS) return { path, namespace: 'part-of-builtin', sideEffects: false };
      return build.resolve(`node:${path}`, { resolveDir, kind });
    });
    build.onLoad({ filter: /.*/, namespace: 'part-of-builtin' }, ({ path }) => ({ contents: BUILTINS[path] ?? '' }));
  },
};
