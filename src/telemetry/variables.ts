// Which values the SDK's variables can have. The SDK takes some that do harm, and quotes others in what it says; ours names the variable only.
import { statSync } from 'node:fs';
import type { Environment } from './options.ts';
import { SIGNALS } from './signals.ts';

/** Beyond this a timer of Node's fires at once. */
const LONGEST_MS = 2 ** 31 - 1;

interface Rule {
  readonly names: readonly string[];
  readonly fits: (value: string) => boolean;
  /** To follow the variable's name. */
  readonly must: string;
}

const whole = (names: readonly string[], unit: string, least: number): Rule => ({
  names,
  fits: (value) => /^\d{1,10}$/.test(value) && Number(value) >= least && Number(value) <= LONGEST_MS,
  must: `must be a whole number${unit} from ${least} to ${LONGEST_MS}`,
});

const oneOf = (names: readonly string[], values: readonly string[], several = false): Rule => ({
  names,
  fits: (value) => (several ? value.split(',') : [value]).every((item) => values.includes(item.trim().toLowerCase())),
  must: `must be ${values.slice(0, -1).join(', ')} or ${values.at(-1)}${several ? ', or several with commas between them' : ''}`,
});

const batch = (prefix: string): readonly string[] => [`${prefix}_SCHEDULE_DELAY`, `${prefix}_EXPORT_TIMEOUT`];
const queue = (prefix: string): readonly string[] => [`${prefix}_MAX_QUEUE_SIZE`, `${prefix}_MAX_EXPORT_BATCH_SIZE`];
const otlp = (what: string): readonly string[] => [
  `OTEL_EXPORTER_OTLP_${what}`,
  ...SIGNALS.map((signal) => `OTEL_EXPORTER_OTLP_${signal}_${what}`),
];
const limits = (what: string): readonly string[] =>
  ['', 'SPAN_', 'LOGRECORD_'].map((prefix) => `OTEL_${prefix}ATTRIBUTE_${what}_LIMIT`);

const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
];

const rules = (): Rule[] => [
  whole([...batch('OTEL_BSP'), ...batch('OTEL_BLRP')], ' of milliseconds', 1),
  whole([...queue('OTEL_BSP'), ...queue('OTEL_BLRP')], '', 1),
  whole(['OTEL_METRIC_EXPORT_INTERVAL', 'OTEL_METRIC_EXPORT_TIMEOUT', ...otlp('TIMEOUT')], ' of milliseconds', 1),
  whole([...limits('COUNT'), ...limits('VALUE_LENGTH')], '', 0),
  whole(
    [
      'OTEL_SPAN_EVENT_COUNT_LIMIT',
      'OTEL_SPAN_LINK_COUNT_LIMIT',
      'OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT',
      'OTEL_LINK_ATTRIBUTE_COUNT_LIMIT',
    ],
    '',
    0,
  ),
  {
    names: [...otlp('CERTIFICATE'), ...otlp('CLIENT_CERTIFICATE'), ...otlp('CLIENT_KEY')],
    fits: (value) => statSync(value, { throwIfNoEntry: false })?.isFile() ?? true,
    must: 'must name a file, and no folder, pipe or device, which would be read for ever',
  },
  oneOf(['OTEL_PROPAGATORS'], ['tracecontext', 'baggage', 'b3', 'b3multi', 'none'], true),
  oneOf(['OTEL_TRACES_SAMPLER'], SAMPLERS),
  {
    names: ['OTEL_TRACES_SAMPLER_ARG'],
    fits: (value) => /^(?:0|1|[01]?\.\d{1,18})$/.test(value) && Number(value) <= 1,
    must: 'must be a number from 0 to 1',
  },
  oneOf(['OTEL_LOG_LEVEL'], ['none', 'error', 'warn', 'info', 'debug', 'verbose', 'all']),
  oneOf(otlp('COMPRESSION'), ['gzip', 'none']),
  oneOf(['OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE'], ['cumulative', 'delta', 'lowmemory']),
  oneOf(['OTEL_METRICS_EXEMPLAR_FILTER'], ['always_on', 'always_off', 'trace_based']),
  oneOf(
    ['OTEL_NODE_RESOURCE_DETECTORS'],
    ['none', 'env', 'host', 'os', 'process', 'serviceinstance', 'container', 'all'],
    true,
  ),
];

/** The variables whose values can't be used, each with a sentence without the value. */
export function unusable(env: Environment): Map<string, string> {
  const found = new Map<string, string>();
  if (!Object.keys(env).some((name) => name.startsWith('OTEL_'))) return found;
  for (const { names, fits, must } of rules()) {
    for (const name of names) {
      const value = env[name]?.trim();
      if (value && !holds(fits, value)) found.set(name, `${name} ${must}; it is ignored`);
    }
  }
  return found;
}

function holds(fits: Rule['fits'], value: string): boolean {
  try {
    return fits(value);
  } catch {
    // A path that leads nowhere, through a file or without rights: whoever reads it says so.
    return true;
  }
}

/**
 * Leaves the SDK, which reads the variables of the process itself, with those that can be used, and without the blanks around them, which it
 * would send to.
 */
export function cleanVariables(env: NodeJS.ProcessEnv): void {
  for (const name of unusable(env).keys()) delete env[name];
  for (const [name, value] of Object.entries(env)) {
    if (name.startsWith('OTEL_') && value !== undefined && value !== value.trim()) env[name] = value.trim();
  }
}
