// Which signals go where, by the OTEL_* variables. Imports next to nothing, so that a run without telemetry pays nothing to find out.
import type { Environment } from './options.ts';
import { SIGNALS, type Signal } from './signals.ts';
import { unusable } from './variables.ts';

export { SIGNALS, type Signal } from './signals.ts';

const PROTOCOLS = ['http/json', 'http/protobuf'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** Where one signal goes. */
export interface Destination {
  /** The encoding of OTLP over HTTP; absent when the signal isn't sent. */
  readonly otlp?: Protocol;
  /** Also printed to standard output, to look at on a laptop. */
  readonly console: boolean;
}

export interface Settings {
  readonly destinations: Readonly<Record<Signal, Destination>>;
  /** Whether any signal goes anywhere. */
  readonly on: boolean;
  /** A sentence for each variable that can't be used, without its value. */
  readonly warnings: readonly string[];
}

const NOWHERE: Destination = { console: false };

/** Reads where the signals go. A signal goes nowhere unless an endpoint, or the exporter `console`, is named. */
export function readSettings(env: Environment): Settings {
  const warnings: string[] = [];
  const disabled = get(env, 'OTEL_SDK_DISABLED')?.toLowerCase() === 'true';
  const destination = (signal: Signal): Destination =>
    disabled ? NOWHERE : readDestination(env, signal, (text) => warnings.push(text));
  const destinations = { TRACES: destination('TRACES'), METRICS: destination('METRICS'), LOGS: destination('LOGS') };
  const on = SIGNALS.some((signal) => destinations[signal].otlp !== undefined || destinations[signal].console);
  if (on) warnings.push(...readRest(env));
  return { destinations, on, warnings: [...new Set(warnings)] };
}

function readDestination(env: Environment, signal: Signal, warn: (text: string) => void): Destination {
  const name = `OTEL_${signal}_EXPORTER`;
  // The log lines are on standard output already, so that sending them as well is for those who ask.
  const asked = get(env, name) ?? (signal === 'LOGS' ? 'none' : undefined);
  const exporters = (asked ?? 'otlp').split(',').map((item) => item.trim());
  if (exporters.includes('none')) return NOWHERE;
  for (const exporter of exporters) {
    if (exporter !== 'otlp' && exporter !== 'console') {
      warn(`${name} names an exporter that run-job doesn't have: use otlp, console or none`);
    }
  }
  if (exporters.includes('console') && signal === 'LOGS') {
    warn(`${name}=console is ignored: log lines are on standard output as it is`);
  }
  const otlp = exporters.includes('otlp') ? readOtlp(env, signal, asked !== undefined, warn) : undefined;
  return { console: exporters.includes('console') && signal !== 'LOGS', ...(otlp && { otlp }) };
}

function readOtlp(
  env: Environment,
  signal: Signal,
  asked: boolean,
  warn: (text: string) => void,
): Protocol | undefined {
  const [endpointName, endpoint] = first(env, `OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`, 'OTEL_EXPORTER_OTLP_ENDPOINT');
  if (endpoint === undefined) {
    if (asked) warn(`OTEL_${signal}_EXPORTER is otlp, but nothing says where to: set OTEL_EXPORTER_OTLP_ENDPOINT`);
    return undefined;
  }
  if (!isHttpUrl(endpoint)) {
    warn(`${endpointName} must be a URL such as http://collector:4318; ${signal.toLowerCase()} are not sent`);
    return undefined;
  }
  const [protocolName, protocol = 'http/json'] = first(
    env,
    `OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`,
    'OTEL_EXPORTER_OTLP_PROTOCOL',
  );
  if (isProtocol(protocol)) return protocol;
  if (protocol === 'grpc') {
    warn(
      `${protocolName}=grpc isn't supported, and ${signal.toLowerCase()} are not sent: set it to http/protobuf, and the endpoint to the collector's OTLP/HTTP port (4318)`,
    );
    return undefined;
  }
  warn(`${protocolName} must be http/json or http/protobuf; http/json is used`);
  return 'http/json';
}

const PAIRS = [
  'OTEL_RESOURCE_ATTRIBUTES',
  'OTEL_EXPORTER_OTLP_HEADERS',
  ...SIGNALS.map((signal) => `OTEL_EXPORTER_OTLP_${signal}_HEADERS`),
];

/** What the SDK would pass over in silence, or do harm with. */
function* readRest(env: Environment): Generator<string> {
  yield* unusable(env).values();
  for (const name of PAIRS) {
    const pairs = get(env, name)?.split(',') ?? [];
    if (pairs.some((pair) => pair.trim() !== '' && !/^[^=]+=./.test(pair.trim()))) {
      yield `${name} must be key=value pairs, separated by commas; what can't be read is ignored`;
    }
  }
  if (!/^(true|false)?$/i.test(get(env, 'OTEL_SDK_DISABLED') ?? '')) {
    yield 'OTEL_SDK_DISABLED must be true or false; telemetry stays on';
  }
  if (get(env, 'OTEL_CONFIG_FILE') !== undefined) {
    yield "OTEL_CONFIG_FILE isn't supported and is ignored: use the other OTEL_* variables";
  }
}

/** A variable's value; what is empty or blank is unset, as OpenTelemetry specifies. */
function get(env: Environment, name: string): string | undefined {
  return env[name]?.trim() || undefined;
}

function first(env: Environment, ...names: string[]): [string, string | undefined] {
  const name = names.find((candidate) => get(env, candidate) !== undefined);
  return name === undefined ? ['', undefined] : [name, get(env, name)];
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

function isProtocol(text: string): text is Protocol {
  return (PROTOCOLS as readonly string[]).includes(text);
}
