// What a person or a template gets wrong in the SDK's variables costs at most a warning, and never what is sent.
import { expect, test } from 'vitest';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import { runToEnd } from '../support/run-job.ts';

test.for([
  ['OTEL_METRIC_EXPORT_INTERVAL', 'Infinity'],
  ['OTEL_METRIC_EXPORT_INTERVAL', '1e400'],
  ['OTEL_METRIC_EXPORT_TIMEOUT', 'NaN'],
  ['OTEL_BSP_SCHEDULE_DELAY', '-1'],
  ['OTEL_BSP_MAX_QUEUE_SIZE', '0'],
  ['OTEL_TRACES_SAMPLER_ARG', '2'],
] as const)('%s=%s: everything is sent, and a warning names the variable without its value', async ([name, value]) => {
  await using collector = await startOtlpReceiver();
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, [name]: value };
  const ended = await runToEnd(['noop'], { env });
  expect(ended.summary, ended.stdout).toMatchObject({ status: 'succeeded', telemetryFlushed: true });
  expect(ended.stderr).toBe('');
  const warnings = ended.lines.filter(({ level }) => level === 'warn').map(({ msg }) => msg);
  expect(warnings).toEqual([expect.stringMatching(new RegExp(`${name} must be .*; it is ignored`))]);
  expect(warnings[0]).not.toContain(value);
  expect(collector.span('job.run noop')).toBeDefined();
  expect(collector.metrics).not.toHaveLength(0);
});

test.for([' ', '\n', '\t '])('an endpoint that ends with the blank %j is one without it', async (blank) => {
  await using collector = await startOtlpReceiver();
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}${blank}`, OTEL_LOGS_EXPORTER: 'otlp' };
  const ended = await runToEnd(['noop'], { env });
  expect(ended.summary, ended.stdout).toMatchObject({ status: 'succeeded', telemetryFlushed: true });
  expect(ended.lines.filter(({ level }) => level === 'warn')).toEqual([]);
  expect([collector.spans, collector.metrics, collector.logs].map(({ length }) => length > 0)).toEqual([
    true,
    true,
    true,
  ]);
});
