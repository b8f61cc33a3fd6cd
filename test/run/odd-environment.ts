// Hostile values in every variable and flag: what a run makes of each, and the rules that its end must keep.

import { seeded } from '../runner/secrets/samples.ts';

/** Stands in every value, and may be seen nowhere. */
export const MARK = 'Zq7-hunter2-xW9';

const HOSTILE: readonly string[] = [
  '',
  ' ',
  '0',
  '-1',
  '1e400',
  'Infinity',
  'NaN',
  '0x10',
  '1_000',
  '99999999999999999999',
  '1.5',
  ' 5 ',
  '5\n',
  'true',
  'TRUE',
  'null',
  '[]',
  '{"a":1,"a":2}',
  '\u202e',
  'ä'.repeat(300),
  'x'.repeat(5_000),
  '/',
  '/nowhere/at/all',
  '/dev/null',
  '/dev/full',
  '/proc/self/mem',
  '.',
  '..:::',
  ',',
  'http://',
  'http://[::1',
  'http://127.0.0.1:1/ ',
  'postgres://',
  'postgres://127.0.0.1:1/x?sslmode=verify-ca',
  'postgres://127.0.0.1:1,127.0.0.1:2/x',
  'postgres://127.0.0.1:1/x?statement_timeout=zz',
  'postgres://127.0.0.1:1/x%00y',
  'postgres://127.0.0.1:1/x?ssl=maybe',
  'postgres://127.0.0.1:0/x',
  'postgres://127.0.0.1:1/x?sslrootcert=/etc/hostname',
  'amqp://127.0.0.1:1/%zz',
  'amqp://127.0.0.1:1?heartbeat=often',
  'amqps://127.0.0.1:1',
  'grpc',
  'console',
  'b3,pigeon',
  'a=b=c,=,;',
  `${MARK}`,
  `postgres://app:${MARK}@127.0.0.1:1/x`,
  `postgres://app:${MARK}@127.0.0.1:1,127.0.0.1:2/x`,
  `amqp://app:${MARK}@127.0.0.1:1/x`,
  `http://app:${MARK}@127.0.0.1:1`,
  `key=${MARK}`,
  `{"password":"${MARK}"}`,
];

const URLS = HOSTILE.filter((value) => value.includes('://'));

const TELEMETRY: readonly string[] = [
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'OTEL_EXPORTER_OTLP_PROTOCOL',
  'OTEL_EXPORTER_OTLP_HEADERS',
  'OTEL_EXPORTER_OTLP_TIMEOUT',
  'OTEL_EXPORTER_OTLP_COMPRESSION',
  'OTEL_EXPORTER_OTLP_CERTIFICATE',
  'OTEL_EXPORTER_OTLP_CLIENT_KEY',
  'OTEL_TRACES_EXPORTER',
  'OTEL_METRICS_EXPORTER',
  'OTEL_LOGS_EXPORTER',
  'OTEL_TRACES_SAMPLER',
  'OTEL_TRACES_SAMPLER_ARG',
  'OTEL_PROPAGATORS',
  'OTEL_METRIC_EXPORT_INTERVAL',
  'OTEL_METRIC_EXPORT_TIMEOUT',
  'OTEL_BSP_SCHEDULE_DELAY',
  'OTEL_BSP_MAX_QUEUE_SIZE',
  'OTEL_BSP_MAX_EXPORT_BATCH_SIZE',
  'OTEL_BLRP_SCHEDULE_DELAY',
  'OTEL_RESOURCE_ATTRIBUTES',
  'OTEL_SERVICE_NAME',
  'OTEL_SDK_DISABLED',
  'OTEL_LOG_LEVEL',
  'OTEL_CONFIG_FILE',
  'OTEL_NODE_RESOURCE_DETECTORS',
  'OTEL_ATTRIBUTE_COUNT_LIMIT',
  'OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE',
  'TRACEPARENT',
  'TRACESTATE',
  'BAGGAGE',
  'NO_COLOR',
  'TZ',
];

const FLAGS = ['--timeout', '--scheduled-at', '--param', '--params', '--as', '--locked', '--log-level', '--log-format'];

/** One variable or flag and its value, drawn with what else it needs to be looked at. */
export interface Case {
  readonly name: string;
  readonly value: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/**
 * So many cases, the same for the same seed; each variable and flag before any comes twice.
 * @param databaseUrl a database that lives, for the variables that mean nothing without one
 */
export function cases(variables: readonly string[], count: number, seed: number, databaseUrl?: string): Case[] {
  const random = seeded(seed);
  const names = [...variables, ...TELEMETRY, ...FLAGS].sort(() => random() - 0.5);
  return Array.from({ length: count }, (_, index) => {
    const name = names[index % names.length] ?? '';
    // Half of the values of a URL are URLs: what is none is refused soon.
    const values = /URL|ENDPOINT/.test(name) && random() < 0.5 ? URLS : HOSTILE;
    const value = values[Math.floor(random() * values.length)] ?? '';
    const telemetry = /^(?:OTEL_|TRACE|BAGGAGE)/.test(name);
    return {
      name,
      value,
      args: name.startsWith('--') ? [`${name}=${value}`] : [],
      env: {
        ...(databaseUrl !== undefined && { DATABASE_URL: databaseUrl }),
        // A server that refuses is waited for.
        WORKER_LOCK_WAIT_SECONDS: '1',
        WORKER_CONNECT_TIMEOUT_SECONDS: '1',
        OTEL_SHUTDOWN_TIMEOUT_MS: '300',
        ...(telemetry && { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', OTEL_LOGS_EXPORTER: 'otlp' }),
        ...(!name.startsWith('--') && { [name]: value }),
      },
    };
  });
}

/** What is left of such a run. */
export interface EndedOddly {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly termination: unknown;
  readonly summary: { readonly error?: { readonly message: string } } | undefined;
}

/** What is wrong with how such a run ended; undefined when nothing is. */
export function wrongWith(ended: EndedOddly): string | undefined {
  const { exitCode, stdout, stderr, summary, termination } = ended;
  const said = stdout + stderr + JSON.stringify(termination ?? '');
  if (![0, 64, 69, 78].includes(exitCode ?? -1)) return `it ended with ${exitCode}`;
  if (said.includes(MARK) || said.includes('hunter2')) return 'it told the secret';
  if (/^\s+at .+:\d+/m.test(stderr) || /"stack":/.test(stdout) || /\n {4}at /.test(stdout)) return 'it printed a stack';
  if (stderr !== '') return `it wrote to standard error: ${stderr.slice(0, 200)}`;
  if (exitCode === 0) return undefined;
  const message = summary?.error?.message ?? '';
  if (message === '' && !/run \w+/.test(stdout)) return 'it said nothing';
  return /\n/.test(message) ? 'its message is no sentence' : undefined;
}
