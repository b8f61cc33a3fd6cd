// Leaves out of the bundle what OpenTelemetry's NodeSDK imports, and a run never uses.
//
// NodeSDK imports every exporter that OTEL_* variables can name. We make the exporters ourselves (src/telemetry/exporters.ts) and
// hand them over, so the branches of NodeSDK that would make these are never taken; should one be taken, it says so.
import { isBuiltin } from 'node:module';
import { Applied, type Patch } from './patch.ts';

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

/** The id of the machine, which a container doesn't have, is not among what we tell of the host. */
const NO_MACHINE_ID = 'export const getMachineId = async () => undefined;';

const NAME = 'lean-telemetry';
const LOOK = 'see what OpenTelemetry imports now, then deploy/build/lean-telemetry.ts; what it lists in vain goes';

const EXPECTED = [
  ...Object.keys(STUBS).map((path) => `an import of ${path}`),
  ...Object.keys(BUILTINS).map((path) => `an import of ${path} by @opentelemetry`),
  'an import of ./getMachineId-… by @opentelemetry/resources',
];

/** Replaces the modules of STUBS, and hands OpenTelemetry those of Node without their facades. */
export function leanTelemetry(): Patch {
  const applied = new Applied();
  return {
    plugin: {
      name: NAME,
      setup(build) {
        build.onResolve({ filter: /^@opentelemetry\// }, ({ path }) => {
          if (!(path in STUBS)) return undefined;
          applied.add(`an import of ${path}`);
          return { path, namespace: 'stub', sideEffects: false };
        });
        build.onLoad({ filter: /.*/, namespace: 'stub' }, ({ path }) => ({ contents: STUBS[path] ?? '' }));

        build.onResolve({ filter: /^\.\/getMachineId-/ }, ({ path }) => {
          applied.add('an import of ./getMachineId-… by @opentelemetry/resources');
          return { path, namespace: 'no-machine-id' };
        });
        build.onLoad({ filter: /.*/, namespace: 'no-machine-id' }, () => ({ contents: NO_MACHINE_ID }));

        build.onResolve({ filter: /^[a-z_]+$/ }, ({ path, importer, resolveDir, kind }) => {
          if (!importer.includes('@opentelemetry') || !isBuiltin(path)) return undefined;
          if (!(path in BUILTINS)) return build.resolve(`node:${path}`, { resolveDir, kind });
          applied.add(`an import of ${path} by @opentelemetry`);
          return { path, namespace: 'part-of-builtin', sideEffects: false };
        });
        build.onLoad({ filter: /.*/, namespace: 'part-of-builtin' }, ({ path }) => ({
          contents: BUILTINS[path] ?? '',
        }));
      },
    },
    problems: ({ inputs }) => [
      ...applied.missing(NAME, Object.fromEntries(EXPECTED.map((what) => [what, LOOK]))),
      ...Object.keys(inputs)
        .filter((file) => Object.keys(STUBS).some((path) => file.includes(`node_modules/${path}/`)))
        .map((file) => `${NAME}: ${file} is in a bundle, and should be replaced: ${LOOK}`),
    ],
  };
}
