import { describe, expect, test } from 'vitest';
import { readSettings } from '../../src/telemetry/settings.ts';

const OFF = { console: false };
const JSON_OTLP = { console: false, otlp: 'http/json' };
const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };

describe('telemetry is off, without a word,', () => {
  test.for([
    ['without an endpoint', {}],
    ['with an empty endpoint', { OTEL_EXPORTER_OTLP_ENDPOINT: ' ' }],
    ['when the SDK is disabled', { ...ENDPOINT, OTEL_SDK_DISABLED: 'TRUE' }],
    [
      'when every exporter is none',
      { ...ENDPOINT, OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none' },
    ],
  ] as const)('%s', ([, env]) => {
    expect(readSettings(env)).toMatchObject({ on: false, warnings: [] });
  });
});

test('one endpoint is for traces and metrics; log lines are sent only when they are asked for', () => {
  expect(readSettings(ENDPOINT)).toEqual({
    on: true,
    warnings: [],
    destinations: { TRACES: JSON_OTLP, METRICS: JSON_OTLP, LOGS: OFF },
  });
  expect(readSettings({ ...ENDPOINT, OTEL_LOGS_EXPORTER: 'otlp' }).destinations.LOGS).toEqual(JSON_OTLP);
});

test('a signal can have an endpoint and a protocol of its own', () => {
  const { destinations } = readSettings({
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://traces.example/v1/traces',
    OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/protobuf',
  });
  expect(destinations).toEqual({ TRACES: { console: false, otlp: 'http/protobuf' }, METRICS: OFF, LOGS: OFF });
});

test('the console needs no endpoint', () => {
  const settings = readSettings({ OTEL_TRACES_EXPORTER: 'console' });
  expect(settings).toMatchObject({ on: true, warnings: [], destinations: { TRACES: { console: true }, METRICS: OFF } });
});

describe('a warning names the variable and the remedy, and never the value:', () => {
  test.for<[string, Record<string, string>, string[]]>([
    [
      'gRPC',
      { ...ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_METRICS_EXPORTER: 'none' },
      ["OTEL_EXPORTER_OTLP_PROTOCOL=grpc isn't supported", 'set it to http/protobuf', '4318'],
    ],
    ['an unknown protocol', { ...ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: 's3cret' }, ['OTEL_EXPORTER_OTLP_PROTOCOL']],
    [
      'an endpoint that is no URL',
      { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 's3cret:4318' },
      ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'http://collector:4318'],
    ],
    [
      'an unknown exporter',
      { ...ENDPOINT, OTEL_TRACES_EXPORTER: 's3cret' },
      ['OTEL_TRACES_EXPORTER', 'otlp, console or none'],
    ],
    ['an exporter with nowhere to go', { OTEL_TRACES_EXPORTER: 'otlp' }, ['set OTEL_EXPORTER_OTLP_ENDPOINT']],
    ['logs on the console', { OTEL_LOGS_EXPORTER: 'console' }, ['OTEL_LOGS_EXPORTER', 'standard output as it is']],
    [
      'headers that are no pairs',
      { ...ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS: 's3cret' },
      ['OTEL_EXPORTER_OTLP_HEADERS'],
    ],
    ['a switch that is neither', { ...ENDPOINT, OTEL_SDK_DISABLED: 's3cret' }, ['OTEL_SDK_DISABLED', 'true or false']],
    ['a configuration file', { ...ENDPOINT, OTEL_CONFIG_FILE: '/s3cret' }, ['OTEL_CONFIG_FILE']],
  ])('%s', ([, env, said]) => {
    const { warnings } = readSettings(env);
    expect(warnings).toHaveLength(1);
    for (const words of said) expect(warnings[0]).toContain(words);
    expect(warnings[0]).not.toContain('s3cret');
  });
});
